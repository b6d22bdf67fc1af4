//! The rules of the door, as a suite that every implementation runs.

use std::io::{ErrorKind, IoSlice};
use std::path::{Path, PathBuf};

use super::{Crash, Disk, FakeDisk, RealDisk};

fn write<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> D::File {
    let file = disk.open(path, true).expect("opens");
    disk.write_at(&file, 0, &[IoSlice::new(bytes)])
        .expect("writes");
    file
}

fn contents<D: Disk>(disk: &D, file: &D::File) -> Vec<u8> {
    let mut into = vec![0xee; 100];
    let n = disk.read_at(file, 0, &mut into).expect("reads");
    into.truncate(n);
    into
}

fn what_is_written_is_read_by_any_handle<D: Disk>(disk: &D, dir: &Path) {
    let path = dir.join("written");
    let file = write(disk, &path, b"hello");
    disk.write_at(
        &file,
        3,
        &[IoSlice::new(b"p"), IoSlice::new(b""), IoSlice::new(b"ing")],
    )
    .expect("writes parts");
    let other = disk.open(&path, false).expect("opens");
    assert_eq!(contents(disk, &other), b"helping");
    assert_eq!(disk.len(&other).expect("has a length"), 7);
    let mut into = [0; 10];
    assert_eq!(
        disk.read_at(&other, 5, &mut into)
            .expect("reads what there is"),
        2
    );
    assert_eq!(
        disk.read_at(&other, 50, &mut into).expect("reads nothing"),
        0
    );
}

fn many_parts_arrive_in_order<D: Disk>(disk: &D, dir: &Path) {
    let file = disk.open(&dir.join("parts"), true).expect("opens");
    let bytes: Vec<[u8; 3]> = (0..3000u16).map(|n| [n as u8, (n >> 8) as u8, 7]).collect();
    let parts: Vec<_> = bytes.iter().map(|b| IoSlice::new(b)).collect();
    disk.write_at(&file, 2, &parts).expect("writes");
    let mut into = vec![0; 10_000];
    assert_eq!(disk.read_at(&file, 0, &mut into).expect("reads"), 9002);
    assert_eq!(into[2..9002], bytes.concat());
    assert_eq!(into[..2], [0, 0]);
}

fn a_gap_and_an_extension_read_as_zeros<D: Disk>(disk: &D, dir: &Path) {
    let file = write(disk, &dir.join("gap"), b"ab");
    disk.write_at(&file, 4, &[IoSlice::new(b"c")])
        .expect("writes");
    assert_eq!(contents(disk, &file), b"ab\0\0c");
    disk.truncate(&file, 1).expect("cuts");
    disk.truncate(&file, 3).expect("extends");
    assert_eq!(contents(disk, &file), b"a\0\0");
}

