//! The time index: the largest timestamp so far, and the batch that holds it, at the moments of index entries.

/// Bytes of one entry of a `.timeindex` file.
pub const TIME_INDEX_ENTRY_BYTES: usize = 12;

/// One entry: no record of the segment up to here has a timestamp above `timestamp`, and the batch that ends
/// at `offset` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeIndexEntry {
    /// The largest timestamp so far, in milliseconds.
    pub timestamp: i64,
    /// The last offset of the batch that holds it, absolute.
    pub offset: i64,
}

impl TimeIndexEntry {
    /// Kafka's form: timestamp, then offset relative to the segment's base, both big-endian.
    ///
    /// # Panics
    /// If the offset does not fit the segment; the roll rule keeps it within 2^31−1 of the base.
    #[must_use]
    pub fn encode(&self, base: i64) -> [u8; TIME_INDEX_ENTRY_BYTES] {
        let relative =
            i32::try_from(self.offset - base).expect("a segment spans at most 2^31-1 offsets");
        let mut bytes = [0; TIME_INDEX_ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&relative.to_be_bytes());
        bytes
    }

    /// The inverse of [`TimeIndexEntry::encode`].
    #[must_use]
    pub fn decode(base: i64, bytes: &[u8; TIME_INDEX_ENTRY_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        TimeIndexEntry {
            timestamp: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            offset: base + i64::from(i32::from_be_bytes([i, j, k, l])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_timestamp_then_relative_offset_big_endian() {
        let entry = TimeIndexEntry {
            timestamp: 0x0000_01a2_0971_73bc,
            offset: 70_001,
        };
        let bytes = entry.encode(70_000);
        assert_eq!(bytes, [0, 0, 1, 0xa2, 9, 0x71, 0x73, 0xbc, 0, 0, 0, 1]);
        assert_eq!(TimeIndexEntry::decode(70_000, &bytes), entry);
    }
}
