//! Reading files that are not as they should be, and the real disk.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use once_wire::Uuid;
use once_wire::batch::BatchBuilder;

use super::harness::{Partition, Step, small_config, split};
use crate::store::{Disk, OpenFiles, Opening, ReadBuffers, ReadFailure, RealDisk, Store, recover};
use crate::{FileRange, Isolation, LogConfig, PartitionLog, Source};

fn written(batches: usize) -> Partition {
    let mut partition = Partition::new(LogConfig {
        tail_bytes: 0,
        segment_bytes: 1 << 20,
        ..small_config()
    });
    for _ in 0..batches {
        partition.run(&Step::Data {
            producer: 2,
            records: 1,
            size: 20,
            ticks: 1,
        });
    }
    partition.flush();
    partition
}

fn from(from: i64, max_bytes: usize) -> FileRange {
    FileRange {
        segment: 0,
        version: 0,
        position: 0,
        last: None,
        from,
        upper: i64::MAX,
        max_bytes,
        at_least_one: true,
    }
}

fn overwrite(partition: &Partition, name: &str, at: u64, bytes: &[u8]) {
    let file = partition
        .disk
        .open(&partition.dir.join(name), true)
        .expect("opens");
    partition
        .disk
        .write_at(&file, at, &[IoSlice::new(bytes)])
        .expect("writes");
}

const LOG: &str = "00000000000000000000.log";
const INDEX: &str = "00000000000000000000.index";
const TIME_INDEX: &str = "00000000000000000000.timeindex";

#[test]
fn a_damaged_batch_is_never_delivered_and_those_before_it_are() {
    let partition = written(20);
    overwrite(&partition, LOG, 10 * 91 + 80, b"damage");
    let reader = partition.store.reader();
    let read = split(
        reader
            .read(&from(7, 10_000))
            .expect("reads up to the damage"),
    );
    assert_eq!(read, partition.batches[7..10]);
    let failure = reader.read(&from(10, 10_000)).expect_err("is damaged");
    assert!(
        matches!(failure, ReadFailure::Corrupt { position: 910, .. }),
        "{failure}"
    );
    let mut all = reader.batches(0, i64::MAX).expect("lists");
    assert_eq!(all.by_ref().take_while(Result::is_ok).count(), 10);
    assert!(all.next().is_none(), "nothing comes after a failure");
}

#[test]
fn no_index_file_however_wrong_changes_what_is_read() {
    for garbage in [[0xff; 400], [0; 400], [7; 400]] {
        let partition = written(20);
        overwrite(&partition, INDEX, 0, &garbage);
        overwrite(&partition, TIME_INDEX, 0, &garbage[..396]);
        for n in 0..20 {
            let read = split(partition.store.reader().read(&from(n, 200)).expect("reads"));
            assert_eq!(read[..], partition.batches[n as usize..][..read.len()]);
            assert!(!read.is_empty());
        }
    }
}

#[test]
fn a_read_of_a_segment_that_is_gone_says_so() {
    let partition = written(3);
    partition
        .disk
        .remove(&partition.dir.join(LOG))
        .expect("removes");
    assert!(matches!(
        partition.store.reader().read(&from(0, 100)),
        Err(ReadFailure::Gone(_))
    ));
}

#[test]
fn what_readers_keep_open_is_bounded_together() {
    let files = OpenFiles::new(1);
    let buffers = ReadBuffers::new(0);
    let (kept, other) = (written(3), written(3));
    let reader = |of: &Partition| of.store.reader().sharing(buffers.clone(), files.clone());
    let reads = |of: &Partition| reader(of).read(&from(0, 100)).is_ok();
    let unlink = |of: &Partition| of.disk.remove(&of.dir.join(LOG)).expect("removes");
    assert!(reads(&kept) && reads(&other));
    unlink(&kept);
    assert!(reads(&kept), "its file is open still");
    let again = written(3);
    assert!(reads(&again));
    reader(&kept).forget_below(1);
    assert!(reads(&other), "it may stay open now");
    unlink(&other);
    unlink(&again);
    assert!(reads(&other));
    assert!(!reads(&again), "that one was not kept");
}

