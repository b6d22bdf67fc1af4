//! Records that go, and files that go with them.

use proptest::prelude::*;

use super::harness::{Partition, Step, deleting_steps, small_config};
use crate::store::{Crash, Disk};
use crate::{DeleteError, Deletion, LogConfig, PartitionLog, Write};

fn data(ticks: u8) -> Step {
    Step::Data {
        producer: 2,
        records: 1,
        size: 60,
        ticks,
    }
}

/// A partition of several segments, all flushed.
fn filled(config: LogConfig) -> Partition {
    let mut partition = Partition::new(config);
    for _ in 0..60 {
        partition.run(&data(1));
    }
    partition.flush();
    assert!(partition.log.segments().len() > 3);
    partition
}

fn bases(log: &PartitionLog) -> Vec<i64> {
    log.segments().iter().map(|segment| segment.base).collect()
}

/// The offsets in the names of the files that end so.
fn named(partition: &Partition, suffix: &str) -> Vec<i64> {
    let entries = partition.disk.list(&partition.dir).expect("lists");
    let names = entries.iter().filter_map(|e| e.name.strip_suffix(suffix));
    names.filter_map(|digits| digits.parse().ok()).collect()
}

fn keeping(retention_ms: i64, retention_bytes: i64) -> LogConfig {
    LogConfig {
        retention_ms,
        retention_bytes,
        ..small_config()
    }
}

#[test]
fn records_are_deleted_up_to_the_high_watermark_and_not_beyond() {
    let mut partition = filled(keeping(-1, -1));
    partition.run(&data(1));
    let log = &mut partition.log;
    let high_watermark = log.high_watermark();
    assert!(high_watermark < log.end_offset());
    for offset in [-2, high_watermark + 1, i64::MAX, i64::MIN] {
        let refused = log.delete_records(offset);
        let out_of_range = DeleteError::OffsetOutOfRange {
            offset,
            high_watermark,
        };
        assert_eq!(refused, Err(out_of_range));
    }
    let all = Deletion {
        start: high_watermark,
        writes: Vec::new(),
    };
    assert_eq!(log.delete_records(-1), Ok((high_watermark, Some(all))));
    assert_eq!(log.delete_records(7), Ok((7, None)), "is on its way");
    assert_eq!(log.log_start_offset(), 0, "is not durable");
}

#[test]
fn without_delete_in_the_policy_nothing_is_deleted() {
    let mut partition = filled(LogConfig {
        deletes: false,
        ..keeping(0, 0)
    });
    assert_eq!(partition.log.delete_records(1), Err(DeleteError::Policy));
    assert_eq!(partition.log.retain(i64::MAX), None);
}

#[test]
fn a_segment_goes_when_the_whole_of_it_is_below_the_start() {
    let mut partition = filled(keeping(-1, -1));
    let bases = bases(&partition.log);
    for (start, stays_from) in [(bases[2] - 1, bases[1]), (bases[2], bases[2])] {
        let deletion = partition.log.delete_records(start).expect("in range");
        assert_eq!(deletion.0, start);
        let writes = partition.log.starts_at(start);
        assert_eq!(writes, [Write::DropSegments { below: stays_from }]);
        partition.store.write_all(&writes).expect("removes");
        assert_eq!(partition.log.log_start_offset(), start);
        assert_eq!(named(&partition, ".log")[0], stays_from);
        assert_eq!(named(&partition, ".index")[0], stays_from);
        assert_eq!(named(&partition, ".snapshot")[0], stays_from);
        assert_eq!(named(&partition, ".window")[0], stays_from);
    }
}

#[test]
fn a_segment_goes_by_the_age_of_its_newest_record() {
    let mut partition = filled(keeping(1_000, -1));
    let newest: Vec<i64> = partition
        .log
        .segments()
        .iter()
        .map(|s| s.max_timestamp.timestamp)
        .collect();
    let bases = bases(&partition.log);
    assert_eq!(partition.log.retain(newest[0] + 1_000), None);
    let deletion = partition.log.retain(newest[1] + 1_001).expect("two go");
    assert_eq!((deletion.start, deletion.writes), (bases[2], Vec::new()));
    assert_eq!(partition.log.retain(newest[1] + 1_001), None, "are going");
}

#[test]
fn the_last_segment_goes_when_it_is_old_and_an_empty_one_stays() {
    let mut partition = filled(keeping(1_000, -1));
    let end = partition.log.end_offset();
    let deletion = partition.log.retain(i64::MAX).expect("all go");
    assert_eq!(deletion.start, end);
    assert!(deletion.writes.contains(&Write::Roll { base: end }));
    partition.store.write_all(&deletion.writes).expect("writes");
    let writes = partition.log.starts_at(end);
    partition.store.write_all(&writes).expect("removes");
    assert_eq!(bases(&partition.log), [end]);
    assert_eq!(named(&partition, ".log"), [end]);
    assert_eq!(partition.log.retain(i64::MAX), None, "an empty one stays");
    partition.start = end;
    partition.run(&data(1));
    partition.flush();
    partition.crash(Crash::LoseAll);
    assert_eq!(partition.log.log_start_offset(), end);
    assert_eq!(partition.log.end_offset(), end + 1);
}

#[test]
fn the_oldest_segments_go_while_the_others_have_enough() {
    let mut partition = filled(keeping(-1, 3_000));
    let sizes: Vec<u64> = partition.log.segments().iter().map(|s| s.size).collect();
    let deletion = partition.log.retain(0).expect("some go");
    let gone = partition
        .log
        .segments()
        .iter()
        .filter(|s| s.base < deletion.start)
        .count();
    let left: u64 = sizes[gone..].iter().sum();
    assert!((3_000..3_000 + sizes[gone]).contains(&left), "{left}");
}

#[test]
fn what_is_not_flushed_does_not_go() {
    let mut partition = Partition::new(keeping(0, 0));
    for _ in 0..60 {
        partition.run(&data(1));
    }
    assert_eq!(partition.log.retain(i64::MAX), None);
    partition.flush();
    partition.run(&data(1));
    let deletion = partition.log.retain(i64::MAX).expect("some go");
    assert!(deletion.start <= partition.log.high_watermark());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Files go one by one; whatever is left when the process ends, and in the start after that, and whatever of
    /// it the power takes: the log starts where it was said to start, and knows its producers.
    #[test]
    fn no_crash_in_the_middle_of_a_removal_changes_what_is_known(
        steps in prop::collection::vec(deleting_steps(40), 1..3),
        stops in prop::collection::vec((1..60u64, any::<Option<u64>>()), 1..4),
    ) {
        let mut partition = Partition::new(keeping(-1, 3_000));
        for life in &steps {
            for step in life {
                partition.run(step);
            }
            partition.flush();
            partition.run(&Step::Delete { percent: 80 });
            let writes = partition.log.starts_at(partition.start);
            partition.disk.stop_in(stops[0].0);
            let _ = partition.store.write_all(&writes);
            for (n, power) in &stops {
                partition.disk.crash(power.map_or(Crash::Process, Crash::Seeded));
                partition.disk.stop_in(*n);
                let _ = partition.try_recover();
            }
            partition.crash(Crash::Process);
            prop_assert_eq!(partition.log.log_start_offset(), partition.start);
            let found: Vec<_> = partition.log.producers().map(|(id, entry)| (id, entry.clone())).collect();
            let replayed = partition.replayed();
            let wanted: Vec<_> = replayed.entries().iter().map(|(id, entry)| (*id, entry.clone())).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
