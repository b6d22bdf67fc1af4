//! What a partition's directory holds, after what was under way at the stop is finished.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use once_wire::Uuid;

use crate::store::batches::FileBatches;
use crate::store::checkpoint::{metadata_text, parse_metadata};
use crate::store::disk::{DirEntry, Disk, read_file, replace_file};
use crate::store::error::RecoverError;
use crate::store::names::{self, CLEANED, DELETED, Kind, PARTITION_METADATA, SEGMENT_KINDS, SWAP};

/// The files by what they are.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Per segment, its files and their lengths; each has its log.
    pub(super) segments: BTreeMap<i64, BTreeMap<Kind, u64>>,
    pub(super) snapshots: BTreeSet<i64>,
    pub(super) windows: BTreeSet<i64>,
    /// Something was removed or renamed.
    pub(super) tidied: bool,
}

impl Files {
    /// `None` if there is no directory. Checks whose it is, finishes or drops what compaction, deletion or an
    /// atomic replacement left unfinished, and takes stock.
    pub(super) fn tidy<D: Disk>(
        disk: &Arc<D>,
        dir: &Path,
        topic_id: Uuid,
    ) -> Result<Option<Self>, RecoverError> {
        let list = || match disk.list(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            listed => listed.map(Some).map_err(RecoverError::io(dir)),
        };
        let Some(entries) = list()? else {
            return Ok(None);
        };
        check_owner(&**disk, dir, topic_id)?;
        let swaps = swaps(&entries);
        let mut tidied = !swaps.is_empty();
        for entry in &entries {
            let swapped = entry.name.strip_suffix(SWAP).and_then(names::parse);
            let unfinished = match swapped {
                Some((base, kind)) => !(swaps.contains(&base) && SEGMENT_KINDS.contains(&kind)),
                None => [CLEANED, DELETED, SWAP, ".tmp"]
                    .iter()
                    .any(|suffix| entry.name.ends_with(suffix)),
            };
            if unfinished {
                let path = dir.join(&entry.name);
                disk.remove(&path).map_err(RecoverError::io(&path))?;
                tidied = true;
            }
        }
        for base in swaps {
            finish_swap(disk, dir, base)?;
        }
        let mut files = Files {
            tidied,
            ..Files::default()
        };
        for entry in list()?.unwrap_or_default() {
            files.take(names::parse(&entry.name), entry.len);
        }
        files.drop_orphans(&**disk, dir)?;
        Ok(Some(files))
    }

    fn take(&mut self, named: Option<(i64, Kind)>, len: u64) {
        match named {
            Some((end, Kind::Snapshot)) => {
                self.snapshots.insert(end);
            }
            Some((end, Kind::Window)) => {
                self.windows.insert(end);
            }
            Some((base, kind)) => {
                self.segments.entry(base).or_default().insert(kind, len);
            }
            None => {}
        }
    }

    /// Index files without their log say nothing.
    fn drop_orphans<D: Disk>(&mut self, disk: &D, dir: &Path) -> Result<(), RecoverError> {
        let orphans: Vec<_> = self
            .segments
            .iter()
            .filter(|(_, kinds)| !kinds.contains_key(&Kind::Log))
            .map(|(base, _)| *base)
            .collect();
        for base in orphans {
            for kind in self.segments.remove(&base).unwrap_or_default().into_keys() {
                let path = kind.path(dir, base);
                disk.remove(&path).map_err(RecoverError::io(&path))?;
                self.tidied = true;
            }
        }
        Ok(())
    }
}

/// The directory is the topic's own. One without a readable id was cut short in its making and gets it now.
fn check_owner<D: Disk>(disk: &D, dir: &Path, expected: Uuid) -> Result<(), RecoverError> {
    let path = dir.join(PARTITION_METADATA);
    let found = match read_file(disk, &path) {
        Ok(bytes) => parse_metadata(&String::from_utf8_lossy(&bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(RecoverError::io(path)(e)),
    };
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(RecoverError::OtherTopic {
            path: dir.to_path_buf(),
            found,
            expected,
        }),
        None => replace_file(disk, &path, metadata_text(expected).as_bytes())
            .map_err(RecoverError::io(&path)),
    }
}

/// The segments whose logs compaction had finished and was about to give their names.
fn swaps(entries: &[DirEntry]) -> BTreeSet<i64> {
    let swapped = entries.iter().filter_map(|e| e.name.strip_suffix(SWAP));
    let named = swapped.filter_map(names::parse);
    named
        .filter(|(_, kind)| *kind == Kind::Log)
        .map(|(base, _)| base)
        .collect()
}

/// Compaction had finished this segment: it takes the place of those whose offsets it covers. Those go first, the
/// log of the same name last of all, and the new log gets its name last: so whenever this is cut short the next start
/// knows whether an index file of that name is an old or a new one.
fn finish_swap<D: Disk>(disk: &Arc<D>, dir: &Path, base: i64) -> Result<(), RecoverError> {
    let log = Kind::Log.path(dir, base);
    let entries = disk.list(dir).map_err(RecoverError::io(dir))?;
    let named = entries.iter().filter_map(|entry| names::parse(&entry.name));
    let mut old: Vec<(i64, Kind)> = named.collect();
    if old.contains(&(base, Kind::Log)) {
        let swap = names::with_suffix(&log, SWAP);
        let mut batches = FileBatches::open_path(disk, swap, 0, i64::MAX)?;
        let mut last = base;
        while let Some(batch) = batches.next_batch()? {
            last = batch.last_offset();
        }
        old.retain(|(other, kind)| SEGMENT_KINDS.contains(kind) && (base..=last).contains(other));
        old.sort_unstable_by_key(|other| *other == (base, Kind::Log));
        for (other, kind) in old {
            let path = kind.path(dir, other);
            disk.remove(&path).map_err(RecoverError::io(&path))?;
        }
    }
    for kind in SEGMENT_KINDS.into_iter().rev() {
        let path = kind.path(dir, base);
        match disk.rename(&names::with_suffix(&path, SWAP), &path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && kind != Kind::Log => {}
            renamed => renamed.map_err(RecoverError::io(&path))?,
        }
    }
    Ok(())
}
