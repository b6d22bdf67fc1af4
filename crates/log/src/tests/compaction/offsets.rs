//! The offset at which a batch begins is covered by no checksum: what shows that it has changed in a compacted log.

use once_wire::batch::Batch;
use proptest::prelude::*;

use super::files::{Filed, split};
use super::rig::steps;
use crate::store::{CompactFailure, Disk, ReadFailure};
use crate::{FileRange, Segment, Source, TimestampSearch};

impl Filed {
    /// Where the nth batch of the closed segments is: its segment and its position there.
    fn closed_batch(&self, nth: prop::sample::Index) -> Option<(&Segment, &Batch, u64)> {
        let (_, closed) = self.rig.log.segments().split_last()?;
        let end = closed.last()?.end;
        let below: Vec<_> = self
            .rig
            .batches
            .iter()
            .filter(|b| b.base_offset() < end)
            .collect();
        let batch = *below.get(nth.index(below.len()))?;
        let segment = closed
            .iter()
            .find(|segment| batch.base_offset() < segment.end)?;
        let before = below
            .iter()
            .filter(|b| (segment.base..batch.base_offset()).contains(&b.base_offset()));
        Some((segment, batch, before.map(|b| b.size() as u64).sum()))
    }

    /// Flips a bit of that batch's base offset.
    fn flip(&self, nth: prop::sample::Index, bit: u64) -> Option<(i64, u64)> {
        let (segment, batch, position) = self.closed_batch(nth)?;
        let path = self.store.dir().join(format!("{:020}.log", segment.base));
        self.disk
            .flip(&path, position * 8 + bit)
            .expect("it is there");
        let file = self.disk.open(&path, false).expect("it is there");
        let mut found = [0; 8];
        self.disk
            .read_at(&file, position, &mut found)
            .expect("reads");
        assert_eq!(
            (i64::from_be_bytes(found) ^ batch.base_offset()).count_ones(),
            1
        );
        Some((segment.base, position))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_record_is_read_at_another_offset(
        history in steps(120),
        nth in any::<prop::sample::Index>(),
        bit in 0..64_u64,
    ) {
        let mut filed = Filed::played(&history);
        filed.compact();
        let reads = filed.plan_reads();
        let at_any_time = |range: &FileRange| TimestampSearch { range: *range, timestamp: 0 };
        let by_time: Vec<_> = reads
            .iter()
            .filter_map(|(read, _)| match &read.source {
                Source::File(range) => Some(at_any_time(range)),
                _ => None,
            })
            .map(|search| {
                let found = filed.store.reader().find_timestamp(&search);
                (search, found.expect("reads"))
            })
            .collect();
        let Some((base, at)) = filed.flip(nth, bit) else {
            return Ok(());
        };
        for (read, wanted) in reads {
            let Source::File(range) = read.source else {
                continue;
            };
            match filed.store.reader().read(&range) {
                Ok(bytes) => {
                    let found = split(bytes);
                    prop_assert_eq!(&found[..], &wanted[..found.len()]);
                }
                Err(ReadFailure::Corrupt { position, .. }) => {
                    prop_assert_eq!((range.segment, position), (base, at));
                }
                Err(other) => panic!("{other}"),
            }
        }
        for (search, wanted) in by_time {
            match filed.store.reader().find_timestamp(&search) {
                Ok(found) => prop_assert_eq!(found, wanted),
                Err(ReadFailure::Corrupt { position, .. }) => {
                    prop_assert_eq!((search.range.segment, position), (base, at));
                }
                Err(other) => panic!("{other}"),
            }
        }
        for upper in [i64::MAX, filed.rig.log.end_offset()] {
            let mut batches = filed.store.reader().batches(0, upper).expect("lists");
            prop_assert!(batches.any(|batch| batch.is_err()), "who folds the log is told");
        }
    }

    #[test]
    fn who_reads_up_to_an_offset_that_compaction_passed_over_sees_no_damage(history in steps(120)) {
        let mut filed = Filed::played(&history);
        filed.compact();
        for upper in 0..=filed.rig.log.end_offset() {
            let batches = filed.store.reader().batches(0, upper).expect("lists");
            let read: Result<Vec<_>, _> = batches.collect();
            let read = read.expect("is sound");
            prop_assert!(read.last().map_or(0, |last| last.last_offset() + 1) >= upper);
            prop_assert!(read.iter().all(|batch| batch.base_offset() < upper));
        }
    }

    #[test]
    fn no_compaction_writes_a_record_at_another_offset(
        history in steps(120),
        nth in any::<prop::sample::Index>(),
        bit in 0..64_u64,
    ) {
        let mut filed = Filed::played(&history);
        filed.compact();
        let Some((base, _)) = filed.flip(nth, bit) else {
            return Ok(());
        };
        filed.rig.log.cleaned_to = 0;
        let Some(compaction) = filed.begin() else {
            return Ok(());
        };
        let takes_part = compaction.plan().segments.iter().any(|segment| segment.base == base);
        let done = compaction.run(&|| false);
        let corrupt = matches!(&done, Err(CompactFailure::Read(ReadFailure::Corrupt { .. })));
        prop_assert!(corrupt || !takes_part, "{done:?}");
    }
}
