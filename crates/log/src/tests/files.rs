//! The files as bytes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use once_wire::batch::Batch;

use super::harness::{Partition, Step, TOPIC_ID, small_config, steps};
use crate::LogConfig;
use crate::store::{Crash, Disk, RecoverError};

/// Every file of the partition, by name.
fn files(partition: &Partition) -> BTreeMap<String, Vec<u8>> {
    let entries = partition.disk.list(&partition.dir).unwrap_or_default();
    let read = |name: &str| {
        let file = partition
            .disk
            .open(&partition.dir.join(name), false)
            .expect("is listed");
        let mut bytes = vec![
            0;
            usize::try_from(partition.disk.len(&file).expect("has one"))
                .expect("is small")
        ];
        partition.disk.read_at(&file, 0, &mut bytes).expect("reads");
        bytes
    };
    entries
        .into_iter()
        .map(|e| (e.name.clone(), read(&e.name)))
        .collect()
}

fn indexes(partition: &Partition) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(partition);
    files.retain(|name, _| name.ends_with("index"));
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn index_files_made_anew_equal_those_written(steps in steps(100)) {
        let mut partition = Partition::without_fsync(small_config());
        for step in &steps {
            partition.run(step);
        }
        let written = indexes(&partition);
        partition.recovery_point = 0;
        for name in written.keys() {
            partition.disk.remove(&partition.dir.join(name)).expect("removes");
        }
        partition.crash(Crash::Process);
        prop_assert_eq!(indexes(&partition), written);
    }
}

fn data(producer: u8, ticks: u8) -> Step {
    Step::Data {
        producer,
        records: 1,
        size: 20,
        ticks,
    }
}

#[test]
fn the_first_acknowledgement_makes_durable_whose_the_batches_are() {
    let mut partition = Partition::new(small_config());
    partition.run(&data(2, 1));
    partition.flush();
    partition.disk.crash(Crash::LoseAll);
    let found = files(&partition);
    let metadata = String::from_utf8_lossy(&found["partition.metadata"]).into_owned();
    assert!(
        metadata.contains(&format!("topic_id: {TOPIC_ID}")),
        "{metadata}"
    );
    let written = partition.batches.clone();
    partition.crash(Crash::Process);
    assert_eq!((partition.batches, written.len()), (written, 1));
}

#[test]
fn whose_the_batches_are_survives_a_power_loss_after_a_failed_first_flush() {
    for failing in 1..=4 {
        let mut partition = Partition::new(small_config());
        partition.run(&data(2, 1));
        partition.disk.fail_sync_in(failing);
        let _ = partition.store.sync();
        partition.crash(Crash::Process);
        partition.disk.crash(Crash::LoseAll);
        let found = files(&partition);
        assert!(found.contains_key("partition.metadata"), "sync {failing}");
        let metadata = String::from_utf8_lossy(&found["partition.metadata"]).into_owned();
        assert!(metadata.ends_with(&TOPIC_ID.to_string()), "sync {failing}");
    }
}

#[test]
fn a_checkpoint_without_fsync_makes_durable_whose_the_batches_of_a_killed_life_are() {
    let mut partition = Partition::without_fsync(small_config());
    partition.run(&data(2, 1));
    partition.crash(Crash::Process);
    partition.run(&Step::Checkpoint);
    partition.disk.crash(Crash::LoseAll);
    let found = files(&partition);
    let metadata = String::from_utf8_lossy(&found["partition.metadata"]).into_owned();
    assert!(metadata.ends_with(&TOPIC_ID.to_string()), "{metadata}");
}

#[test]
fn a_partition_that_was_never_written_has_no_directory() {
    let mut partition = Partition::new(small_config());
    let before = partition.disk.syncs();
    partition
        .store
        .write_all(&partition.log.clean_close())
        .expect("writes nothing");
    partition.store.sync().expect("syncs nothing");
    assert_eq!(partition.disk.syncs(), before);
    assert!(partition.disk.list(&partition.dir).is_err());
    let (recovered, _) = partition.recover();
    assert_eq!((recovered.end_offset, recovered.segments.len()), (0, 0));
}

