//! The journal: one file in front of all partitions, so that a commit costs one flush.
//!
//! With `--flush disk` what is acknowledged must survive power loss. A transaction touches several partitions, and
//! a flush for each would be its price; so everything goes into one recycled, preallocated file first, with one
//! flush for all that came meanwhile, and only then to the partitions' own files, which are flushed in the
//! background. Recovery takes from the journal what those files lack.
//!
//! ```text
//!  steps of the engine ─► entry ─ write, fdatasync ─► acknowledged ─► partition files ─ checkpoint ─► file is free
//! ```
//!
//! An entry is whole or it never was: all that one step of the engine wrote stands or falls together. One write is
//! in flight, so a bad entry with a good one after it is damage, and a bad one at the end is a crash's torn write.

mod error;
mod format;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use once_wire::Uuid;

pub use error::JournalError;
pub use format::JournalAppend;
pub use scan::{JournalBatch, JournalScan};

use self::format::{EntryHead, FileHead, SECTOR};
use super::disk::Disk;
use crate::mutant::{Broken, Mutant};

/// Begins the name of every journal file; a number follows. Kafka looks only at directories here.
const NAME: &str = "once-journal-";
/// Zeros are written so many at once.
const ZEROS: usize = 1 << 20;

/// How long journal files are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSizes {
    /// Bytes of the first file: small, so that a broker starts at once.
    pub first: u64,
    /// Bytes of those that follow. An entry that is larger gets a file of its own size.
    pub next: u64,
}

impl Default for JournalSizes {
    fn default() -> Self {
        JournalSizes {
            first: 1 << 20,
            next: 16 << 20,
        }
    }
}

/// A journal that is being written.
pub struct Journal<D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
    current: Live<D>,
    /// Full files whose entries may still be needed, oldest first.
    full: VecDeque<Full>,
    /// Files that are no longer needed, which no flushed entry says yet.
    freed: Vec<Spare>,
    /// Files to be used again.
    spare: VecDeque<Spare>,
    /// The number of the next entry.
    next: u64,
    /// Names the next file.
    names: u64,
    sizes: JournalSizes,
    broken: Broken,
}

/// The file that is written now.
struct Live<D: Disk> {
    file: D::File,
    head: FileHead,
    at: u64,
    spare: Spare,
}

struct Full {
    generation: u64,
    /// The number after its last entry.
    end: u64,
    bytes: u64,
    spare: Spare,
}

/// A preallocated file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spare {
    path: PathBuf,
    len: u64,
}

