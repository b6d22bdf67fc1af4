//! What a start makes of what an earlier life left.

use super::points::Points;
use super::{Offsets, Places, StorageError, Work, Writer, recover, scrub};
use crate::config::{Config, FlushPolicy};
use crate::engine::{Identity, LogId, METADATA_TOPIC, METADATA_TOPIC_ID, NodeAddress};
use once_log::store::{
    Checkpoint, DataDir, Disk, FakeDisk, Identity as DirIdentity, ReadFailure, Store,
};
use once_log::{LogConfig, PartitionLog, Write};
use once_wire::batch::BatchBuilder;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

const CHECKPOINTS: [Checkpoint; 2] = [Checkpoint::LogStart, Checkpoint::Cleaned];

fn data_dir(disk: &Arc<FakeDisk>) -> DataDir<FakeDisk> {
    let fresh = DirIdentity {
        cluster_id: "test".to_owned(),
        node_id: 1,
        directory_id: Uuid([7; 16]),
    };
    DataDir::open(Arc::clone(disk), "/data".into(), &fresh).expect("nobody else has it")
}

fn start(disk: &Arc<FakeDisk>, data: &DataDir<FakeDisk>) {
    let identity = Identity {
        cluster_id: "test".to_owned(),
        directory: Uuid([7; 16]),
        node: NodeAddress {
            id: 1,
            host: "localhost".to_owned(),
            port: 9092,
        },
    };
    recover(disk, data, Arc::new(Config::default()), identity, 0, 1).expect("starts");
}

#[test]
fn a_start_leaves_no_snapshot_of_what_the_log_has_not() {
    let disk = Arc::new(FakeDisk::default());
    let data = data_dir(&disk);
    let path = data.partition_path(METADATA_TOPIC, 0);
    let mut store = Store::new(Arc::clone(&disk), path.clone(), METADATA_TOPIC_ID);
    store.write_all(&[Write::Roll { base: 0 }]).expect("writes");
    let name = "00000000000000000005-0000000000.checkpoint";
    disk.open(&path.join(name), true).expect("makes");

    start(&disk, &data);

    let names = disk.list(&path).expect("lists");
    assert!(names.iter().all(|entry| entry.name != name), "{names:?}");
}

#[test]
fn the_next_topic_of_a_name_is_not_held_to_what_was_said_of_one_that_is_gone() {
    let disk = Arc::new(FakeDisk::default());
    let data = data_dir(&disk);
    let path = data.partition_path("gone", 0);
    let mut store = Store::new(Arc::clone(&disk), path.clone(), Uuid([9; 16]));
    store.write_all(&[Write::Roll { base: 0 }]).expect("writes");
    assert!(!disk.list(&path).expect("lists").is_empty());
    let said = Offsets::from([(("gone".to_owned(), 0), 5)]);
    for which in CHECKPOINTS {
        data.write_checkpoint(which, &said).expect("writes");
    }

    start(&disk, &data);

    for which in CHECKPOINTS {
        let says = data.read_checkpoint(which).expect("reads");
        assert!(!says.contains_key(&("gone".to_owned(), 0)), "{which:?}");
    }
}

/// A writer with the files of so many partitions of one topic, each with a record and in all checkpoints.
fn written(
    disk: &Arc<FakeDisk>,
    partitions: i32,
) -> (Places<FakeDisk>, Writer<FakeDisk>, Vec<LogId>) {
    let mut places = Places::new(Arc::clone(disk), Arc::new(data_dir(disk)), 1, 10);
    let mut writer = Writer::new(FlushPolicy::Os, 100, places.kept());
    let batch = BatchBuilder::new()
        .push(0, None, Some(b"value"), &[])
        .build();
    let mut logs = Vec::new();
    for partition in 0..partitions {
        let log = LogId(1 + u64::try_from(partition).expect("small"));
        let (_, open) = places.open(log, "gone".to_owned(), Uuid([9; 16]), partition);
        let mut state = PartitionLog::new(LogConfig::default(), 0);
        let appended = state.append_coordinator(0, &batch).expect("is taken");
        let write = Work::Write(log, appended.writes, 1);
        writer.write(vec![open, write]).expect("writes");
        logs.push(log);
    }
    let ends = writer.checkpoint().expect("flushes");
    for kept in [places.points(), places.kept().starts, places.cleaned()] {
        kept.advance(&ends).expect("writes");
    }
    (places, writer, logs)
}