#[test]
fn the_files_of_a_small_partition_are_kafkas_byte_for_byte() {
    // An entry falls due with the first batch that begins more than this after the last: 273 and 533.
    let mut partition = Partition::new(LogConfig {
        index_interval_bytes: 259,
        ..small_config()
    });
    for _ in 0..4 {
        partition.run(&data(0, 1));
    }
    partition.run(&Step::End {
        producer: 0,
        commit: false,
    });
    for _ in 0..4 {
        partition.run(&data(2, 1));
    }
    partition
        .store
        .write_all(&partition.log.clean_close())
        .expect("writes");
    let sizes: Vec<_> = partition
        .batches
        .iter()
        .map(once_wire::batch::Batch::as_bytes)
        .map(bytes::Bytes::len)
        .collect();
    assert_eq!(sizes, [91, 91, 91, 91, 78, 91, 91, 91, 91]);
    let files = files(&partition);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    let wanted = [
        "00000000000000000000.index",
        "00000000000000000000.log",
        "00000000000000000000.sums",
        "00000000000000000000.timeindex",
        "00000000000000000000.txnindex",
        "00000000000000000009.snapshot",
        "00000000000000000009.window",
        "leader-epoch-checkpoint",
        "partition.metadata",
    ];
    assert_eq!(names, wanted);
    // Positions 273 and 533, of the batches that end at offsets 3 and 6.
    assert_eq!(
        files["00000000000000000000.index"],
        [0, 0, 0, 3, 0, 0, 1, 17, 0, 0, 0, 6, 0, 0, 2, 21]
    );
    // Timestamps 1000004 at offset 3, 1000006 at offset 6, and at the close 1000008 at offset 8.
    let mut time_index = Vec::new();
    for (timestamp, offset) in [(0x44, 3), (0x46, 6), (0x48, 8)] {
        time_index.extend([0, 0, 0, 0, 0, 0x0f, 0x42, timestamp, 0, 0, 0, offset]);
    }
    assert_eq!(files["00000000000000000000.timeindex"], time_index);
    // Producer 0 aborted 0 to 4, and 5 was stable then.
    let mut txn_index = vec![0, 0];
    for last in [0, 0, 4, 5] {
        txn_index.extend([0, 0, 0, 0, 0, 0, 0, last]);
    }
    assert_eq!(files["00000000000000000000.txnindex"], txn_index);
    assert_eq!(files["leader-epoch-checkpoint"], b"0\n1\n0 0\n");
    let sums = ["index", "timeindex", "txnindex"].map(|kind| {
        let bytes = &files[&format!("00000000000000000000.{kind}")];
        format!("{kind} {} {:08x}\n", bytes.len(), crc32c::crc32c(bytes))
    });
    let sums = format!("0\n3\n{}", sums.concat());
    assert_eq!(files["00000000000000000000.sums"], sums.as_bytes());
    assert_eq!(
        files["partition.metadata"],
        b"version: 0\ntopic_id: CQkJCQkJCQkJCQkJCQkJCQ"
    );
    let log: Vec<u8> = partition
        .batches
        .iter()
        .flat_map(|b| b.as_bytes().to_vec())
        .collect();
    assert_eq!(files["00000000000000000000.log"], log);
}

#[test]
fn a_group_of_writes_costs_one_sync_of_the_log() {
    let mut partition = Partition::new(small_config());
    partition.run(&data(2, 1));
    partition.flush();
    let before = partition.disk.syncs();
    // An index file comes into being on the way; nobody waits for its name.
    for _ in 0..5 {
        partition.run(&data(2, 1));
    }
    partition.flush();
    partition.flush();
    assert_eq!(partition.disk.syncs() - before, 1);
}

