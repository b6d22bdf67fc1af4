//! Index files that are gone, cut or changed below the recovery point, where nothing else tells of it.

use super::harness::{Partition, Step, small_config};
use crate::Recovered;
use crate::store::{Crash, Disk, FakeDisk};
use once_wire::batch::BatchHeader;
use std::path::Path;

/// What a stop left: several segments with an aborted transaction in each, all durable.
pub(super) fn stopped(clean: bool) -> Partition {
    let mut partition = Partition::new(small_config());
    let mut ticks = 0;
    while partition.log.segments().len() < 4 {
        ticks += 1;
        for producer in [0, 2, 2] {
            partition.run(&Step::Data {
                producer,
                records: 2,
                size: 60,
                ticks,
            });
        }
        partition.run(&Step::End {
            producer: 0,
            commit: false,
        });
    }
    if clean {
        let close = partition.log.clean_close();
        partition.store.write_all(&close).expect("writes");
    }
    partition.run(&Step::Checkpoint);
    partition.disk.crash(Crash::LoseAll);
    partition
}

fn found(partition: &Partition, clean: bool) -> Recovered {
    partition.open(clean).expect("recovers").0
}

#[test]
fn damage_in_old_records_is_not_the_starts_to_tell_of_where_index_files_are_missing() {
    for clean in [true, false] {
        let partition = stopped(clean);
        let sums = partition.dir.join("00000000000000000000.sums");
        partition.disk.remove(&sums).expect("removes");
        let whole = found(&partition, clean);
        partition.disk.remove(&sums).expect("removes");
        let log = partition.dir.join("00000000000000000000.log");
        // Within the records of the first batch, which is data.
        partition.disk.flip(&log, 8 * 80).expect("is there");
        assert_eq!(found(&partition, clean), whole, "clean: {clean}");
    }
}

#[test]
fn a_marker_that_no_longer_says_that_it_is_one_is_damage() {
    for clean in [true, false] {
        let partition = stopped(clean);
        let name = |kind: &str| partition.dir.join(format!("00000000000000000000.{kind}"));
        partition.disk.remove(&name("sums")).expect("removes");
        let file = partition.disk.open(&name("log"), false).expect("opens");
        let mut log = vec![0; partition.disk.len(&file).expect("measures") as usize];
        let read = partition.disk.read_at(&file, 0, &mut log).expect("reads");
        assert_eq!(read, log.len());
        let (mut rest, mut at) = (&log[..], 0);
        let header = loop {
            let header = BatchHeader::read(rest).expect("is whole");
            if header.is_control() {
                break header;
            }
            (rest, at) = (&rest[header.size()..], at + header.size());
        };
        assert!(header.size() < rest.len(), "it is not the last one");
        // Bit 5 of the attributes, whose lower byte is the batch's 23rd.
        let bit = 8 * (at as u64 + 22) + 5;
        partition.disk.flip(&name("log"), bit).expect("is there");
        let opened = partition.open(clean);
        let damage = opened.err().expect("the start refuses").to_string();
        assert!(damage.contains("00000000000000000000.log"), "{damage}");
    }
}

/// What may become of a file of some length.
type Damage = fn(&FakeDisk, &Path, u64);

fn gone(disk: &FakeDisk, path: &Path, _: u64) {
    disk.remove(path).expect("removes");
}

fn emptied(disk: &FakeDisk, path: &Path, _: u64) {
    let file = disk.open(path, false).expect("is there");
    disk.truncate(&file, 0).expect("cuts");
}

/// Its last entry is gone, of whichever kind it is.
fn shortened(disk: &FakeDisk, path: &Path, len: u64) {
    let entry = match path.extension().and_then(|kind| kind.to_str()) {
        Some("index") => 8,
        Some("timeindex") => 12,
        Some("txnindex") => 34,
        _ => 1,
    };
    let file = disk.open(path, false).expect("is there");
    disk.truncate(&file, len - entry).expect("cuts");
}

/// One bit is another: of the first entry's middle, its end, and so on through the file.
fn flipped<const NTH: u64>(disk: &FakeDisk, path: &Path, len: u64) {
    let bit = 8 * len * NTH / 16 + 3;
    disk.flip(path, bit).expect("is there");
}

const DAMAGES: [Damage; 8] = [
    gone,
    emptied,
    shortened,
    flipped::<0>,
    flipped::<3>,
    flipped::<7>,
    flipped::<11>,
    flipped::<15>,
];

#[test]
fn index_files_that_are_not_those_that_were_written_are_made_anew() {
    for clean in [true, false] {
        let whole = found(&stopped(clean), clean);
        assert!(whole.segments.iter().all(|s| !s.aborted.is_empty()));
        let names = stopped(clean);
        let names = names.disk.list(&names.dir).expect("lists");
        let kinds = [".index", ".timeindex", ".txnindex", ".sums"];
        let damaged = names
            .iter()
            .filter(|entry| kinds.iter().any(|kind| entry.name.ends_with(kind)));
        let mut damages = 0;
        for entry in damaged {
            for (n, damage) in DAMAGES.iter().enumerate() {
                let partition = stopped(clean);
                let path = partition.dir.join(&entry.name);
                damage(&partition.disk, &path, entry.len);
                damages += 1;
                assert_eq!(found(&partition, clean), whole, "{} {n}", entry.name);
                // And what was made anew is trusted from then on.
                assert_eq!(found(&partition, clean), whole, "{} {n}", entry.name);
            }
        }
        assert!(damages >= 4 * 3 * 8, "{damages}");
    }
}
