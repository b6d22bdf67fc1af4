//! What a data directory promises its operator.

use super::super::disk::{Crash, FakeDisk, write_file};
use super::super::names::PARTITION_METADATA;
use super::*;

fn identity() -> Identity {
    Identity {
        cluster_id: "cluster".to_owned(),
        node_id: 1,
        directory_id: Uuid([3; 16]),
    }
}

fn open_at(
    disk: &Arc<FakeDisk>,
    path: &str,
    fresh: &Identity,
) -> Result<DataDir<FakeDisk>, DirError> {
    DataDir::open(Arc::clone(disk), PathBuf::from(path), fresh)
}

fn open(disk: &Arc<FakeDisk>, fresh: &Identity) -> Result<DataDir<FakeDisk>, DirError> {
    open_at(disk, "/data", fresh)
}

#[test]
fn a_directory_is_made_keeps_its_identity_and_survives_power_loss() {
    for path in ["/data", "/srv/once/data"] {
        let disk = Arc::new(FakeDisk::new());
        drop(open_at(&disk, path, &identity()).expect("makes it"));
        disk.crash(Crash::LoseAll);
        let other = Identity {
            cluster_id: "ignored".to_owned(),
            directory_id: Uuid([4; 16]),
            ..identity()
        };
        let again = open_at(&disk, path, &other).expect("opens it");
        assert_eq!(again.identity(), &identity(), "{path}");
    }
}

#[test]
fn what_a_start_finds_that_another_was_killed_at_survives_power_loss() {
    let other = Identity {
        directory_id: Uuid([4; 16]),
        ..identity()
    };
    for changes in 1..12 {
        let disk = Arc::new(FakeDisk::new());
        disk.stop_in(changes);
        drop(open(&disk, &other));
        disk.crash(Crash::Process);
        let found = open(&disk, &identity()).expect("opens it");
        let found = found.identity().clone();
        disk.crash(Crash::LoseAll);
        let dir = open(&disk, &identity()).expect("opens it");
        assert_eq!(dir.identity(), &found, "{changes} changes");
        dir.write_clean_marker().expect("writes");
        disk.stop_in(changes);
        let _ = dir.take_clean_marker();
        drop(dir);
        disk.crash(Crash::Process);
        let dir = open(&disk, &identity()).expect("opens it");
        dir.take_clean_marker().expect("takes it");
        disk.crash(Crash::LoseAll);
        let dir = open(&disk, &identity()).expect("opens it");
        assert!(
            !dir.take_clean_marker().expect("looks"),
            "{changes} changes"
        );
    }
}

#[test]
fn a_second_broker_is_told_that_the_directory_is_in_use() {
    let disk = Arc::new(FakeDisk::new());
    let _held = open(&disk, &identity()).expect("makes it");
    let refused = open(&disk, &identity())
        .err()
        .expect("is in use")
        .to_string();
    assert_eq!(
        refused,
        "the data directory /data is in use by another broker: stop that one, or use another directory"
    );
}

#[test]
fn another_node_and_a_newer_version_are_refused() {
    let disk = Arc::new(FakeDisk::new());
    drop(open(&disk, &identity()).expect("makes it"));
    let other = Identity {
        node_id: 2,
        ..identity()
    };
    assert!(matches!(
        open(&disk, &other),
        Err(DirError::OtherOwner {
            field: "node.id",
            ..
        })
    ));
    let newer = "version=2\nnode.id=1\n";
    write_file(&*disk, Path::new("/data/meta.properties"), newer.as_bytes()).expect("writes");
    let refused = open(&disk, &identity());
    assert!(matches!(refused, Err(DirError::Newer { version: 2, .. })));
}

#[test]
fn a_clean_stop_counts_once() {
    let disk = Arc::new(FakeDisk::new());
    let dir = open(&disk, &identity()).expect("makes it");
    assert!(!dir.take_clean_marker().expect("looks"));
    dir.write_clean_marker().expect("writes");
    assert!(dir.take_clean_marker().expect("looks"));
    drop(dir);
    disk.crash(Crash::LoseAll);
    assert!(
        !open(&disk, &identity())
            .expect("opens")
            .take_clean_marker()
            .expect("looks")
    );
}

