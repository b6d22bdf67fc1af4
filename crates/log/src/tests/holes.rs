//! Segments of which the log is gone, or its end: a repaired file system or a copy that was cut short leaves that, and
//! nothing of ours.

use super::harness::Partition;
use super::sums::stopped;
use crate::store::{Disk, RecoverError};

/// What may become of a segment's log.
const LOSSES: [fn(&Partition, i64); 3] = [
    |partition, base| {
        let log = partition.dir.join(format!("{base:020}.log"));
        partition.disk.remove(&log).expect("is there");
    },
    |partition, base| cut(partition, base, 0),
    |partition, base| {
        let segments = partition.log.segments();
        let of_base = segments.iter().find(|segment| segment.base == base);
        let end = of_base.expect("is one").end;
        let batches = partition.batches.iter();
        let before_last = batches.filter(|b| b.base_offset() >= base && b.last_offset() + 1 < end);
        cut(partition, base, before_last.map(|b| b.size() as u64).sum());
    },
];

fn cut(partition: &Partition, base: i64, len: u64) {
    let log = partition.dir.join(format!("{base:020}.log"));
    let log = partition.disk.open(&log, false).expect("is there");
    assert!(len < partition.disk.len(&log).expect("has one"));
    partition.disk.truncate(&log, len).expect("cuts");
}

#[test]
fn a_hole_between_segments_below_what_was_flushed_refuses_the_start() {
    for clean in [true, false] {
        for loss in LOSSES {
            for without_indexes in [true, false] {
                let partition = stopped(clean);
                let base = partition.log.segments()[1].base;
                loss(&partition, base);
                for kind in ["index", "timeindex", "txnindex", "sums"] {
                    let path = partition.dir.join(format!("{base:020}.{kind}"));
                    if without_indexes {
                        partition.disk.remove(&path).expect("is there");
                    }
                }
                let refused = partition.open(clean).map(|_| ()).expect_err("is damaged");
                assert!(matches!(refused, RecoverError::Damaged { .. }), "{refused}");
            }
        }
    }
}

#[test]
fn who_folds_a_log_sees_a_hole_between_segments() {
    for loss in LOSSES {
        let partition = stopped(true);
        let fold = || {
            partition
                .store
                .reader()
                .batches(0, i64::MAX)
                .expect("lists")
        };
        assert!(fold().all(|batch| batch.is_ok()));
        loss(&partition, partition.log.segments()[1].base);
        assert!(fold().any(|batch| batch.is_err()));
    }
}
