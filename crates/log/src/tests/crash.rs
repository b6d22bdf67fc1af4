//! Crashes at any point: nothing flushed is lost, nothing half-written survives, and the state is that of the
//! batches that are left.

use proptest::prelude::*;

use super::harness::{Partition, Step, deleting_steps, small_config, split, step};
use super::model;
use crate::producers::Producers;
use crate::store::{Crash, Disk, RecoverError};
use crate::{Isolation, PartitionLog};

fn how() -> impl Strategy<Value = Crash> {
    prop_oneof![
        Just(Crash::Process),
        Just(Crash::LoseAll),
        any::<u64>().prop_map(Crash::Seeded)
    ]
}

/// The state that recovery found is the one a fold over the remaining batches gives, and the files hold them.
fn assert_recovered(partition: &Partition) {
    let log = &partition.log;
    let end = partition.batches.last().map_or(0, |b| b.last_offset() + 1);
    assert_eq!((log.end_offset(), log.high_watermark()), (end, end));
    let mut replayed = partition.replayed();
    replayed.flushed_to(end);
    let found = Producers::new(
        log.producers()
            .map(|(id, entry)| (id, entry.clone()))
            .collect(),
    );
    assert_eq!(found, replayed);
    let start = log.log_start_offset();
    assert_eq!(
        log.last_stable_offset(),
        model::last_stable_offset(&partition.batches, end).max(start)
    );
    let first = log.segments().first().map_or(0, |segment| segment.base);
    assert!(first <= start && start <= end, "{first}, {start}, {end}");
    let held = |from: i64| {
        partition
            .batches
            .iter()
            .filter(move |b| b.last_offset() >= from)
    };
    let aborted = log.aborted().map(|a| {
        (
            a.producer_id,
            a.first_offset,
            a.last_offset,
            a.last_stable_offset,
        )
    });
    let mut known = model::aborted(&partition.batches);
    known.retain(|(_, _, marker, _)| *marker >= first);
    assert_eq!(aborted.collect::<Vec<_>>(), known);
    for (epoch, epoch_end) in model::epoch_ends(&partition.batches) {
        if epoch_end > start {
            assert_eq!(log.end_offset_for_epoch(epoch), (epoch, epoch_end));
        }
    }
    let read = partition.read_all(Isolation::ReadUncommitted, 700).0;
    assert!(read.iter().eq(held(start)));
    let scanned = partition.store.reader().batches(0, end).expect("lists");
    let scanned: Vec<_> = scanned.map(|b| b.expect("reads")).collect();
    assert!(scanned.iter().eq(held(first)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_flushed_is_lost_and_nothing_half_written_survives(
        lives in prop::collection::vec((deleting_steps(40), how()), 1..4),
        last in deleting_steps(10),
    ) {
        let mut partition = Partition::new(small_config());
        for (steps, how) in &lives {
            for step in steps {
                partition.run(step);
            }
            partition.crash(*how);
            assert_recovered(&partition);
        }
        for step in &last {
            partition.run(step);
        }
    }

    #[test]
    fn what_recovery_says_is_durable_survives_the_next_power_loss(
        before in deleting_steps(40),
        how in how(),
        again in any::<u64>(),
    ) {
        let mut partition = Partition::new(small_config());
        for step in &before {
            partition.run(step);
        }
        partition.crash(how);
        let end = partition.log.end_offset();
        partition.crash(Crash::Seeded(again));
        prop_assert_eq!(partition.log.end_offset(), end);
        assert_recovered(&partition);
    }

    #[test]
    fn bytes_that_a_failed_sync_left_in_memory_only_are_durable_after_recovery(
        before in deleting_steps(30),
        more in prop::collection::vec(step(), 1..10),
    ) {
        let mut partition = Partition::new(small_config());
        for step in &before {
            partition.run(step);
        }
        for step in more.iter().filter(|s| !matches!(s, Step::Flush | Step::Checkpoint)) {
            partition.run(step);
        }
        partition.disk.fail_sync_in(1);
        let failed = partition.store.sync().is_err();
        partition.crash(Crash::Process);
        let end = partition.log.end_offset();
        partition.crash(Crash::LoseAll);
        prop_assert_eq!(partition.log.end_offset(), end, "the sync failed: {}", failed);
        assert_recovered(&partition);
    }

    #[test]
    fn without_fsync_the_end_of_the_process_loses_nothing(lives in prop::collection::vec(deleting_steps(40), 1..4)) {
        let mut partition = Partition::without_fsync(small_config());
        for steps in &lives {
            for step in steps {
                partition.run(step);
            }
            let written = partition.batches.clone();
            partition.crash(Crash::Process);
            prop_assert_eq!(&partition.batches, &written);
            assert_recovered(&partition);
        }
    }

    #[test]
    fn without_fsync_a_power_loss_leaves_a_beginning_of_the_log_in_itself_consistent(
        lives in prop::collection::vec((deleting_steps(40), how()), 1..5),
    ) {
        let mut partition = Partition::without_fsync(small_config());
        for (steps, how) in &lives {
            for step in steps {
                partition.run(step);
            }
            partition.crash(*how);
            assert_recovered(&partition);
        }
    }

    #[test]
    fn a_clean_stop_is_opened_as_it_was_left(lives in prop::collection::vec(deleting_steps(50), 1..4)) {
        let mut partition = Partition::new(small_config());
        for steps in &lives {
            for step in steps {
                partition.run(step);
            }
            let before = partition.log.clone();
            partition.store.write_all(&partition.log.clean_close()).expect("writes");
            partition.recovery_point = partition.store.checkpoint().expect("syncs");
            partition.disk.crash(Crash::LoseAll);
            let (recovered, store) = partition.open_clean();
            // A start that was made durable and not told yet counts, too.
            let first = recovered.segments.first().map_or(0, |segment| segment.base);
            let stayed: Vec<_> = before.segments().iter().filter(|s| s.base >= first).collect();
            for (found, live) in recovered.segments.iter().zip(&stayed) {
                prop_assert_eq!((found.base, found.end, found.size), (live.base, live.end, live.size));
                prop_assert_eq!(found.max_timestamp, live.max_timestamp);
                prop_assert_eq!(&found.index, &live.index);
                prop_assert_eq!(&found.aborted, &live.aborted);
            }
            prop_assert_eq!(recovered.segments.len(), stayed.len());
            partition.log = PartitionLog::recovered(partition.config.clone(), before.leader_epoch() + 1, recovered);
            partition.store = store;
            assert_recovered(&partition);
        }
    }
}

/// Four batches of one record each, stopped cleanly; the path of their file, and its length.
fn stopped() -> (Partition, std::path::PathBuf, u64) {
    let mut partition = Partition::new(small_config());
    for _ in 0..4 {
        partition.run(&Step::Data {
            producer: 2,
            records: 1,
            size: 20,
            ticks: 1,
        });
    }
    let stop = partition.log.clean_close();
    partition.store.write_all(&stop).expect("writes");
    partition.recovery_point = partition.store.checkpoint().expect("syncs");
    let path = partition.dir.join("00000000000000000000.log");
    let log = partition.disk.open(&path, false).expect("is there");
    let len = partition.disk.len(&log).expect("has one");
    (partition, path, len)
}

#[test]
fn what_only_the_files_have_counts_as_readable() {
    let (partition, _, len) = stopped();
    let (recovered, _) = partition.open_clean();
    let log = PartitionLog::recovered(partition.config.clone(), 1, recovered);
    let readable = |from| log.readable_bytes_after(from, Isolation::ReadUncommitted);
    assert_eq!(readable(0).expect("in range"), len);
    assert_eq!(readable(log.end_offset()).expect("in range"), 0);
}

fn assert_refused(partition: &Partition) {
    for clean in [true, false] {
        let refused = partition.open(clean).map(|_| ());
        let refused = refused.expect_err("is damaged");
        assert!(matches!(refused, RecoverError::Damaged { .. }), "{refused}");
    }
}

/// It is refused, and the way on that the refusal names is one.
fn assert_short(mut partition: Partition, rest: i64) {
    let point = partition.recovery_point;
    for clean in [true, false] {
        partition.recovery_point = point;
        let refused = partition.open(clean).map(|_| ()).expect_err("is short");
        let short = matches!(refused, RecoverError::Short { end, .. } if end == rest);
        assert!(short, "{refused}");
        partition.recovery_point = 0;
        let (recovered, _) = partition.open(clean).expect("goes on");
        assert_eq!(recovered.end_offset, rest);
    }
}

#[test]
fn damage_after_a_clean_stop_is_no_torn_end() {
    let (partition, path, len) = stopped();
    let log = partition.disk.open(&path, false).expect("is there");
    let bad = [std::io::IoSlice::new(b"bad")];
    let written = partition.disk.write_at(&log, len - 3, &bad);
    written.expect("writes");
    assert_refused(&partition);
}

#[test]
fn a_last_batch_that_claims_later_offsets_is_no_gap() {
    let (partition, path, len) = stopped();
    // 2^27 in the base offset, which no checksum covers.
    partition
        .disk
        .flip(&path, (len / 4 * 3 + 4) * 8 + 3)
        .expect("flips");
    assert_refused(&partition);
}

#[test]
fn a_log_that_ends_before_what_was_flushed_is_damaged() {
    let (partition, path, len) = stopped();
    let log = partition.disk.open(&path, false).expect("is there");
    partition.disk.truncate(&log, len / 4 * 3).expect("cuts");
    assert_short(partition, 3);
    let (partition, path, _) = stopped();
    partition.disk.remove(&path).expect("removes");
    assert_short(partition, 0);
}

#[test]
fn a_last_batch_that_leaves_a_gap_above_what_was_flushed_is_a_torn_end() {
    let (mut partition, path, len) = stopped();
    partition.recovery_point = 2;
    let bit = (len / 4 * 3 + 4) * 8 + 3;
    partition.disk.flip(&path, bit).expect("flips");
    let (recovered, _) = partition.open(false).expect("recovers");
    assert_eq!(recovered.end_offset, 3);
}

#[test]
fn a_directory_of_kafkas_is_opened_with_whole_windows() {
    let mut partition = Partition::new(small_config());
    for _ in 0..60 {
        partition.run(&Step::Data {
            producer: 2,
            records: 1,
            size: 40,
            ticks: 1,
        });
    }
    partition
        .store
        .write_all(&partition.log.clean_close())
        .expect("writes");
    partition.store.checkpoint().expect("syncs");
    for entry in partition.disk.list(&partition.dir).expect("lists") {
        if entry.name.ends_with(".window") {
            partition
                .disk
                .remove(&partition.dir.join(entry.name))
                .expect("removes");
        }
    }
    let (recovered, _) = partition.open_clean();
    assert_eq!(&recovered.producers, partition.replayed().entries());
    assert_eq!(recovered.producers[&2].batches().len(), crate::WINDOW);
}

#[test]
fn a_torn_end_is_cut_and_the_rest_kept() {
    let mut partition = Partition::new(small_config());
    let data = Step::Data {
        producer: 2,
        records: 2,
        size: 40,
        ticks: 1,
    };
    for _ in 0..3 {
        partition.run(&data);
    }
    partition.flush();
    partition.run(&data);
    let whole = split(
        partition
            .store
            .reader()
            .read(&crate::FileRange {
                segment: 0,
                version: 0,
                position: 0,
                last: None,
                from: 0,
                upper: 100,
                max_bytes: 10_000,
                at_least_one: true,
            })
            .expect("reads"),
    );
    assert_eq!(whole.len(), 4);
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let mut torn = Partition::new(small_config());
        for _ in 0..3 {
            torn.run(&data);
        }
        torn.flush();
        torn.run(&data);
        torn.crash(Crash::Seeded(seed));
        lengths.insert(torn.log.end_offset());
    }
    assert_eq!(lengths, std::collections::BTreeSet::from([6, 8]));
}

#[test]
fn a_snapshot_that_only_memory_had_is_written_again_for_the_segment_that_begins_there() {
    let mut partition = Partition::new(small_config());
    partition.run(&Step::Data {
        producer: 2,
        records: 2,
        size: 40,
        ticks: 1,
    });
    partition.flush();
    let stop = partition.log.clean_close();
    partition.store.write_all(&stop).expect("writes");
    partition.crash(Crash::Process);
    let roll = partition.log.close_segment(0);
    partition.store.write_all(&roll).expect("writes");
    partition.store.checkpoint().expect("syncs");
    let base = partition.log.end_offset();
    partition.disk.crash(Crash::LoseAll);
    let name = format!("{base:020}.snapshot");
    let file = partition.disk.open(&partition.dir.join(name), false);
    let length = partition.disk.len(&file.expect("is there"));
    assert!(length.expect("has one") > 0);
}

#[test]
fn an_index_that_points_beside_a_batch_is_made_anew_after_a_kill() {
    let mut partition = Partition::new(small_config());
    for _ in 0..8 {
        partition.run(&Step::Data {
            producer: 2,
            records: 1,
            size: 50,
            ticks: 1,
        });
    }
    partition.run(&Step::Checkpoint);
    let path = partition.dir.join("00000000000000000000.index");
    let file = partition.disk.open(&path, false).expect("is there");
    let len = partition.disk.len(&file).expect("has one");
    assert!(len > 0, "small intervals make entries");
    let sound = partition.open(false).expect("recovers").0;
    // A low bit of the position in the last entry.
    partition
        .disk
        .flip(&path, (len - 1) * 8 + 6)
        .expect("flips");
    assert_eq!(partition.open(false).expect("recovers").0, sound);
}
