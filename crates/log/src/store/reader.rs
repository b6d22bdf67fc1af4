//! Reading ranges of segments back, on any thread.

mod open;
mod sound;
mod timestamp;
mod walk;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use once_wire::batch::BatchHeader;

pub use self::open::OpenFiles;
use self::open::Opened;
use self::sound::{Sequence, sound_batches};
use self::walk::{Start, Walk};
use super::batches::Batches;
use super::buffers::ReadBuffers;
use super::disk::Disk;
use super::error::ReadFailure;
use super::names::{self, Kind};
use crate::index::{INDEX_ENTRY_BYTES, IndexEntry};
use crate::read::FileRange;

/// How many places are remembered where a read ended, so that the next one need not search.
const PLACES_MAX: usize = 16;

/// Reads the segments of one partition. Cloning is cheap, and clones share open files.
pub struct SegmentReader<D: Disk> {
    disk: Arc<D>,
    dir: Arc<Path>,
    shared: Arc<Mutex<Shared<D>>>,
    /// The partition is being deleted: its names may soon be another's.
    gone: Arc<AtomicBool>,
    buffers: ReadBuffers,
    files: OpenFiles,
}

struct Shared<D: Disk> {
    open: Opened<D::File>,
    /// Segment with its version, offset, and where the batch with that offset begins.
    places: VecDeque<(Files, i64, u64)>,
    /// The versions of the segments that compaction made; of the others it is 0.
    versions: BTreeMap<i64, u64>,
}

/// A segment's base and its version: which files are meant.
type Files = (i64, u64);

/// The version of a segment that another one took in: no read can mean it.
const TAKEN_IN: u64 = u64::MAX;

impl<D: Disk> Clone for SegmentReader<D> {
    fn clone(&self) -> Self {
        SegmentReader {
            disk: Arc::clone(&self.disk),
            dir: Arc::clone(&self.dir),
            shared: Arc::clone(&self.shared),
            gone: Arc::clone(&self.gone),
            buffers: self.buffers.clone(),
            files: self.files.clone(),
        }
    }
}

impl<D: Disk> SegmentReader<D> {
    pub(crate) fn new(disk: Arc<D>, dir: PathBuf) -> Self {
        let shared = Shared {
            open: Opened::default(),
            places: VecDeque::new(),
            versions: BTreeMap::new(),
        };
        SegmentReader {
            disk,
            dir: dir.into(),
            shared: Arc::new(Mutex::new(shared)),
            gone: Arc::default(),
            buffers: ReadBuffers::new(0),
            files: OpenFiles::of_one(),
        }
    }

    /// The same reader, with buffers that it shares with others, and a bound of open files.
    #[must_use]
    pub fn sharing(mut self, buffers: ReadBuffers, files: OpenFiles) -> Self {
        self.buffers = buffers;
        self.files = files;
        self
    }

    /// Called before the partition's directory is renamed: from then on its path may lead to another partition
    /// of the same name.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    /// The segments below this one's base are removed: their open files are let go, so that the disk has their room.
    pub(crate) fn forget_below(&self, base: i64) {
        let mut shared = self.shared();
        shared.open.retain(|segment| segment >= base);
        shared
            .places
            .retain(|((segment, _), _, _)| *segment >= base);
        shared.versions.retain(|segment, _| *segment >= base);
    }

    /// Whether the partition's directory is on its way out.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Called before the files of a segment take the place of those of others, the first of which has its base: who
    /// still means the old ones finds that they have moved.
    pub(crate) fn replace(&self, replaced: &[i64], version: u64) {
        let mut shared = self.shared();
        let versions = std::iter::once(version).chain(std::iter::repeat(TAKEN_IN));
        shared
            .versions
            .extend(replaced.iter().copied().zip(versions));
        shared.open.retain(|base| !replaced.contains(&base));
        shared
            .places
            .retain(|((base, _), _, _)| !replaced.contains(base));
    }

    /// What was found, unless the directory was on its way out: the files may have been another's then. Asked
    /// after the last file was opened.
    fn if_here<T>(&self, segment: i64, found: T) -> Result<T, ReadFailure> {
        if self.is_gone() {
            return Err(ReadFailure::Gone(Kind::Log.path(&self.dir, segment)));
        }
        Ok(found)
    }

