mod random;

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use once_wire::Uuid;
use once_wire::batch::BatchBuilder;

use super::*;
use crate::store::disk::{Crash, FakeDisk, RealDisk, read_file};

const OWNER: Uuid = Uuid([7; 16]);
const TOPIC: Uuid = Uuid([1; 16]);
const SIZES: JournalSizes = JournalSizes {
    first: 4 << 10,
    next: 8 << 10,
};

fn dir() -> PathBuf {
    PathBuf::from("/data")
}

fn disk() -> Arc<FakeDisk> {
    let disk = Arc::new(FakeDisk::new());
    disk.create_dir(&dir()).expect("makes");
    disk.sync_dir(Path::new("/")).expect("syncs");
    disk
}

fn batch(offset: i64, size: usize) -> Bytes {
    let value = vec![offset.to_le_bytes()[0]; size];
    let builder = BatchBuilder::new().push(0, None, Some(&value), &[]);
    builder.base_offset(offset).build().as_bytes().clone()
}

fn scan(disk: &Arc<FakeDisk>) -> Result<JournalScan<FakeDisk>, JournalError> {
    JournalScan::read(Arc::clone(disk), &dir(), OWNER, Broken::default())
}

fn begin(disk: &Arc<FakeDisk>) -> Journal<FakeDisk> {
    let found = scan(disk).expect("is sound");
    Journal::begin(Arc::clone(disk), &dir(), OWNER, &found, SIZES).expect("begins")
}

/// Appends one entry of so many batches.
fn append(journal: &mut Journal<FakeDisk>, entry: &[Bytes]) -> io::Result<()> {
    let of = |batch| JournalAppend {
        topic: "orders",
        topic_id: TOPIC,
        partition: 3,
        batch,
    };
    journal.append(&entry.iter().map(of).collect::<Vec<_>>())
}

fn all(scan: &JournalScan<FakeDisk>) -> Vec<Bytes> {
    let read = |batch| scan.bytes(batch).expect("reads");
    scan.batches().iter().map(read).collect()
}

fn newest(disk: &FakeDisk) -> PathBuf {
    let generation = |path: &PathBuf| {
        let bytes = read_file(disk, path).expect("reads");
        FileHead::decode(&bytes).map_or(0, |head| head.generation)
    };
    let names = disk.list(&dir()).expect("lists");
    let paths = names.iter().map(|entry| dir().join(&entry.name));
    paths.max_by_key(generation).expect("there is one")
}

fn overwrite(disk: &FakeDisk, path: &Path, at: u64, bytes: &[u8]) {
    let file = disk.open(path, false).expect("opens");
    disk.write_at(&file, at, &[IoSlice::new(bytes)])
        .expect("writes");
    disk.sync(&file).expect("syncs");
}

#[test]
fn what_was_appended_is_found_with_its_owner_and_offsets() {
    let disk = disk();
    let mut journal = begin(&disk);
    append(&mut journal, &[batch(0, 10), batch(1, 600)]).expect("appends");
    append(&mut journal, &[batch(2, 0)]).expect("appends");
    let found = scan(&disk).expect("is sound");
    assert_eq!(all(&found), [batch(0, 10), batch(1, 600), batch(2, 0)]);
    let last = &found.batches()[2];
    assert_eq!(
        (last.topic.as_str(), last.topic_id, last.partition),
        ("orders", TOPIC, 3)
    );
    assert_eq!((last.base_offset, last.last_offset), (2, 2));
}

/// The process ends and another one flushes what it finds; then power is lost, and the same is found.
fn settles(disk: &Arc<FakeDisk>, is_there: impl Fn(&JournalScan<FakeDisk>)) {
    for how in [Crash::Process, Crash::LoseAll] {
        disk.crash(how);
        let found = scan(disk).expect("is sound");
        is_there(&found);
        found.settle().expect("flushes");
    }
}

#[test]
fn an_entry_whose_flush_failed_is_flushed_before_anything_of_it_counts() {
    let disk = disk();
    let mut journal = begin(&disk);
    append(&mut journal, &[batch(0, 10)]).expect("appends");
    disk.fail_sync_in(1);
    append(&mut journal, &[batch(1, 600)]).expect_err("the flush fails");
    settles(&disk, |found| {
        assert_eq!(all(found), [batch(0, 10), batch(1, 600)]);
    });
}

#[test]
fn a_head_whose_flush_failed_is_flushed_before_it_counts() {
    let disk = disk();
    let mut journal = begin(&disk);
    append(&mut journal, &[batch(0, 3_000)]).expect("appends");
    // The file that is made, its name, and then its head.
    disk.fail_sync_in(3);
    append(&mut journal, &[batch(1, 3_000)]).expect_err("the flush fails");
    settles(&disk, |found| {
        assert_eq!((found.needed().len(), found.next_generation()), (2, 2));
    });
}

#[test]
fn the_real_disk_keeps_a_journal_too() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(RealDisk);
    let read = || {
        JournalScan::read(Arc::clone(&disk), root.path(), OWNER, Broken::default())
            .expect("is sound")
    };
    let mut journal = Journal::begin(
        Arc::clone(&disk),
        root.path(),
        OWNER,
        &read(),
        JournalSizes::default(),
    )
    .expect("begins");
    let batch = batch(0, 3 << 20);
    let append = JournalAppend {
        topic: "orders",
        topic_id: TOPIC,
        partition: 0,
        batch: &batch,
    };
    journal.append(&[append]).expect("appends");
    let found = read();
    assert_eq!(found.bytes(&found.batches()[0]).expect("reads"), batch);
    found.retire(root.path()).expect("removes");
    assert!(read().batches().is_empty());
}

