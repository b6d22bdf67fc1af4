//! Snapshots of the state that a log's records make: KRaft's `<offset>-<epoch>.checkpoint`.
//!
//! The log of the catalog has records without keys, so it cannot be compacted. It is bounded by writing down what
//! its records have made so far, and letting the log start there.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use once_wire::batch::Batch;
use once_wire::control::ControlType;

use super::disk::{Disk, read_file, replace_file};
use crate::write::StateWrite;

const SUFFIX: &str = ".checkpoint";

/// A whole snapshot.
#[derive(Clone, Debug)]
pub struct StateSnapshot {
    /// It stands for all records below this offset.
    pub end: i64,
    /// Its batches, those that begin and end it among them.
    pub batches: Vec<Batch>,
}

impl StateSnapshot {
    /// The newest snapshot in a partition's directory that is whole and stands for nothing at or above `end`, the end
    /// of the log. One that is torn or damaged is passed over.
    ///
    /// # Errors
    /// The disk's.
    pub fn newest<D: Disk>(disk: &D, dir: &Path, end: i64) -> io::Result<Option<Self>> {
        let mut found = list(disk, dir)?;
        found.sort_unstable();
        for (at, path) in found.into_iter().rev().filter(|(at, _)| *at <= end) {
            let batches = whole(read_file(disk, &path)?.into());
            if let Some(batches) = batches {
                return Ok(Some(StateSnapshot { end: at, batches }));
            }
        }
        Ok(None)
    }
}

/// Removes the snapshots that stand for more than all records below `end`, the end of the log: power loss has taken
/// records that they were made of, and others will have their offsets. Durably, before any of those is written.
///
/// # Errors
/// The disk's.
pub fn remove_states_above<D: Disk>(disk: &D, dir: &Path, end: i64) -> io::Result<()> {
    let mut above = list(disk, dir)?;
    above.retain(|(at, _)| *at > end);
    for (_, path) in &above {
        disk.remove(path)?;
    }
    match above.is_empty() {
        true => Ok(()),
        false => disk.sync_dir(dir),
    }
}

/// Writes a snapshot, durably: it is whole, or it is not there. So is the way to it.
pub(super) fn write<D: Disk>(disk: &D, dir: &Path, write: &StateWrite) -> io::Result<()> {
    let StateWrite { end, epoch, bytes } = write;
    let path = dir.join(format!("{end:020}-{epoch:010}{SUFFIX}"));
    replace_file(disk, &path, bytes)?;
    match dir.parent() {
        Some(parent) => disk.sync_dir(parent),
        None => Ok(()),
    }
}

/// Removes the snapshots that stand for less than all records below `end`.
pub(super) fn remove_below<D: Disk>(disk: &D, dir: &Path, end: i64) -> io::Result<()> {
    for (_, path) in list(disk, dir)?.into_iter().filter(|(at, _)| *at < end) {
        disk.remove(&path)?;
    }
    Ok(())
}

/// The snapshots of a directory and their offsets; none if it is not there.
fn list<D: Disk>(disk: &D, dir: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let entries = match disk.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let found = entries
        .iter()
        .filter_map(|entry| Some((parse(&entry.name)?, dir.join(&entry.name))));
    Ok(found.collect())
}

fn parse(name: &str) -> Option<i64> {
    let (offset, epoch) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(offset, 20) || !digits(epoch, 10) {
        return None;
    }
    offset.parse().ok()
}

/// The batches, if they are sound and nothing is missing at either end.
fn whole(mut bytes: Bytes) -> Option<Vec<Batch>> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        batches.push(Batch::split_first(&mut bytes).ok()?);
    }
    let is = |batch: Option<&Batch>, kind| {
        let control = batch.and_then(Batch::control);
        control.is_some_and(|control| control.kind == kind)
    };
    let ends = is(batches.first(), ControlType::SnapshotHeader)
        && is(batches.last(), ControlType::SnapshotFooter);
    ends.then_some(batches)
}

#[cfg(test)]
mod tests {
    use once_wire::batch::BatchBuilder;
    use once_wire::control::{snapshot_footer, snapshot_header};

    use super::*;
    use crate::store::disk::{Crash, FakeDisk};

    fn snapshot(end: i64) -> StateWrite {
        let data = BatchBuilder::new().push(5, None, Some(b"state"), &[]);
        let batches = [snapshot_header(5, 6), data.build(), snapshot_footer(6)];
        let bytes: Vec<u8> = batches.iter().flat_map(|b| b.as_bytes().to_vec()).collect();
        StateWrite {
            end,
            epoch: 0,
            bytes: bytes.into(),
        }
    }

    fn written(ends: &[i64]) -> (FakeDisk, PathBuf) {
        let (disk, dir) = (FakeDisk::new(), PathBuf::from("/data/__cluster_metadata-0"));
        disk.create_dir(&dir).expect("makes");
        disk.sync_dir(Path::new("/")).expect("syncs");
        for end in ends {
            write(&disk, &dir, &snapshot(*end)).expect("writes");
        }
        (disk, dir)
    }

    #[test]
    fn one_that_stands_for_what_is_lost_goes_for_good() {
        let (disk, dir) = written(&[7, 100, 300]);
        remove_states_above(&disk, &dir, 299).expect("removes");
        disk.crash(Crash::LoseAll);
        let found = StateSnapshot::newest(&disk, &dir, 1_000).expect("reads");
        assert_eq!(found.map(|found| found.end), Some(100));
    }

    #[test]
    fn the_newest_whole_snapshot_within_the_log_counts() {
        let (disk, dir) = written(&[7, 100, 300]);
        let newest = |end| {
            let found = StateSnapshot::newest(&disk, &dir, end).expect("reads");
            found.map(|found| (found.end, found.batches.len()))
        };
        assert_eq!(newest(300), Some((300, 3)));
        assert_eq!(newest(299), Some((100, 3)));
        assert_eq!(newest(6), None);
        let name = dir.join("00000000000000000300-0000000000.checkpoint");
        let file = disk.open(&name, false).expect("is there");
        let whole = disk.len(&file).expect("has one");
        for len in [whole - 1, whole - 70, 0] {
            disk.truncate(&file, len).expect("truncates");
            assert_eq!(newest(300), Some((100, 3)), "of {whole} bytes {len}");
        }
        remove_below(&disk, &dir, 100).expect("removes");
        assert_eq!((newest(99), newest(100)), (None, Some((100, 3))));
    }
}
