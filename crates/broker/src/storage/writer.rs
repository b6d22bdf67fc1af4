//! Carrying out writes in groups: write all, flush once, say how far.

use super::cleaner::{Cleaning, Swapped};
use super::points::Kept;
use crate::config::FlushPolicy;
use crate::engine::LogId;
use bytes::Bytes;
use once_log::store::{Debt, DirError, Disk, Prepared, SetAside, Store};
use once_log::{CompactionPlan, Write};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::io;

/// Whose a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The topic's name.
    pub topic: String,
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition.
    pub partition: i32,
}

/// Something to do to a log's files.
pub enum Work<D: Disk> {
    /// A log's files, to be owned from now on.
    Open(LogId, Owner, Box<Store<D>>),
    /// Write; the log then ends at this offset.
    Write(LogId, Vec<Write>, i64),
    /// Compact a log; what is owed for it and what is to be done are then among [`Writer::cleanings`].
    Compact(LogId, Box<CompactionPlan>),
    /// Put the segments of a compaction into their places.
    Swap(LogId, Box<Prepared>),
    /// Make it durable that a log starts at this offset, after what was written before.
    Start(LogId, i64),
    /// A log's topic is deleted; the name is unique and serves while its files go.
    Remove(LogId, Uuid),
}

impl<D: Disk> Work<D> {
    /// How many bytes of batches it writes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Work::Write(_, writes, _) => writes.iter().filter_map(batch).map(Bytes::len).sum(),
            Work::Open(..)
            | Work::Compact(..)
            | Work::Swap(..)
            | Work::Start(..)
            | Work::Remove(..) => 0,
        }
    }
}

/// The batch that a write is about, if it is about one.
pub(super) fn batch(write: &Write) -> Option<&Bytes> {
    match write {
        Write::Batch(batch) => Some(&batch.bytes),
        Write::LeaderEpochs(_)
        | Write::TimeIndex { .. }
        | Write::Close
        | Write::Snapshot(_)
        | Write::Roll { .. }
        | Write::DropSegments { .. }
        | Write::State(_)
        | Write::DropStates { .. } => None,
    }
}

/// A write or a flush that failed. It cannot be made good: the kernel may have dropped the pages,
/// and memory already runs ahead of the log. Both are lost by ending the process; recovery reads
/// what the disk really has.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A write.
    #[error("cannot write to a partition: {0}")]
    Write(io::Error),
    /// A flush that an acknowledgement waited for.
    #[error("fdatasync failed: {0}")]
    Flush(io::Error),
    /// The name of a deleted partition's directory.
    #[error("cannot set a deleted partition aside: {0}")]
    Remove(io::Error),
    /// A flush of everything.
    #[error("cannot flush a partition: {0}")]
    Checkpoint(io::Error),
    /// An entry of the journal.
    #[error("cannot write and flush the journal: {0}")]
    Journal(io::Error),
    /// How far all logs are on disk.
    #[error("cannot write the recovery points: {0}")]
    Points(DirError),
    /// A compacted segment, or the names of a swap.
    #[error("cannot flush a compacted partition: {0}")]
    Compact(io::Error),
    /// Where all logs start.
    #[error("cannot write where the partitions start: {0}")]
    Starts(DirError),
}

impl StorageError {
    /// Whether the disk, or what we may have of it, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let error = match self {
            Self::Write(error)
            | Self::Flush(error)
            | Self::Remove(error)
            | Self::Checkpoint(error)
            | Self::Journal(error)
            | Self::Compact(error)
            | Self::Points(DirError::Io { error, .. })
            | Self::Starts(DirError::Io { error, .. }) => error,
            Self::Points(_) | Self::Starts(_) => return false,
        };
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// The flushes that logs are owed.
pub type Debts<D> = Vec<(LogId, Debt<D>)>;