#[test]
fn freed_files_are_used_again_and_the_rest_is_kept() {
    let disk = disk();
    let mut journal = begin(&disk);
    let mut freed = 0;
    for n in 0..200 {
        append(&mut journal, &[batch(n, 700)]).expect("appends");
        if n % 10 == 9 {
            freed = journal.next_entry() - 5;
            journal.free(freed);
        }
    }
    assert!(journal.live_bytes() < 24 << 10, "{}", journal.live_bytes());
    let files = disk.list(&dir()).expect("lists").len();
    assert!(files <= 4, "{files} files");
    let found = scan(&disk).expect("is sound");
    let offsets: Vec<i64> = found
        .batches()
        .iter()
        .map(|batch| batch.base_offset)
        .collect();
    assert!(offsets[0] <= i64::try_from(freed).expect("small"));
    assert_eq!(offsets, (offsets[0]..200).collect::<Vec<_>>());
}

#[test]
fn an_entry_may_be_larger_than_a_file() {
    let disk = disk();
    let mut journal = begin(&disk);
    let entries = [
        vec![batch(0, 50)],
        vec![batch(1, 30_000), batch(2, 9_000)],
        vec![batch(3, 1)],
    ];
    for entry in &entries {
        append(&mut journal, entry).expect("appends");
    }
    assert_eq!(all(&scan(&disk).expect("is sound")), entries.concat());
}

#[test]
fn a_torn_last_entry_is_as_if_it_had_never_been() {
    let disk = disk();
    let mut journal = begin(&disk);
    append(&mut journal, &[batch(0, 100)]).expect("appends");
    append(&mut journal, &[batch(1, 100), batch(2, 100)]).expect("appends");
    overwrite(&disk, &newest(&disk), 512 + 512 + 200, b"torn");
    assert_eq!(all(&scan(&disk).expect("is sound")), [batch(0, 100)]);
}

#[test]
fn a_bad_entry_with_a_good_one_after_it_is_damage() {
    for at in [0, 5, 9, 17, 30, 150] {
        let disk = disk();
        let mut journal = begin(&disk);
        for n in 0..3 {
            append(&mut journal, &[batch(n, 100)]).expect("appends");
        }
        overwrite(&disk, &newest(&disk), 512 + 512 + at, &[0xee]);
        let error = scan(&disk).err().expect("is damaged");
        assert!(
            matches!(&error, JournalError::Damaged { position: 1024, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_missing_or_cannot_be_named_is_damage() {
    for kill in [
        |disk: &FakeDisk, path: &Path| disk.remove(path).expect("removes"),
        |disk: &FakeDisk, path: &Path| overwrite(disk, path, 30, b"damage"),
    ] {
        let disk = disk();
        let mut journal = begin(&disk);
        for n in 0..30 {
            append(&mut journal, &[batch(n, 700)]).expect("appends");
        }
        kill(&disk, &dir().join(format!("{NAME}1")));
        assert!(matches!(scan(&disk), Err(JournalError::Damaged { .. })));
    }
}

#[test]
fn the_newest_file_is_missed_when_only_its_head_is_damaged() {
    let disk = disk();
    let mut journal = begin(&disk);
    for n in 0..5 {
        append(&mut journal, &[batch(n, 1_500)]).expect("appends");
    }
    overwrite(&disk, &newest(&disk), 30, b"damage");
    assert!(matches!(scan(&disk), Err(JournalError::Damaged { .. })));
}

#[test]
fn the_only_file_is_missed_when_its_head_is_damaged() {
    let disk = disk();
    append(&mut begin(&disk), &[batch(0, 100)]).expect("appends");
    overwrite(&disk, &newest(&disk), 30, b"damage");
    assert!(matches!(scan(&disk), Err(JournalError::Damaged { .. })));
}

#[test]
fn anothers_journal_and_a_later_version_are_refused() {
    let disk = disk();
    append(&mut begin(&disk), &[batch(0, 1)]).expect("appends");
    let other = JournalScan::read(Arc::clone(&disk), &dir(), Uuid([8; 16]), Broken::default());
    assert!(matches!(other, Err(JournalError::Foreign { .. })));
    let path = newest(&disk);
    let mut sector = read_file(&*disk, &path).expect("reads")[..SECTOR].to_vec();
    sector[9] = 2;
    let crc = crc32c::crc32c(&sector[..50]);
    sector[50..54].copy_from_slice(&crc.to_be_bytes());
    overwrite(&disk, &path, 0, &sector);
    assert!(matches!(
        scan(&disk),
        Err(JournalError::Newer { version: 2, .. })
    ));
}

#[test]
fn a_crash_while_a_journal_is_removed_is_no_damage() {
    for stop in 1.. {
        let disk = disk();
        let mut journal = begin(&disk);
        // Files are freed early and late, so that one that is not the newest needs some that are used again.
        for n in 0..60 {
            append(&mut journal, &[batch(n, 1_200)]).expect("appends");
            if n % 20 == 15 {
                journal.free(journal.next_entry() - 5);
            }
        }
        disk.stop_in(stop);
        let removed = scan(&disk).expect("is sound").retire(&dir());
        let how = if stop % 2 == 0 {
            Crash::Process
        } else {
            Crash::Seeded(stop)
        };
        disk.crash(how);
        let found = scan(&disk).expect("a crash is no damage");
        found.settle().expect("flushes");
        if removed.is_ok() {
            assert!(stop > 10, "only {stop} changes");
            return;
        }
    }
}