fn an_absent_file_is_not_found_unless_created<D: Disk>(disk: &D, dir: &Path) {
    let kind = |path: &Path, create| disk.open(path, create).err().map(|e| e.kind());
    assert_eq!(kind(&dir.join("absent"), false), Some(ErrorKind::NotFound));
    assert_eq!(
        kind(&dir.join("no-dir/file"), true),
        Some(ErrorKind::NotFound)
    );
    assert_eq!(
        disk.list(&dir.join("no-dir")).err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
    assert_eq!(
        disk.remove(&dir.join("absent")).err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
    assert_eq!(kind(&dir.join("absent"), true), None);
    assert_eq!(kind(&dir.join("absent"), false), None);
}

fn a_rename_replaces_and_a_handle_outlives_it<D: Disk>(disk: &D, dir: &Path) {
    let (old, new) = (dir.join("old"), dir.join("new"));
    let replaced = write(disk, &new, b"replaced");
    write(disk, &old, b"renamed");
    disk.rename(&old, &new).expect("renames");
    assert_eq!(
        contents(disk, &disk.open(&new, false).expect("opens")),
        b"renamed"
    );
    assert_eq!(
        disk.open(&old, false).err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
    assert_eq!(contents(disk, &replaced), b"replaced");
    disk.remove(&new).expect("removes");
    assert_eq!(contents(disk, &replaced), b"replaced");
    assert_eq!(
        disk.rename(&old, &new).err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
}

fn a_listing_is_sorted_and_tells_files_from_directories<D: Disk>(disk: &D, dir: &Path) {
    let dir = dir.join("listed/deep");
    disk.create_dir(&dir.join("z")).expect("makes all of it");
    disk.create_dir(&dir).expect("is content with what exists");
    write(disk, &dir.join("b"), b"12");
    write(disk, &dir.join("a"), b"1");
    let listed = disk.list(&dir).expect("lists");
    let wanted = [("a", false, 1), ("b", false, 2), ("z", true, 0)];
    assert_eq!(
        listed
            .iter()
            .map(|e| (e.name.as_str(), e.is_dir, e.len))
            .collect::<Vec<_>>(),
        wanted
    );
    disk.sync_dir(&dir).expect("syncs");
    assert_eq!(
        disk.remove(&dir).err().map(|e| e.kind()),
        Some(ErrorKind::DirectoryNotEmpty)
    );
    for name in ["a", "b", "z"] {
        disk.remove(&dir.join(name)).expect("removes");
    }
    disk.remove(&dir).expect("removes the empty directory");
    assert_eq!(
        disk.list(&dir).err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
}

fn a_directory_is_renamed_with_what_it_holds<D: Disk>(disk: &D, dir: &Path) {
    disk.create_dir(&dir.join("before")).expect("makes");
    let file = write(disk, &dir.join("before/file"), b"kept");
    disk.rename(&dir.join("before"), &dir.join("after"))
        .expect("renames");
    disk.sync(&file).expect("syncs");
    assert_eq!(
        contents(
            disk,
            &disk.open(&dir.join("after/file"), false).expect("opens")
        ),
        b"kept"
    );
}

fn a_lock_is_held_until_its_file_is_closed<D: Disk>(disk: &D, dir: &Path) {
    let path = dir.join(".lock");
    let held = disk.lock(&path).expect("locks");
    assert_eq!(
        disk.lock(&path).err().map(|e| e.kind()),
        Some(ErrorKind::WouldBlock)
    );
    drop(held);
    disk.lock(&path).expect("locks again");
}

fn suite<D: Disk>(disk: &D, dir: &Path) {
    what_is_written_is_read_by_any_handle(disk, dir);
    many_parts_arrive_in_order(disk, dir);
    a_gap_and_an_extension_read_as_zeros(disk, dir);
    an_absent_file_is_not_found_unless_created(disk, dir);
    a_rename_replaces_and_a_handle_outlives_it(disk, dir);
    a_listing_is_sorted_and_tells_files_from_directories(disk, dir);
    a_directory_is_renamed_with_what_it_holds(disk, dir);
    a_lock_is_held_until_its_file_is_closed(disk, dir);
}

#[test]
fn the_real_disk_keeps_the_rules() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    suite(&RealDisk, dir.path());
}

#[test]
fn the_fake_disk_keeps_the_rules() {
    let disk = FakeDisk::new();
    disk.create_dir(Path::new("/data")).expect("makes");
    suite(&disk, Path::new("/data"));
}

fn fake() -> (FakeDisk, PathBuf) {
    let disk = FakeDisk::new();
    disk.create_dir(Path::new("/data")).expect("makes");
    disk.sync_dir(Path::new("/")).expect("syncs");
    (disk, PathBuf::from("/data"))
}

#[test]
fn a_crash_loses_what_was_not_synced_and_nothing_else() {
    let (disk, dir) = fake();
    let file = write(&disk, &dir.join("a"), b"kept");
    disk.sync(&file).expect("syncs");
    disk.sync_dir(&dir).expect("syncs");
    disk.write_at(&file, 0, &[IoSlice::new(b"lost, all of it")])
        .expect("writes");
    let unnamed = write(&disk, &dir.join("b"), b"synced, but its name is not");
    disk.sync(&unnamed).expect("syncs");
    disk.crash(Crash::LoseAll);
    assert!(disk.len(&file).is_err(), "a handle does not survive");
    assert_eq!(disk.list(&dir).expect("lists").len(), 1);
    assert_eq!(
        contents(&disk, &disk.open(&dir.join("a"), false).expect("opens")),
        b"kept"
    );
}

#[test]
fn the_end_of_the_process_loses_only_handles_and_locks() {
    let (disk, dir) = fake();
    write(&disk, &dir.join("a"), b"kept");
    let _held = disk.lock(&dir.join("lock")).expect("locks");
    disk.crash(Crash::Process);
    disk.lock(&dir.join("lock")).expect("the lock is free");
    assert_eq!(
        contents(&disk, &disk.open(&dir.join("a"), false).expect("opens")),
        b"kept"
    );
}

#[test]
fn a_seeded_crash_tears_writes_and_is_the_same_each_time() {
    let outcome = |seed| {
        let (disk, dir) = fake();
        let file = write(&disk, &dir.join("a"), b"");
        disk.sync_dir(&dir).expect("syncs");
        for n in 0..4 {
            disk.write_at(&file, n * 5, &[IoSlice::new(b"12345")])
                .expect("writes");
        }
        disk.crash(Crash::Seeded(seed));
        contents(&disk, &disk.open(&dir.join("a"), false).expect("opens"))
    };
    let outcomes: std::collections::BTreeSet<_> = (0..200).map(outcome).collect();
    assert!(outcomes.len() > 50, "{} different outcomes", outcomes.len());
    assert!(
        outcomes.contains(b"123451234512345".as_slice()),
        "a lost end"
    );
    assert!(
        outcomes
            .iter()
            .any(|o| o.starts_with(&[0, 0, 0, 0, 0, b'1', b'2', b'3'])),
        "a lost beginning"
    );
    assert_eq!(outcome(17), outcome(17));
}

#[test]
fn after_a_failed_sync_the_bytes_are_seen_but_never_durable_until_written_again() {
    for rewrite in [false, true] {
        let (disk, dir) = fake();
        let file = write(&disk, &dir.join("a"), b"bytes");
        disk.sync_dir(&dir).expect("syncs");
        disk.fail_sync_in(1);
        disk.sync(&file).expect_err("as told");
        assert_eq!(contents(&disk, &file), b"bytes");
        if rewrite {
            disk.write_at(&file, 0, &[IoSlice::new(b"bytes")])
                .expect("writes");
        }
        disk.sync(&file).expect("has nothing to do, or the rewrite");
        disk.crash(Crash::LoseAll);
        let kept = contents(&disk, &disk.open(&dir.join("a"), false).expect("opens"));
        assert_eq!(kept, if rewrite { b"bytes".as_slice() } else { b"" });
    }
}

#[test]
fn a_full_disk_takes_what_fits_and_says_so() {
    let (disk, dir) = fake();
    disk.set_capacity(Some(7));
    let file = write(&disk, &dir.join("a"), b"12345");
    let full = disk.write_at(&file, 5, &[IoSlice::new(b"6789")]);
    assert_eq!(full.err().map(|e| e.kind()), Some(ErrorKind::StorageFull));
    assert_eq!(contents(&disk, &file), b"1234567");
}

#[test]
fn a_planned_write_failure_leaves_half_of_it() {
    let (disk, dir) = fake();
    let file = write(&disk, &dir.join("a"), b"");
    disk.fail_write_in(2);
    disk.write_at(&file, 0, &[IoSlice::new(b"1234")])
        .expect("is not the second");
    disk.write_at(&file, 4, &[IoSlice::new(b"5678")])
        .expect_err("as told");
    assert_eq!(contents(&disk, &file), b"123456");
}