/// Settles them; says up to where each log is on disk then.
///
/// # Errors
/// As [`Writer::flush`].
pub fn settle<D: Disk>(debts: Debts<D>) -> Result<BTreeMap<LogId, i64>, StorageError> {
    let settled = debts
        .into_iter()
        .map(|(log, debt)| Ok((log, debt.settle()?)));
    settled
        .collect::<io::Result<_>>()
        .map_err(StorageError::Checkpoint)
}

/// The files of some logs, and the one who writes them.
pub struct Writer<D: Disk> {
    flush: FlushPolicy,
    stores: BTreeMap<LogId, Store<D>>,
    /// Partitions whose files are open, by when they were last written.
    open: BTreeMap<LogId, u64>,
    most_open: usize,
    groups: u64,
    /// What was written and not yet reported.
    written: Vec<(LogId, i64)>,
    /// Where logs are to start.
    starting: BTreeMap<LogId, i64>,
    kept: Kept<D>,
    /// Files of deleted partitions, out of the way.
    removed: Vec<SetAside<D>>,
    /// Compactions that were asked for.
    cleanings: Vec<Cleaning<D>>,
    /// Compactions whose segments are in their places.
    swapped: Vec<Swapped<D>>,
}

impl<D: Disk> Writer<D> {
    /// A writer that keeps so many partitions' files open at most, and writes down where logs start and which are gone.
    #[must_use]
    pub fn new(flush: FlushPolicy, most_open: usize, kept: Kept<D>) -> Self {
        Self {
            flush,
            stores: BTreeMap::new(),
            open: BTreeMap::new(),
            most_open,
            groups: 0,
            written: Vec::new(),
            starting: BTreeMap::new(),
            kept,
            removed: Vec::new(),
            cleanings: Vec::new(),
            swapped: Vec::new(),
        }
    }

    /// Carries out a group, in order for each log. Readers of the files see what was written; it
    /// is not flushed.
    ///
    /// # Errors
    /// The process has to end.
    pub fn write(&mut self, group: Vec<Work<D>>) -> Result<(), StorageError> {
        let mut written: BTreeMap<LogId, (Vec<Write>, i64)> = BTreeMap::new();
        let (mut compact, mut leaving) = (Vec::new(), Vec::new());
        for work in group {
            match work {
                Work::Open(log, _, store) => {
                    self.stores.insert(log, *store);
                }
                Work::Write(log, mut writes, end) => {
                    let of_log = written.entry(log).or_default();
                    of_log.0.append(&mut writes);
                    of_log.1 = end;
                }
                Work::Compact(log, plan) => compact.push((log, plan)),
                Work::Swap(log, prepared) => self.swap(log, &prepared)?,
                Work::Start(log, start) => {
                    let known = self.starting.entry(log).or_default();
                    *known = start.max(*known);
                }
                Work::Remove(log, unique) => {
                    written.remove(&log);
                    self.starting.remove(&log);
                    leaving.extend(self.stores.remove(&log).map(|store| (store, unique)));
                }
            }
        }
        self.set_aside(leaving)?;
        for (log, (writes, end)) in written {
            let Some(store) = self.stores.get_mut(&log) else {
                continue;
            };
            store.write_all(&writes).map_err(StorageError::Write)?;
            self.groups += 1;
            self.open.insert(log, self.groups);
            self.written.push((log, end));
            self.close_quiet();
        }
        // After the writes that came before, which are in the segments.
        for (log, plan) in compact {
            let Some(store) = self.stores.get_mut(&log) else {
                continue;
            };
            if self.flush == FlushPolicy::Disk {
                // Who waits for these bytes does not wait for the debt. (Behind a journal nobody does.)
                store.sync().map_err(StorageError::Flush)?;
            }
            self.cleanings.push(Cleaning {
                log,
                debt: store.debt(),
                compaction: store.compaction(*plan),
            });
        }
        Ok(())
    }

    /// Of a log that was deleted meanwhile nothing is swapped: its files are gone.
    fn swap(&mut self, log: LogId, prepared: &Prepared) -> Result<(), StorageError> {
        let Some(store) = self.stores.get_mut(&log) else {
            return Ok(());
        };
        store.swap(prepared).map_err(StorageError::Write)?;
        let compacted = prepared.compacted().clone();
        self.swapped.push(Swapped::new(log, store, compacted));
        Ok(())
    }