impl<D: Disk> Journal<D> {
    /// Begins a journal in `dir`, whose files were recovered and flushed: nothing of what `found` holds is needed
    /// any more.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin(
        disk: Arc<D>,
        dir: &Path,
        journal: Uuid,
        found: &JournalScan<D>,
        sizes: JournalSizes,
    ) -> io::Result<Self> {
        // What the last life needed stays as it is until the new head says that it is not needed.
        let mut spare: VecDeque<Spare> = found.spares().into();
        let mut names = found.names();
        let head = FileHead {
            journal,
            generation: found.next_generation(),
            oldest: found.next_generation(),
            first: found.next_entry(),
        };
        let taken = take(&*disk, dir, &mut spare, &mut names, sizes.first)?;
        let current = Live::begin(&*disk, taken, head)?;
        spare.extend(found.needed());
        Ok(Journal {
            current,
            disk,
            dir: dir.to_path_buf(),
            full: VecDeque::new(),
            freed: Vec::new(),
            spare,
            next: head.first,
            names,
            sizes,
            broken: found.broken(),
        })
    }

    /// Writes one entry. When it returns, power loss does not take it: all of it is recovered, or the process
    /// never saw this return.
    ///
    /// # Errors
    /// The disk's. Nothing is known of the entry then, and the process has to end.
    pub fn append(&mut self, appends: &[JournalAppend<'_>]) -> io::Result<()> {
        if self.broken.breaks(Mutant::SplitEntry) {
            let first = appends.first().map(JournalAppend::owner);
            let (those, others): (Vec<_>, Vec<_>) = appends
                .iter()
                .copied()
                .partition(|append| Some(append.owner()) == first);
            if !others.is_empty() {
                self.entry_of(&those)?;
                return self.entry_of(&others);
            }
        }
        self.entry_of(appends)
    }

    fn entry_of(&mut self, appends: &[JournalAppend<'_>]) -> io::Result<()> {
        let mut pieces = self.entry(appends);
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        if self.current.at + size > self.current.spare.len {
            self.advance(size)?;
            pieces = self.entry(appends);
        }
        let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let (file, at) = (&self.current.file, self.current.at);
        self.disk.write_at(file, at, &slices)?;
        self.disk.sync(file)?;
        self.current.at += size;
        self.next += 1;
        self.spare.extend(self.freed.drain(..));
        Ok(())
    }

    fn entry(&self, appends: &[JournalAppend<'_>]) -> Vec<Bytes> {
        let head = EntryHead {
            number: self.next,
            oldest: self.oldest(),
        };
        format::entry(&self.current.head, &head, appends)
    }

    /// The oldest generation whose entries are needed.
    fn oldest(&self) -> u64 {
        let full = self.full.front().map(|full| full.generation);
        full.unwrap_or(self.current.head.generation)
    }

    /// The file that is written now.
    #[must_use]
    pub fn current(&self) -> &Path {
        &self.current.spare.path
    }

    /// The number that the next entry gets.
    #[must_use]
    pub fn next_entry(&self) -> u64 {
        self.next
    }

    /// Bytes that a recovery would have to look through.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.current.at + self.full.iter().map(|full| full.bytes).sum::<u64>()
    }

    /// The partitions' files hold everything below entry `below`, flushed: files of such entries are used again.
    pub fn free(&mut self, below: u64) {
        while let Some(full) = self.full.pop_front_if(|full| full.end <= below) {
            self.freed.push(full.spare);
        }
    }

    /// Goes on in another file, which has room for an entry of `size` bytes.
    fn advance(&mut self, size: u64) -> io::Result<()> {
        let least = self.sizes.next.max(size + SECTOR as u64);
        let taken = take(
            &*self.disk,
            &self.dir,
            &mut self.spare,
            &mut self.names,
            least,
        )?;
        let before = self.current.head;
        let head = FileHead {
            generation: before.generation + 1,
            oldest: self.oldest(),
            first: self.next,
            ..before
        };
        let before = std::mem::replace(&mut self.current, Live::begin(&*self.disk, taken, head)?);
        self.full.push_back(Full {
            generation: before.head.generation,
            end: self.next,
            bytes: before.at,
            spare: before.spare,
        });
        if self.broken.breaks(Mutant::FreeTooEarly) {
            self.free(self.next);
        }
        self.spare.extend(self.freed.drain(..));
        Ok(())
    }
}

impl<D: Disk> Live<D> {
    /// Makes the file the journal's newest. Its head is flushed before its first entry is written, and after the
    /// last entry of the file before it was.
    fn begin(disk: &D, spare: Spare, head: FileHead) -> io::Result<Self> {
        let file = disk.open(&spare.path, false)?;
        disk.write_at(&file, 0, &[IoSlice::new(&head.encode())])?;
        disk.sync(&file)?;
        Ok(Live {
            file,
            head,
            at: SECTOR as u64,
            spare,
        })
    }
}

/// The oldest file that may be used again and is long enough, or a new one. Files that are too short go.
fn take<D: Disk>(
    disk: &D,
    dir: &Path,
    spare: &mut VecDeque<Spare>,
    names: &mut u64,
    least: u64,
) -> io::Result<Spare> {
    while let Some(oldest) = spare.pop_front() {
        if oldest.len >= least {
            return Ok(oldest);
        }
        disk.remove(&oldest.path)?;
    }
    let path = dir.join(format!("{NAME}{names}"));
    *names += 1;
    create(disk, dir, &path, least)?;
    Ok(Spare { path, len: least })
}

/// A file of zeros that are written, not only allocated, so that a flush of an entry has nothing else to write.
fn create<D: Disk>(disk: &D, dir: &Path, path: &Path, len: u64) -> io::Result<()> {
    let file = disk.open(path, true)?;
    disk.truncate(&file, 0)?;
    let zeros = Bytes::from(vec![0; ZEROS]);
    let mut at = 0;
    while at < len {
        let count = usize::try_from(len - at).unwrap_or(ZEROS).min(ZEROS);
        disk.write_at(&file, at, &[IoSlice::new(&zeros[..count])])?;
        at += count as u64;
    }
    disk.sync(&file)?;
    disk.sync_dir(dir)
}
