//! The offset index: sparse entries from offset to byte position, one list per segment.
//!
//! Kafka's rule (`LogSegment.append` and `LogSegment.recover` agree on it): a batch gets an entry when more
//! than `index.interval.bytes` of log lie between it and the batch that got the last entry. The entry holds
//! the *last* offset of the batch that starts at the position.

/// Bytes of one entry of a `.index` file.
pub const INDEX_ENTRY_BYTES: usize = 8;

/// One entry: the batch that starts at `position` ends at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The last offset of the batch, absolute.
    pub offset: i64,
    /// Where the batch starts in the `.log` file.
    pub position: u32,
}

impl IndexEntry {
    /// Kafka's form: offset relative to the segment's base, position, both big-endian.
    ///
    /// # Panics
    /// If the offset does not fit the segment; the roll rule keeps it within 2^31−1 of the base.
    #[must_use]
    pub fn encode(&self, base: i64) -> [u8; INDEX_ENTRY_BYTES] {
        let relative =
            i32::try_from(self.offset - base).expect("a segment spans at most 2^31-1 offsets");
        let mut bytes = [0; INDEX_ENTRY_BYTES];
        bytes[..4].copy_from_slice(&relative.to_be_bytes());
        bytes[4..].copy_from_slice(&self.position.to_be_bytes());
        bytes
    }

    /// The inverse of [`IndexEntry::encode`].
    #[must_use]
    pub fn decode(base: i64, bytes: &[u8; INDEX_ENTRY_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h] = *bytes;
        IndexEntry {
            offset: base + i64::from(i32::from_be_bytes([a, b, c, d])),
            position: u32::from_be_bytes([e, f, g, h]),
        }
    }
}

/// How many entries of one segment are held in memory before every other one is dropped.
const HELD_MAX: usize = 1024;

/// The index entries of one segment as the pure state holds them: a bounded sample of the file's.
///
/// It answers "about where": a position at or before the batch asked for. The reader of the file finds the
/// exact batch from there. When the sample is full every other entry goes, and the stride doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparseIndex {
    entries: Vec<IndexEntry>,
    stride_log2: u32,
    seen: u32,
}

impl SparseIndex {
    /// Takes note of the next entry of the file; offsets must ascend.
    pub fn push(&mut self, entry: IndexEntry) {
        debug_assert!(
            self.entries
                .last()
                .is_none_or(|last| last.offset < entry.offset)
        );
        let keep = self.seen.trailing_zeros() >= self.stride_log2;
        self.seen += 1;
        if !keep {
            return;
        }
        if self.entries.len() == HELD_MAX {
            let mut nth = 0;
            self.entries.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
            self.stride_log2 += 1;
            if (self.seen - 1).trailing_zeros() < self.stride_log2 {
                return;
            }
        }
        self.entries.push(entry);
    }

    /// The greatest entry at or below `offset`: a position from where walking forward finds the offset.
    #[must_use]
    pub fn at_or_before(&self, offset: i64) -> Option<IndexEntry> {
        let n = self.entries.partition_point(|e| e.offset <= offset);
        n.checked_sub(1).map(|i| self.entries[i])
    }

    /// The first entry whose batch ends at or after `offset`.
    #[must_use]
    pub fn at_or_after(&self, offset: i64) -> Option<IndexEntry> {
        let n = self.entries.partition_point(|e| e.offset < offset);
        self.entries.get(n).copied()
    }

    /// The first entry whose batch starts at or after `position`.
    #[must_use]
    pub fn at_or_after_position(&self, position: u64) -> Option<IndexEntry> {
        let n = self
            .entries
            .partition_point(|e| u64::from(e.position) < position);
        self.entries.get(n).copied()
    }

    /// How many entries the file has, as far as they were pushed here.
    #[must_use]
    pub fn file_entries(&self) -> u32 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_relative_offset_then_position_big_endian() {
        let entry = IndexEntry {
            offset: 1_000_300,
            position: 0x0102_0304,
        };
        let bytes = entry.encode(1_000_000);
        assert_eq!(bytes, [0, 0, 1, 0x2c, 1, 2, 3, 4]);
        assert_eq!(IndexEntry::decode(1_000_000, &bytes), entry);
    }

    #[test]
    fn a_full_sample_stays_bounded_and_never_points_past_the_offset() {
        let mut index = SparseIndex::default();
        for n in 0..50_000u32 {
            index.push(IndexEntry {
                offset: i64::from(n) * 10 + 9,
                position: n * 100,
            });
        }
        assert_eq!(index.file_entries(), 50_000);
        assert!(index.entries.len() <= HELD_MAX && index.entries.len() >= HELD_MAX / 2);
        for offset in (0..500_000).step_by(977) {
            if let Some(found) = index.at_or_before(offset) {
                assert!(found.offset <= offset);
                assert!(offset - found.offset <= 10 * (1 << index.stride_log2) + 10);
            }
        }
        let later = index
            .at_or_after_position(2_500_050)
            .expect("entries lie beyond");
        assert!(later.position >= 2_500_050);
    }
}
