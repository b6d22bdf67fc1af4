//! New segments take the place of old ones.

use std::io;
use std::path::Path;

use super::Store;
use crate::compact::CompactionPlan;
use crate::store::compact::{Compaction, Prepared};
use crate::store::disk::Disk;
use crate::store::names::{self, CLEANED, DELETED, Kind, SEGMENT_KINDS, SWAP};

impl<D: Disk> Store<D> {
    /// A compaction of these files, to be run on any thread. All that the plan names must have been written, and
    /// flushed with what is owed for it, before it is run: what is compacted lies below the recovery point.
    pub fn compaction(&self, plan: CompactionPlan) -> Compaction<D> {
        Compaction {
            disk: std::sync::Arc::clone(&self.disk),
            dir: self.dir.clone(),
            reader: self.reader.clone(),
            plan,
        }
    }

    /// Puts the new segments into the place of the old ones. Nothing is flushed: see [`Prepared::settle`].
    ///
    /// # Errors
    /// The disk's; see [`Store`] for what that means.
    pub fn swap(&mut self, prepared: &Prepared) -> io::Result<()> {
        for (cleaned, kinds) in prepared.segments() {
            let base = cleaned.segment.base;
            for kind in kinds {
                let path = kind.path(&self.dir, base);
                self.rename(
                    &names::with_suffix(&path, CLEANED),
                    &names::with_suffix(&path, SWAP),
                )?;
            }
            self.reader
                .replace(&cleaned.replaces, cleaned.segment.version);
            self.put_away(&cleaned.replaces)?;
            for kind in kinds {
                let path = kind.path(&self.dir, base);
                self.rename(&names::with_suffix(&path, SWAP), &path)?;
            }
            self.dir_changed_lazy = true;
        }
        Ok(())
    }

    /// Takes the names of old segments away; the log of the first one goes last: while it is there a start knows
    /// that not all of them are gone.
    fn put_away(&self, replaced: &[i64]) -> io::Result<()> {
        for (n, base) in replaced.iter().enumerate().rev() {
            let snapshots = [Kind::Snapshot, Kind::Window];
            // The first one's snapshot is that of the new segment.
            let snapshots = snapshots.iter().filter(|_| n > 0);
            let (log, indexes) = (Kind::Log, &SEGMENT_KINDS[1..]);
            for kind in indexes.iter().chain(snapshots).chain([&log]) {
                let path = kind.path(&self.dir, *base);
                match self.rename(&path, &names::with_suffix(&path, DELETED)) {
                    // Not every segment has every index, and not every one had a snapshot.
                    Err(e) if e.kind() == io::ErrorKind::NotFound && *kind != log => {}
                    renamed => renamed?,
                }
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
}