#[test]
fn a_checkpoint_is_the_old_or_the_new_one_after_any_crash() {
    for (seed, which) in (0..100).zip(
        [Checkpoint::RecoveryPoint, Checkpoint::LogStart]
            .into_iter()
            .cycle(),
    ) {
        let disk = Arc::new(FakeDisk::new());
        let dir = open(&disk, &identity()).expect("makes it");
        let at = |offset| BTreeMap::from([(("topic".to_owned(), 0), offset)]);
        dir.write_checkpoint(which, &at(1)).expect("writes");
        disk.fail_sync_in(1 + seed / 2 % 6);
        let written = dir.write_checkpoint(which, &at(2)).is_ok();
        drop(dir);
        disk.crash(Crash::Seeded(seed));
        let dir = open(&disk, &identity()).expect("opens");
        let read = dir.read_checkpoint(which).expect("is whole");
        assert!(
            read == at(2) || (read == at(1) && !written),
            "seed {seed}: {read:?}"
        );
        dir.write_checkpoint(which, &at(3)).expect("writes");
        assert_eq!(dir.read_checkpoint(which).expect("is whole"), at(3));
    }
}

#[test]
fn a_log_start_or_a_cleaned_offset_of_which_a_bit_has_changed_is_refused() {
    for which in [Checkpoint::LogStart, Checkpoint::Cleaned] {
        let disk = Arc::new(FakeDisk::new());
        let dir = open(&disk, &identity()).expect("makes it");
        let offsets = BTreeMap::from([(("topic".to_owned(), 0), 1_000)]);
        // The checksum of what was there before does not count any more: it would let a digit change back.
        let before = BTreeMap::from([(("topic".to_owned(), 0), 1_001)]);
        dir.write_checkpoint(which, &before).expect("writes");
        dir.write_checkpoint(which, &offsets).expect("writes");
        let path = dir.path().join(which.file_name());
        let bits = 8 * read_file(&*disk, &path).expect("reads").len() as u64;
        for bit in 0..bits {
            disk.flip(&path, bit).expect("is there");
            let read = dir.read_checkpoint(which);
            assert!(
                matches!(read, Err(DirError::Changed { .. })),
                "{bit}: {read:?}"
            );
            disk.flip(&path, bit).expect("is there");
        }
        disk.flip(&path, bits - 10).expect("is there");
        disk.remove(&summed::sums_of(&path)).expect("is there");
        let read = dir.read_checkpoint(which);
        assert!(!matches!(read, Err(DirError::Changed { .. })), "{read:?}");
    }
}

#[test]
fn partitions_are_found_by_the_last_dash_and_others_left_alone() {
    let disk = Arc::new(FakeDisk::new());
    let dir = open(&disk, &identity()).expect("makes it");
    for name in [
        "a-b-0",
        "a-12",
        "x-0.00000000000000000000000000000000-delete",
        "no",
        "-3",
        "y--1",
        "z-",
    ] {
        disk.create_dir(&dir.path().join(name)).expect("makes");
    }
    let metadata = dir.path().join("a-12").join(PARTITION_METADATA);
    write_file(
        &*disk,
        &metadata,
        b"version: 0\ntopic_id: AQEBAQEBAQEBAQEBAQEBAQ",
    )
    .expect("writes");
    let found = dir.partitions().expect("lists");
    let names: Vec<_> = found
        .iter()
        .map(|p| (p.topic.as_str(), p.partition, p.topic_id))
        .collect();
    assert_eq!(
        names,
        [
            ("a", 12, Some(Uuid([1; 16]))),
            ("a-b", 0, None),
            ("y-", 1, None)
        ]
    );
    dir.finish_deletions().expect("deletes");
    assert_eq!(
        disk.list(dir.path())
            .expect("lists")
            .iter()
            .filter(|e| e.name.ends_with("-delete"))
            .count(),
        0
    );
}

#[test]
fn a_deleted_or_stray_directory_gets_a_name_that_fits() {
    let disk = Arc::new(FakeDisk::new());
    let dir = open(&disk, &identity()).expect("makes it");
    let topic = "t".repeat(249);
    let path = dir.partition_path(&topic, 17);
    disk.create_dir(&path).expect("makes");
    let partition = dir
        .partitions()
        .expect("lists")
        .pop()
        .expect("there is one");
    let aside = dir
        .set_stray(&partition, Uuid([0xab; 16]))
        .expect("renames");
    let name = aside
        .file_name()
        .expect("has one")
        .to_string_lossy()
        .into_owned();
    assert!(
        name.len() == 255 && name.ends_with(&format!("t-17.{}-stray", "ab".repeat(16))),
        "{name}"
    );
    assert_eq!(dir.partitions().expect("lists"), []);
}
