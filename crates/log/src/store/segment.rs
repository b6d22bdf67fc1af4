//! The open files of the segment that grows.

use std::io::{self, IoSlice};
use std::path::Path;

use super::disk::Disk;
use super::names::Kind;
use crate::write::BatchWrite;

/// The last segment's files. The log file is open; the index files come into being with their first entry.
pub(crate) struct SegmentFiles<D: Disk> {
    base: i64,
    log: D::File,
    log_len: u64,
    log_unsynced: bool,
    index: IndexFile<D>,
    time_index: IndexFile<D>,
    txn_index: IndexFile<D>,
    /// The log file was created, so an acknowledgement waits for the directory.
    pub(crate) created: bool,
    /// An index file was created; only a checkpoint waits for its name.
    pub(crate) index_created: bool,
}

/// One index file, opened at its first entry, and entries that wait to be written together.
struct IndexFile<D: Disk> {
    kind: Kind,
    open: Option<(D::File, u64)>,
    due: Vec<u8>,
    unsynced: bool,
}

impl<D: Disk> SegmentFiles<D> {
    /// A new, empty segment.
    pub(crate) fn create(disk: &D, dir: &Path, base: i64) -> io::Result<Self> {
        let log = disk.open(&Kind::Log.path(dir, base), true)?;
        // A segment of this name may have been left by a life that a crash cut short.
        if disk.len(&log)? != 0 {
            disk.truncate(&log, 0)?;
        }
        Ok(Self::with(base, log, 0, true))
    }

    /// The segment that recovery found last, to go on with.
    pub(crate) fn reopen(disk: &D, dir: &Path, base: i64, log_len: u64) -> io::Result<Self> {
        let log = disk.open(&Kind::Log.path(dir, base), false)?;
        let found = disk.len(&log)?;
        if found != log_len {
            return Err(io::Error::other(format!(
                "segment {base} has {found} bytes, not {log_len}"
            )));
        }
        Ok(Self::with(base, log, log_len, false))
    }

    fn with(base: i64, log: D::File, log_len: u64, created: bool) -> Self {
        SegmentFiles {
            base,
            log,
            log_len,
            log_unsynced: created,
            index: IndexFile::new(Kind::Index),
            time_index: IndexFile::new(Kind::TimeIndex),
            txn_index: IndexFile::new(Kind::TxnIndex),
            created,
            index_created: false,
        }
    }

    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    pub(crate) fn log_len(&self) -> u64 {
        self.log_len
    }

    /// Appends consecutive batches with one write; their index entries wait for [`SegmentFiles::write_indexes`].
    pub(crate) fn append<'a>(
        &mut self,
        disk: &D,
        batches: impl Iterator<Item = &'a BatchWrite> + Clone,
    ) -> io::Result<()> {
        let start = self.log_len;
        for batch in batches.clone() {
            // The pure state and the file agree on every length, or nothing may be written.
            if (batch.segment, batch.position) != (self.base, self.log_len) {
                return Err(io::Error::other(format!(
                    "a batch for position {} of segment {} came to position {} of segment {}",
                    batch.position, batch.segment, self.log_len, self.base
                )));
            }
            self.log_len += batch.bytes.len() as u64;
            self.index
                .due
                .extend(batch.index.iter().flat_map(|entry| entry.encode(self.base)));
            self.time_index.due.extend(
                batch
                    .time_index
                    .iter()
                    .flat_map(|entry| entry.encode(self.base)),
            );
            self.txn_index
                .due
                .extend(batch.aborted.iter().flat_map(|entry| entry.encode()));
        }
        self.log_unsynced = true;
        let parts = batches.map(|batch| IoSlice::new(&batch.bytes));
        let mut two = parts.clone();
        match (two.next(), two.next()) {
            (Some(one), None) => disk.write_at(&self.log, start, &[one]),
            _ => disk.write_at(&self.log, start, &parts.collect::<Vec<_>>()),
        }
    }

    /// An entry for the time index that belongs to no batch: the last one of a segment.
    pub(crate) fn push_time_entry(&mut self, entry: &crate::TimeIndexEntry) {
        self.time_index.due.extend(entry.encode(self.base));
    }

    /// Writes the entries that fell due. After the batches: an entry never points at what is not there.
    pub(crate) fn write_indexes(&mut self, disk: &D, dir: &Path) -> io::Result<()> {
        // Kafka's tools want both or neither of these two.
        if !self.time_index.due.is_empty() {
            self.index_created |= self.index.open(disk, dir, self.base)?;
        }
        for file in [&mut self.index, &mut self.time_index, &mut self.txn_index] {
            if !file.due.is_empty() {
                self.index_created |= file.open(disk, dir, self.base)?;
                file.write(disk)?;
            }
        }
        Ok(())
    }

    /// Makes the batches durable.
    pub(crate) fn sync_log(&mut self, disk: &D) -> io::Result<()> {
        if self.log_unsynced {
            disk.sync(&self.log)?;
            self.log_unsynced = false;
        }
        Ok(())
    }

    /// Makes the index entries durable.
    pub(crate) fn sync_indexes(&mut self, disk: &D) -> io::Result<()> {
        for file in [&mut self.index, &mut self.time_index, &mut self.txn_index] {
            if let (true, Some((open, _))) = (file.unsynced, &file.open) {
                disk.sync(open)?;
                file.unsynced = false;
            }
        }
        Ok(())
    }

    /// The open files that are not yet durable, to be flushed by someone else.
    pub(crate) fn take_unsynced(&mut self) -> Vec<D::File> {
        let mut files = Vec::new();
        if std::mem::take(&mut self.log_unsynced) {
            files.push(self.log.clone());
        }
        for file in [&mut self.index, &mut self.time_index, &mut self.txn_index] {
            if let (true, Some((open, _))) = (file.unsynced, &file.open) {
                files.push(open.clone());
                file.unsynced = false;
            }
        }
        files
    }

    /// The kinds of this segment's files that are not yet durable.
    pub(crate) fn unsynced(&self) -> (bool, impl Iterator<Item = Kind>) {
        let indexes = [&self.index, &self.time_index, &self.txn_index];
        let kinds: Vec<_> = indexes
            .into_iter()
            .filter(|file| file.unsynced)
            .map(|file| file.kind)
            .collect();
        (self.log_unsynced, kinds.into_iter())
    }
}

impl<D: Disk> IndexFile<D> {
    fn new(kind: Kind) -> Self {
        IndexFile {
            kind,
            open: None,
            due: Vec::new(),
            unsynced: false,
        }
    }

    /// Opens the file if it is not yet open; true if it is new, or as good as new.
    fn open(&mut self, disk: &D, dir: &Path, base: i64) -> io::Result<bool> {
        if self.open.is_some() {
            return Ok(false);
        }
        let file = disk.open(&self.kind.path(dir, base), true)?;
        let len = disk.len(&file)?;
        self.open = Some((file, len));
        self.unsynced = true;
        Ok(len == 0)
    }

    fn write(&mut self, disk: &D) -> io::Result<()> {
        let (file, len) = self.open.as_mut().expect("opened just before");
        disk.write_at(file, *len, &[IoSlice::new(&self.due)])?;
        *len += self.due.len() as u64;
        self.due.clear();
        self.unsynced = true;
        Ok(())
    }
}