    /// The whole batches of a range, each with its checksum verified and its offsets in their place; empty if the
    /// first is larger than what is wanted.
    ///
    /// # Errors
    /// See [`ReadFailure`]; a damaged batch is an error only if it is the first one, else the range ends before it.
    pub fn read(&self, range: &FileRange) -> Result<Bytes, ReadFailure> {
        let bytes = self.read_batches(range)?;
        self.if_here(range.segment, bytes)
    }

    fn read_batches(&self, range: &FileRange) -> Result<Bytes, ReadFailure> {
        let path = Kind::Log.path(&self.dir, range.segment);
        let failed = |e| ReadFailure::io(path.clone(), e);
        let files = (range.segment, range.version);
        let file = self.log(files)?;
        let len = self.disk.len(&file).map_err(failed)?;
        let (position, first) = self.locate(range, &file, len)?;
        let least = if range.at_least_one { first.size() } else { 0 };
        let wanted = u64::try_from(range.max_bytes.max(least))
            .unwrap_or(u64::MAX)
            .min(len - position);
        let wanted = usize::try_from(wanted).expect("bounded by max_bytes and one batch");
        let bytes = self
            .buffers
            .fill(wanted, |into| self.disk.read_at(&file, position, into))
            .map_err(failed)?;
        let corrupt = |reason| ReadFailure::Corrupt {
            path: path.clone(),
            position,
            reason,
        };
        let sequence = Sequence {
            next: first.base_offset(),
            known: true,
            upper: range.upper,
        };
        let sound = sound_batches(bytes.clone(), sequence).map_err(corrupt)?;
        if sound.size > 0 {
            self.remember(files, sound.next, position + sound.size as u64);
        }
        Ok(bytes.slice(..sound.size))
    }