#[test]
fn a_topic_goes_for_few_flushes_and_what_was_said_of_it_goes_first() {
    let disk = Arc::new(FakeDisk::default());
    let (mut places, mut writer, logs) = written(&disk, 50);
    let before = disk.syncs();
    let unique = |n: usize| Uuid([u8::try_from(n).expect("small"); 16]);
    let remove = |(n, log): (usize, &LogId)| places.remove(*log, unique(n)).expect("is there").1;
    let leaving: Vec<_> = logs.iter().enumerate().map(remove).collect();
    assert_eq!(disk.syncs(), before, "nothing is waited for before");
    writer.write(leaving).expect("renames");
    // A file and a directory for each checkpoint, the checksums of two, twice, and once the directory in which the
    // partitions' are renamed.
    assert_eq!(disk.syncs() - before, 3 * 2 + 2 * 2 + 1);
    for aside in writer.removed() {
        aside.clear().expect("removes");
    }
    drop((places, writer));
    let data = data_dir(&disk);
    assert_eq!(data.partitions().expect("lists"), []);
    for which in [
        Checkpoint::RecoveryPoint,
        Checkpoint::LogStart,
        Checkpoint::Cleaned,
    ] {
        assert_eq!(data.read_checkpoint(which).expect("reads"), Offsets::new());
    }
}

#[test]
fn who_cannot_put_a_deleted_partition_out_of_the_way_ends() {
    // Three checkpoints, each a file and its name, the checksums of two, twice, and then the renamed
    // directory.
    for failing in 1..=11 {
        let disk = Arc::new(FakeDisk::default());
        let (mut places, mut writer, logs) = written(&disk, 1);
        let (_, remove) = places.remove(logs[0], Uuid([1; 16])).expect("is there");
        disk.fail_sync_in(failing);
        let failure = writer.write(vec![remove]).expect_err("a flush fails");
        let is_its = matches!(failure, StorageError::Remove(_));
        assert_eq!(is_its, failing == 11, "{failing}: {failure}");
    }
}

#[test]
fn a_flush_that_ends_late_does_not_take_a_recovery_point_back() {
    let disk = Arc::new(FakeDisk::default());
    let data = Arc::new(data_dir(&disk));
    let points = Points::new(Arc::clone(&data), Checkpoint::RecoveryPoint);
    points.name(LogId(1), "t", 0);
    for end in [5, 3] {
        let ends = BTreeMap::from([(LogId(1), end)]);
        points.advance(&ends).expect("writes");
    }
    let says = data.read_checkpoint(Checkpoint::RecoveryPoint);
    let expected = Offsets::from([(("t".to_owned(), 0), 5)]);
    assert_eq!(says.expect("reads"), expected);
}

#[test]
fn what_is_damaged_on_disk_is_found_and_nothing_beyond_it_is_looked_at() {
    let disk = Arc::new(FakeDisk::default());
    let path = data_dir(&disk).partition_path("t", 0);
    let mut store = Store::new(Arc::clone(&disk), path.clone(), Uuid([9; 16]));
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    for _ in 0..3 {
        let batch = BatchBuilder::new()
            .push(0, None, Some(b"value"), &[])
            .build();
        let appended = log.append_coordinator(0, &batch).expect("is taken");
        store.write_all(&appended.writes).expect("writes");
    }
    let reader = store.reader();
    let look = |end, most| {
        let mut read = 0;
        let found = scrub(&reader, end, &mut |bytes| {
            read += bytes;
            read < most
        });
        (found, read as u64)
    };
    let (found, read) = look(3, usize::MAX);
    assert!(found.is_none(), "{found:?}");
    let size = read / 3;

    let file = path.join("00000000000000000000.log");
    disk.flip(&file, 8 * (2 * size) - 1).expect("is there");
    let (found, _) = look(3, usize::MAX);
    let is_second = |failure: &ReadFailure| matches!(failure, ReadFailure::Corrupt { position, .. } if *position == size);
    assert!(found.as_ref().is_some_and(is_second), "{found:?}");
    assert!(
        look(1, usize::MAX).0.is_none(),
        "that is not on disk for certain"
    );
    assert!(look(3, 1).0.is_none(), "the broker stops");
}