#[test]
fn damage_below_the_recovery_point_stops_the_start() {
    let mut partition = Partition::new(small_config());
    for _ in 0..5 {
        partition.run(&data(2, 1));
    }
    partition.run(&Step::Checkpoint);
    let log = partition
        .disk
        .open(&partition.dir.join("00000000000000000000.log"), false)
        .expect("is there");
    // Records there are read again by the scrubber, and by who fetches them.
    let write = |at, bytes| {
        let written = partition
            .disk
            .write_at(&log, at, &[std::io::IoSlice::new(bytes)]);
        written.expect("writes");
    };
    write(152, b"damage");
    partition.try_recover().expect("is not looked at");
    write(91 + 16, b"?");
    let refused = partition.try_recover().expect_err("is damaged");
    let RecoverError::Damaged { position, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(*position, 91);
    assert!(
        refused
            .to_string()
            .starts_with("/data/topic-0/00000000000000000000.log is damaged at byte 91, below")
    );
}

#[test]
fn the_directory_of_another_topic_of_the_same_name_is_refused() {
    let mut partition = Partition::new(small_config());
    partition.run(&data(2, 1));
    partition.run(&Step::Checkpoint);
    let path = partition.dir.join("partition.metadata");
    let file = partition.disk.open(&path, false).expect("is there");
    let other = b"version: 0\ntopic_id: AQEBAQEBAQEBAQEBAQEBAQ";
    partition
        .disk
        .write_at(&file, 0, &[std::io::IoSlice::new(other)])
        .expect("writes");
    assert!(matches!(
        partition.try_recover(),
        Err(RecoverError::OtherTopic { .. })
    ));
}

#[test]
fn leftovers_of_an_interrupted_life_are_taken_away() {
    let mut partition = Partition::new(small_config());
    for _ in 0..30 {
        partition.run(&data(2, 1));
    }
    partition.run(&Step::Checkpoint);
    let leftovers = [
        "00000000000000000000.log.cleaned",
        "00000000000000000000.index.swap",
        "00000000000000000000.log.deleted",
        "leader-epoch-checkpoint.tmp",
        "00000000000000000007.index",
        "00000000000000000999.snapshot",
        "00000000000000000999.window",
    ];
    let kept = files(&partition);
    for name in leftovers {
        partition
            .disk
            .open(&partition.dir.join(name), true)
            .expect("creates");
    }
    let batches = partition.batches.clone();
    partition.crash(Crash::Process);
    assert_eq!(partition.batches, batches);
    let names: Vec<_> = files(&partition).into_keys().collect();
    assert!(
        leftovers
            .iter()
            .all(|gone| !names.contains(&(*gone).to_owned())),
        "{names:?}"
    );
    assert!(kept.keys().all(|name| names.contains(name)));
}

#[test]
fn a_finished_compaction_takes_the_place_of_what_it_covers() {
    let mut partition = Partition::new(small_config());
    for _ in 0..40 {
        partition.run(&data(2, 1));
    }
    partition.run(&Step::Checkpoint);
    let bases: Vec<i64> = partition.log.segments().iter().map(|s| s.base).collect();
    let (first, second, third) = (bases[0], bases[1], bases[2]);
    // Of the first two segments every second batch is left.
    let kept: Vec<_> = partition
        .batches
        .iter()
        .map(|b| match (b.base_offset(), b.last_offset()) {
            (first, last) if first < third && first % 2 == 0 => Batch::nothing(first, last, 0, -1),
            _ => b.clone(),
        })
        .collect();
    let swapped: Vec<u8> = kept
        .iter()
        .filter(|b| b.base_offset() < third)
        .flat_map(|b| b.as_bytes().to_vec())
        .collect();
    let swap = partition
        .disk
        .open(&partition.dir.join(format!("{first:020}.log.swap")), true)
        .expect("creates");
    partition
        .disk
        .write_at(&swap, 0, &[std::io::IoSlice::new(&swapped)])
        .expect("writes");
    let (recovered, store) = partition.recover();
    assert_eq!(
        recovered
            .segments
            .iter()
            .map(|s| s.base)
            .collect::<Vec<_>>(),
        [&[first], &bases[2..]].concat()
    );
    assert!(second > first && recovered.end_offset == partition.log.end_offset());
    let read = store
        .reader()
        .batches(0, i64::MAX)
        .expect("lists")
        .map(|b| b.expect("reads"));
    assert_eq!(read.collect::<Vec<_>>(), kept);
}