    /// All batches from the one that holds `from` up to the offset `upper`, for folding a topic at start.
    ///
    /// # Errors
    /// If the directory cannot be listed; a partition that was never written has no batches.
    pub fn batches(&self, from: i64, upper: i64) -> Result<Batches<D>, ReadFailure> {
        let segments = match self.disk.list(&self.dir) {
            Ok(entries) => entries
                .iter()
                .filter_map(|e| names::parse(&e.name))
                .collect(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(ReadFailure::io(self.dir.to_path_buf(), e)),
        };
        let bases = segments
            .into_iter()
            .filter(|(_, kind)| *kind == Kind::Log)
            .map(|(base, _)| base);
        Ok(Batches::new(
            Arc::clone(&self.disk),
            self.dir.to_path_buf(),
            bases.collect(),
            from,
            upper,
        ))
    }

    /// Where the batch that holds the range's first offset, or the next one, begins.
    ///
    /// # Errors
    /// See [`ReadFailure`]. That there is none is damage: the range is below what was flushed, and a segment that
    /// was compacted keeps its last batch.
    fn locate(
        &self,
        range: &FileRange,
        file: &D::File,
        len: u64,
    ) -> Result<(u64, BatchHeader), ReadFailure> {
        let mut walk = Walk::new(&*self.disk, file);
        let files = (range.segment, range.version);
        let planned = Start::planned(range);
        if let Some(position) = self.place(files, range.from) {
            let start = Start {
                position,
                next: range.from,
                last: None,
            };
            return self.walk_to(&mut walk, start, range, len);
        }
        if let Some(entry) = self.index_at_or_before(files, range.from)
            && u64::from(entry.position) > range.position
            && walk
                .header(u64::from(entry.position))
                .is_ok_and(|h| h.last_offset() == entry.offset)
        {
            let start = Start {
                position: u64::from(entry.position),
                last: Some(entry.offset),
                ..planned
            };
            return self.walk_to(&mut walk, start, range, len);
        }
        self.walk_to(&mut walk, planned, range, len)
    }

    fn walk_to(
        &self,
        walk: &mut Walk<'_, D>,
        start: Start,
        range: &FileRange,
        len: u64,
    ) -> Result<(u64, BatchHeader), ReadFailure> {
        let mut position = start.position;
        let mut sequence = Sequence {
            next: start.next,
            known: start.last.is_none(),
            upper: range.upper,
        };
        let mut due = start.last;
        let corrupt = |position, reason| ReadFailure::Corrupt {
            path: Kind::Log.path(&self.dir, range.segment),
            position,
            reason,
        };
        while position < len {
            let header = walk
                .header(position)
                .map_err(|failure| failure.at(&self.dir, range.segment, position))?;
            if header.base_offset() >= range.upper {
                break;
            }
            sequence
                .follow(&header)
                .map_err(|reason| corrupt(position, reason))?;
            let last = header.last_offset();
            if let Some(due) = due.take().filter(|due| *due != last) {
                let reason = format!("it ends at offset {last}, and its index entry says {due}");
                return Err(corrupt(position, reason));
            }
            let (size, left) = (header.size() as u64, len - position);
            if size > left {
                let reason = format!("a batch of {size} bytes where {left} are left");
                return Err(corrupt(position, reason));
            }
            if last >= range.from {
                return Ok((position, header));
            }
            position += size;
        }
        let (from, upper) = (range.from, range.upper);
        let reason = format!("no batch with an offset from {from} to {upper} begins here");
        Err(corrupt(position, reason))
    }

    /// The greatest entry of the `.index` file at or below an offset. Any trouble with the file is as good as no
    /// entry: the log itself is walked then.
    fn index_at_or_before(&self, files: Files, offset: i64) -> Option<IndexEntry> {
        self.search(files, Kind::Index, |bytes: &[u8; INDEX_ENTRY_BYTES]| {
            let entry = IndexEntry::decode(files.0, bytes);
            (entry.offset <= offset).then_some(entry)
        })
    }

    /// The last entry of an index file that `keep` accepts, where it accepts a beginning of the file.
    fn search<const N: usize, T>(
        &self,
        files: Files,
        kind: Kind,
        keep: impl Fn(&[u8; N]) -> Option<T>,
    ) -> Option<T> {
        let file = self.open(&self.shared(), files, kind).ok()?;
        let (mut low, mut high) = (0, self.disk.len(&file).ok()? / N as u64);
        let mut best = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let mut bytes = [0; N];
            if self
                .disk
                .read_at(&file, middle * N as u64, &mut bytes)
                .ok()?
                < N
            {
                return None;
            }
            match keep(&bytes) {
                Some(entry) => {
                    best = Some(entry);
                    low = middle + 1;
                }
                None => high = middle,
            }
        }
        best
    }

    fn log(&self, files: Files) -> Result<D::File, ReadFailure> {
        let mut shared = self.shared();
        if let Some(file) = shared.open.get(files.0)
            && shared.version(files.0) == files.1
        {
            return Ok(file.clone());
        }
        let file = self.open(&shared, files, Kind::Log)?;
        shared.open.keep(files.0, file.clone(), &self.files);
        Ok(file)
    }

    /// Opens a file of a segment, if it is still the one that is meant: nobody replaces it while this lock is held.
    fn open(&self, shared: &Shared<D>, files: Files, kind: Kind) -> Result<D::File, ReadFailure> {
        let path = kind.path(&self.dir, files.0);
        if shared.version(files.0) != files.1 {
            return Err(ReadFailure::Moved(path));
        }
        let file = self.disk.open(&path, false);
        file.map_err(|e| ReadFailure::io(path, e))
    }

    fn place(&self, files: Files, offset: i64) -> Option<u64> {
        let shared = self.shared();
        let mut places = shared.places.iter();
        let found = places.find(|place| (place.0, place.1) == (files, offset));
        found.map(|place| place.2)
    }

    fn remember(&self, files: Files, offset: i64, position: u64) {
        let mut shared = self.shared();
        if shared.places.len() == PLACES_MAX {
            shared.places.pop_front();
        }
        shared.places.push_back((files, offset, position));
    }

    fn shared(&self) -> MutexGuard<'_, Shared<D>> {
        self.shared
            .lock()
            .expect("no reader panics while it holds the files and places")
    }
}

impl<D: Disk> Shared<D> {
    fn version(&self, segment: i64) -> u64 {
        self.versions.get(&segment).copied().unwrap_or(0)
    }
}