    /// Compactions that were asked for, each with what its files are owed.
    pub fn cleanings(&mut self) -> Vec<Cleaning<D>> {
        std::mem::take(&mut self.cleanings)
    }

    /// Compactions whose segments are in their places: the engine is to be told, and they are to be
    /// finished.
    pub fn swapped(&mut self) -> Vec<Swapped<D>> {
        std::mem::take(&mut self.swapped)
    }

    /// What was written and not yet flushed, and where each log ends with it.
    #[must_use]
    pub fn written(&self) -> &[(LogId, i64)] {
        &self.written
    }

    /// Flushes what was written, as the policy defines it, and says how far each log is durable.
    ///
    /// # Errors
    /// Nothing is known of the bytes then: the process has to end.
    pub fn flush(&mut self) -> Result<Vec<(LogId, i64)>, StorageError> {
        if self.flush == FlushPolicy::Disk {
            for (log, _) in &self.written {
                if let Some(store) = self.stores.get_mut(log) {
                    store.sync().map_err(StorageError::Flush)?;
                }
            }
        }
        Ok(std::mem::take(&mut self.written))
    }

    /// Puts the directories of deleted partitions out of the way: of the topics of the same names that are written next,
    /// and that must not be held to what checkpoints said of these.
    fn set_aside(&mut self, leaving: Vec<(Store<D>, Uuid)>) -> Result<(), StorageError> {
        if leaving.is_empty() {
            return Ok(());
        }
        self.kept.save_forgotten().map_err(StorageError::Points)?;
        let mut aside = Vec::with_capacity(leaving.len());
        for (store, unique) in leaving {
            aside.extend(store.set_aside(unique).map_err(StorageError::Remove)?);
        }
        if let Some(one_of_them) = aside.last() {
            one_of_them.make_durable().map_err(StorageError::Remove)?;
        }
        self.removed.append(&mut aside);
        Ok(())
    }

    /// What is left of deleted partitions, to be cleared by anybody.
    pub fn removed(&mut self) -> Vec<SetAside<D>> {
        std::mem::take(&mut self.removed)
    }

    /// Makes durable where logs start, of all that asked in one; says which start where now. To be
    /// called when what was written before is flushed.
    ///
    /// # Errors
    /// The process has to end.
    pub fn save_starts(&mut self) -> Result<Vec<(LogId, i64)>, StorageError> {
        if self.starting.is_empty() {
            return Ok(Vec::new());
        }
        let starting = std::mem::take(&mut self.starting);
        self.kept
            .starts
            .advance(&starting)
            .map_err(StorageError::Starts)?;
        Ok(starting.into_iter().collect())
    }

    /// Brings everything to disk; says up to where each log is there.
    ///
    /// # Errors
    /// As [`Writer::flush`].
    pub fn checkpoint(&mut self) -> Result<BTreeMap<LogId, i64>, StorageError> {
        let mut ends = BTreeMap::new();
        for (log, store) in &mut self.stores {
            let end = store.checkpoint().map_err(StorageError::Checkpoint)?;
            ends.insert(*log, end);
        }
        Ok(ends)
    }

    /// Hands over all flushes that the files are owed, to be settled while writing goes on.
    pub fn debts(&mut self) -> Debts<D> {
        let owing = self.stores.iter_mut();
        owing.map(|(log, store)| (*log, store.debt())).collect()
    }

    /// Closes the files of the partition that was written longest ago, if too many are open. What
    /// is not flushed stays on its list and is flushed by name.
    fn close_quiet(&mut self) {
        while self.open.len() > self.most_open {
            let quiet = self.open.iter().min_by_key(|(_, written)| **written);
            let Some(log) = quiet.map(|(log, _)| *log) else {
                return;
            };
            self.open.remove(&log);
            if let Some(store) = self.stores.get_mut(&log) {
                store.release();
            }
        }
    }
}
