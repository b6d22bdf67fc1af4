//! The one door to files.

use std::io::{self, IoSlice};
use std::path::Path;

#[cfg(test)]
mod contract;
mod fake;
mod real;

pub use fake::{Crash, FakeDisk, FakeFile};
pub use real::RealDisk;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Its name, without the directory.
    pub name: String,
    /// A directory, not a file.
    pub is_dir: bool,
    /// Bytes of a file; 0 for a directory.
    pub len: u64,
}

/// Files and directories, and what survives what.
///
/// ```text
///   write_at, truncate ──► what read_at and len see ──sync(file)──► survives power loss
///   open(create), rename, remove, create_dir ──► what open and list see ──sync_dir(dir)──► survives power loss
/// ```
///
/// The rules every implementation keeps (the suite in `disk/contract.rs` runs against each):
/// - What was done is seen at once by everyone, and survives the end of the process.
/// - What was not synced may be lost with the power: each unsynced write apart, in any order, wholly or in part.
///   What became of a name is lost likewise until its directory is synced; the names in one directory change in
///   the order in which they were changed.
/// - A failed `sync` promises nothing, and neither does a later one for the same bytes: they have to be written
///   again. Who sees it fail must not go on.
/// - A handle keeps its file readable after the file was removed or replaced.
pub trait Disk: Send + Sync + 'static {
    /// An open file; cloning it is cheap, and the last one to go closes it.
    type File: Clone + Send + Sync + 'static;

    /// Opens a file for reading and writing; with `create` an absent one comes into being, empty.
    ///
    /// # Errors
    /// `NotFound` without `create`, or if the directory does not exist.
    fn open(&self, path: &Path, create: bool) -> io::Result<Self::File>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// Whatever the system says.
    fn len(&self, file: &Self::File) -> io::Result<u64>;

    /// Fills `into` from position `at`; less comes only at the end of the file.
    ///
    /// # Errors
    /// Whatever the system says.
    fn read_at(&self, file: &Self::File, at: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `parts`, one after the other, from position `at` on. A gap before `at` reads as zeros.
    ///
    /// # Errors
    /// A full disk among others; part of the bytes may then have been written.
    fn write_at(&self, file: &Self::File, at: u64, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// Cuts or zero-extends the file to `len` bytes.
    ///
    /// # Errors
    /// Whatever the system says.
    fn truncate(&self, file: &Self::File, len: u64) -> io::Result<()>;

    /// Returns when the file's bytes and length would survive power loss. Its name is another matter.
    ///
    /// # Errors
    /// Nothing is known of the bytes then; see the rules above.
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Gives a file or directory another name in the same directory, in place of what had it: a file may replace
    /// a file. Atomic.
    ///
    /// # Errors
    /// `NotFound` if there is nothing at `from`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file or an empty directory.
    ///
    /// # Errors
    /// `NotFound` if there is nothing, `DirectoryNotEmpty` if there is too much.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory and those above it, as far as they are missing.
    ///
    /// # Errors
    /// If a file stands in the way.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// What a directory holds, by name, ascending.
    ///
    /// # Errors
    /// `NotFound` if there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;

    /// Returns when the directory's names would survive power loss.
    ///
    /// # Errors
    /// As [`Disk::sync`].
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Opens a file, creating it if need be, and locks it against every other process and every other call of
    /// this, until the file is closed or the process ends.
    ///
    /// # Errors
    /// `WouldBlock` if another holds it.
    fn lock(&self, path: &Path) -> io::Result<Self::File>;
}

/// Reads a whole file.
///
/// # Errors
/// As [`Disk::open`] and [`Disk::read_at`].
pub(crate) fn read_file<D: Disk>(disk: &D, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path, false)?;
    let len = usize::try_from(disk.len(&file)?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    let read = disk.read_at(&file, 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Writes a whole file in place of what it held; neither synced nor atomic.
///
/// # Errors
/// As [`Disk::open`], [`Disk::truncate`] and [`Disk::write_at`].
pub(crate) fn write_file<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open(path, true)?;
    disk.truncate(&file, 0)?;
    disk.write_at(&file, 0, &[IoSlice::new(bytes)])
}

/// Replaces a whole file so that after a power loss it holds either the old bytes or the new: beside it, synced,
/// renamed over it, the directory synced. Kafka's way with its checkpoints.
///
/// # Errors
/// As the steps'; the old bytes may then still be there.
pub(crate) fn replace_file<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<()> {
    place_file(disk, path, bytes)?;
    match path.parent() {
        Some(dir) => disk.sync_dir(dir),
        None => Ok(()),
    }
}

/// The same, but the directory is left to the caller: until that is synced, power loss may bring the old bytes back.
///
/// # Errors
/// As [`replace_file`].
pub(crate) fn place_file<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = Path::new(&beside);
    let file = disk.open(beside, true)?;
    disk.truncate(&file, 0)?;
    disk.write_at(&file, 0, &[IoSlice::new(bytes)])?;
    disk.sync(&file)?;
    disk.rename(beside, path)
}

/// A file's bytes, if it is there.
pub(crate) fn read_if_there<D: Disk>(disk: &D, path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_file(disk, path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Bytes written again at once.
const REWRITE_BYTES: u64 = 1 << 20;

/// Writes the same bytes again. They may be page cache that a failed sync has marked as clean: only a new write
/// makes a later sync mean anything.
pub(crate) fn rewrite<D: Disk>(disk: &D, file: &D::File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    let mut bytes = Vec::new();
    while at < to {
        let wanted = usize::try_from((to - at).min(REWRITE_BYTES)).map_err(io::Error::other)?;
        bytes.resize(wanted, 0);
        if disk.read_at(file, at, &mut bytes)? < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        disk.write_at(file, at, &[IoSlice::new(&bytes)])?;
        at += wanted as u64;
    }
    Ok(())
}
