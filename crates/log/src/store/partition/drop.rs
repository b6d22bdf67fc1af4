//! Taking away the oldest segments.

use std::io;
use std::path::Path;

use super::Store;
use crate::store::debt::sync_path;
use crate::store::disk::Disk;
use crate::store::names::{self, Kind};

impl<D: Disk> Store<D> {
    /// Removes the files of all segments below this one's base, and the snapshots below it. The log start is at or
    /// above the base, durably.
    ///
    /// What those segments say of producers is from then on in the snapshot at the base only: so that is durable
    /// first, and the names of what stays. They may be part of a debt that nobody has settled yet, so it does not
    /// matter here what counts as flushed.
    pub(crate) fn drop_segments(&mut self, below: i64) -> io::Result<()> {
        for kind in [Kind::Snapshot, Kind::Window] {
            sync_path(&*self.disk, &kind.path(&self.dir, below))?;
        }
        self.disk.sync_dir(&self.dir)?;
        remove_below(&*self.disk, &self.dir, below)?;
        self.dir_changed_lazy = true;
        self.reader.forget_below(below);
        Ok(())
    }
}

/// Removes what belongs to segments below `base`, the oldest first, so that after a crash what is left has no hole.
fn remove_below<D: Disk>(disk: &D, dir: &Path, base: i64) -> io::Result<()> {
    let entries = disk.list(dir)?;
    let named = entries.iter().filter_map(|entry| names::parse(&entry.name));
    let mut gone: Vec<(i64, Kind)> = named.filter(|(offset, _)| *offset < base).collect();
    gone.sort_unstable();
    for (offset, kind) in gone {
        disk.remove(&kind.path(dir, offset))?;
    }
    Ok(())
}
