//! The aborted index: which transactions ended in an abort, in the order of their markers.
//!
//! Only transactions that had data in this partition appear. Both halves use it: readers of committed data are
//! told which producers' batches to skip, and each segment's `.txnindex` file holds the entries whose marker
//! lies in it.

/// Bytes of one entry of a `.txnindex` file.
pub const ABORTED_ENTRY_BYTES: usize = 34;

/// The version Kafka writes at the head of each entry.
const VERSION: i16 = 0;

/// One aborted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedEntry {
    /// Whose transaction it was.
    pub producer_id: i64,
    /// The offset of its first record in this partition.
    pub first_offset: i64,
    /// The offset of its abort marker.
    pub last_offset: i64,
    /// The last stable offset just after it ended: the first offset of the oldest transaction that was still
    /// open, else the offset after the marker. All that ended later began at or after it.
    pub last_stable_offset: i64,
}

impl AbortedEntry {
    /// Kafka's form (`AbortedTxn`), big-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; ABORTED_ENTRY_BYTES] {
        let mut bytes = [0; ABORTED_ENTRY_BYTES];
        bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
        let fields = [
            self.producer_id,
            self.first_offset,
            self.last_offset,
            self.last_stable_offset,
        ];
        for (slot, field) in bytes[2..].chunks_exact_mut(8).zip(fields) {
            slot.copy_from_slice(&field.to_be_bytes());
        }
        bytes
    }

    /// The inverse of [`AbortedEntry::encode`]; `None` if the version is not one we know.
    #[must_use]
    pub fn decode(bytes: &[u8; ABORTED_ENTRY_BYTES]) -> Option<Self> {
        if bytes[..2] != VERSION.to_be_bytes() {
            return None;
        }
        let field = |n: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[2 + n * 8..10 + n * 8]);
            i64::from_be_bytes(eight)
        };
        Some(AbortedEntry {
            producer_id: field(0),
            first_offset: field(1),
            last_offset: field(2),
            last_stable_offset: field(3),
        })
    }
}

/// What a reader of committed data is told: from `first_offset` on, skip this producer's batches until its
/// abort marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose batches to skip.
    pub producer_id: i64,
    /// From which offset on.
    pub first_offset: i64,
}

/// Adds to `found` what of one segment's entries, ascending by marker, concerns a read of `[from, upper)`.
///
/// Returns true if no later entry can concern it: an entry was met whose last stable offset reaches `upper`.
pub(crate) fn collect_aborted(
    entries: &[AbortedEntry],
    from: i64,
    upper: i64,
    found: &mut Vec<AbortedTransaction>,
) -> bool {
    let start = entries.partition_point(|e| e.last_offset < from);
    for entry in &entries[start..] {
        if entry.first_offset < upper {
            found.push(AbortedTransaction {
                producer_id: entry.producer_id,
                first_offset: entry.first_offset,
            });
        }
        if entry.last_stable_offset >= upper {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: AbortedEntry = AbortedEntry {
        producer_id: 1,
        first_offset: 2,
        last_offset: 0x0304,
        last_stable_offset: 0x0305,
    };

    #[test]
    fn an_entry_is_version_producer_first_last_and_stable_big_endian() {
        let bytes = ENTRY.encode();
        let mut wanted = vec![0, 0];
        for tail in [[0, 1], [0, 2], [3, 4], [3, 5]] {
            wanted.extend([0; 6]);
            wanted.extend(tail);
        }
        assert_eq!(bytes.as_slice(), wanted);
        assert_eq!(AbortedEntry::decode(&bytes), Some(ENTRY));
    }

    #[test]
    fn an_entry_of_an_unknown_version_is_not_read() {
        let mut bytes = ENTRY.encode();
        bytes[1] = 1;
        assert_eq!(AbortedEntry::decode(&bytes), None);
    }

    #[test]
    fn a_read_is_told_of_what_overlaps_it_and_of_nothing_that_ended_before() {
        let entry = |producer_id, first_offset, last_offset, last_stable_offset| AbortedEntry {
            producer_id,
            first_offset,
            last_offset,
            last_stable_offset,
        };
        let entries = [
            entry(1, 0, 10, 5),
            entry(2, 5, 20, 12),
            entry(3, 12, 30, 31),
            entry(4, 40, 41, 42),
        ];
        let told = |from, upper| {
            let mut found = Vec::new();
            collect_aborted(&entries, from, upper, &mut found);
            found.iter().map(|a| a.producer_id).collect::<Vec<_>>()
        };
        assert_eq!(told(0, 50), [1, 2, 3, 4]);
        assert_eq!(told(11, 12), [2]);
        assert_eq!(told(11, 13), [2, 3]);
        assert_eq!(told(31, 40), [0; 0]);
    }
}