#[test]
fn a_reader_of_a_deleted_partition_never_reads_another_of_its_name() {
    let partition = written(3);
    let reader = partition.store.reader();
    let other = partition.batches[0].as_bytes().clone();
    partition
        .store
        .set_aside(Uuid([7; 16]))
        .expect("moves the directory away");
    partition.disk.create_dir(&partition.dir).expect("makes");
    let path = partition.dir.join(LOG);
    let file = partition.disk.open(&path, true).expect("opens");
    partition
        .disk
        .write_at(&file, 0, &[IoSlice::new(&other)])
        .expect("writes");
    assert!(matches!(
        reader.read(&from(0, 100)),
        Err(ReadFailure::Gone(_))
    ));
}

#[test]
fn a_batch_that_seems_to_end_at_the_bound_does_not_hide_those_after_it() {
    let partition = written(5);
    overwrite(&partition, LOG, 3 * 91, &4_i64.to_be_bytes());
    let range = |first| FileRange {
        upper: 5,
        ..from(first, 10_000)
    };
    let reader = partition.store.reader();
    let read = split(reader.read(&range(1)).expect("reads up to the damage"));
    assert_eq!(read, partition.batches[1..3]);
    let failure = reader.read(&range(3)).expect_err("is damaged");
    assert!(
        matches!(failure, ReadFailure::Corrupt { position: 273, .. }),
        "{failure}"
    );
}

#[test]
fn what_lies_above_the_bound_is_not_looked_at() {
    let partition = written(5);
    overwrite(&partition, LOG, 5 * 91, &[0xff; 30]);
    let range = FileRange {
        upper: 5,
        ..from(0, 10_000)
    };
    assert_eq!(
        split(partition.store.reader().read(&range).expect("reads")),
        partition.batches
    );
    let batches = partition.store.reader().batches(0, 5).expect("lists");
    assert_eq!(
        batches.map(|b| b.expect("reads")).collect::<Vec<_>>(),
        partition.batches
    );
}

#[test]
fn a_partition_on_the_real_disk_is_written_read_recovered_and_deleted() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let (disk, dir) = (Arc::new(RealDisk), root.path().join("real-0"));
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 100,
        tail_bytes: 0,
        ..LogConfig::default()
    };
    let mut log = PartitionLog::new(config.clone(), 0);
    let mut store = Store::new(Arc::clone(&disk), dir.clone(), Uuid([1; 16]));
    let mut writes = Vec::new();
    for n in 0..50 {
        let batch = BatchBuilder::new()
            .producer(1, 0, n)
            .push(i64::from(n), None, Some(b"value"), &[])
            .build();
        writes.extend(
            log.append_client(0, &batch.check_client(0).expect("sound"))
                .expect("is taken")
                .writes,
        );
    }
    store.write_all(&writes).expect("writes");
    store.sync().expect("syncs");
    log.flushed(50);
    let read_all = |log: &PartitionLog, store: &Store<RealDisk>| {
        let mut from = 0;
        while from < log.high_watermark() {
            let Source::File(range) = log
                .read(from, Isolation::ReadCommitted, 300, true)
                .expect("in range")
                .source
            else {
                panic!("nothing is kept in memory")
            };
            let batches = split(store.reader().read(&range).expect("reads"));
            assert_eq!(batches[0].base_offset(), from);
            from = batches.last().expect("at least one").last_offset() + 1;
        }
        from
    };
    assert_eq!(read_all(&log, &store), 50);
    let opening = Opening {
        topic_id: Uuid([1; 16]),
        clean: false,
        recovery_point: 20,
        log_start_offset: 0,
        cleaned_to: 0,
        durable: true,
        now: 0,
    };
    let (recovered, store) =
        recover(Arc::clone(&disk), dir.clone(), &config, &opening).expect("recovers");
    assert_eq!(recovered.producers[&1].batches().len(), 5);
    let log = PartitionLog::recovered(config, 1, recovered);
    assert_eq!(read_all(&log, &store), 50);
    let aside = store.set_aside(Uuid([2; 16])).expect("renames");
    aside.expect("it had files").clear().expect("deletes");
    let left = disk.list(Path::new(root.path())).expect("lists");
    assert_eq!(left, []);
}
