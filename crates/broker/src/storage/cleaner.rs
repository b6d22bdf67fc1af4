//! Compaction of logs, in the steps between which others work: what is owed is flushed, new segments
//! are written, the owner of the files swaps them in, the old ones go.
//!
//! ```text
//!   writer ─ Cleaning ─► begin ─► Begun ─ run ─► Work::Swap ─► writer ─ Swapped ─► finish
//!                        flushed, recovery point                │
//!                                                               └─► Input::Compacted
//! ```
//!
//! Only what is below the recovery point is compacted, and so each compaction moves that first: above it a
//! start cuts a log where a batch is missing.

use super::points::Points;
use super::writer::{StorageError, Work};
use crate::engine::{LogId, NotCompacted};
use once_log::Compacted;
use once_log::store::{CompactFailure, Compaction, Debt, Disk, Prepared, Store};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A compaction that was asked for, and the flushes that its files are owed.
pub struct Cleaning<D: Disk> {
    pub(super) log: LogId,
    pub(super) debt: Debt<D>,
    pub(super) compaction: Compaction<D>,
}

/// A compaction all of whose segments are on disk.
pub struct Begun<D: Disk> {
    log: LogId,
    compaction: Compaction<D>,
}

/// What is left to do after a swap.
pub struct Swapped<D: Disk> {
    log: LogId,
    disk: Arc<D>,
    dir: PathBuf,
    compacted: Compacted,
}

impl<D: Disk> Cleaning<D> {
    /// Flushes what is owed, and writes the recovery point. After all debts that the same writer has
    /// handed over before.
    ///
    /// # Errors
    /// The process has to end.
    pub fn begin(self, points: &Points<D>) -> Result<Begun<D>, StorageError> {
        let end = self.debt.settle().map_err(StorageError::Checkpoint)?;
        let ends = BTreeMap::from([(self.log, end)]);
        points.advance(&ends).map_err(StorageError::Points)?;
        Ok(Begun {
            log: self.log,
            compaction: self.compaction,
        })
    }
}

impl<D: Disk> Begun<D> {
    /// The log.
    #[must_use]
    pub fn log(&self) -> LogId {
        self.log
    }

    /// Writes the new segments, and returns the swap that is now the writer's to do; or why there is
    /// none, which the engine is to be told. `stop` is asked between batches whether to give up.
    ///
    /// # Errors
    /// The process has to end.
    pub fn run(
        self,
        stop: &dyn Fn() -> bool,
    ) -> Result<Result<Work<D>, NotCompacted>, StorageError> {
        let failure = match self.compaction.run(stop) {
            Ok(prepared) => return Ok(Ok(Work::Swap(self.log, Box::new(prepared)))),
            Err(failure) => failure,
        };
        let text = failure.to_string();
        match failure {
            CompactFailure::Flush(error) => Err(StorageError::Compact(error)),
            CompactFailure::Read(why) => {
                let again = why.is_passing();
                Ok(Err(NotCompacted { text, again }))
            }
            CompactFailure::TooLarge(_) => Ok(Err(NotCompacted { text, again: false })),
            CompactFailure::Write(_) | CompactFailure::Stopped => {
                Ok(Err(NotCompacted { text, again: true }))
            }
        }
    }
}

impl<D: Disk> Swapped<D> {
    pub(super) fn new(log: LogId, store: &Store<D>, compacted: Compacted) -> Self {
        Self {
            log,
            disk: store.disk(),
            dir: store.dir().to_path_buf(),
            compacted,
        }
    }

    /// The log, and what the engine is to be told.
    #[must_use]
    pub fn outcome(&self) -> (LogId, Compacted) {
        (self.log, self.compacted.clone())
    }

    /// Makes the swap durable, writes down how far the log is clean, and removes the old files.
    ///
    /// # Errors
    /// The process has to end.
    pub fn finish(self, cleaned: &Points<D>) -> Result<(), StorageError> {
        Prepared::settle(&*self.disk, &self.dir).map_err(StorageError::Compact)?;
        let ends = BTreeMap::from([(self.log, self.compacted.cleaned_to)]);
        cleaned.advance(&ends).map_err(StorageError::Points)
    }
}
