//! What is written and not yet flushed, handed to someone who flushes it while writing goes on.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::Disk;

/// The flushes that one partition's files are owed up to some offset. Made by [`Store::debt`](super::Store::debt).
#[must_use = "what is not settled is not on disk"]
pub struct Debt<D: Disk> {
    pub(super) disk: Arc<D>,
    /// Files that are open.
    pub(super) files: Vec<D::File>,
    /// Files that are not.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Directories whose names changed, inner ones first.
    pub(super) dirs: Vec<PathBuf>,
    pub(super) end: i64,
}

impl<D: Disk> Debt<D> {
    /// Flushes all of it, and returns the recovery point that it makes: a start after a crash need not look at what
    /// lies below.
    ///
    /// # Errors
    /// The disk's. Nothing is known of the bytes then, and the process has to end.
    pub fn settle(self) -> io::Result<i64> {
        for file in &self.files {
            self.disk.sync(file)?;
        }
        for path in &self.paths {
            sync_path(&*self.disk, path)?;
        }
        for dir in &self.dirs {
            match self.disk.sync_dir(dir) {
                // The partition was deleted meanwhile.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                synced => synced?,
            }
        }
        Ok(self.end)
    }
}

/// Flushes a file by its name. One that is gone needs no flush.
pub(super) fn sync_path<D: Disk>(disk: &D, path: &std::path::Path) -> io::Result<()> {
    match disk.open(path, false) {
        Ok(file) => disk.sync(&file),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}
