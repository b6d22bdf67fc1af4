//! The journal as the broker uses it: one entry for each group of steps.
//!
//! What one step of the engine wrote is in one entry, so it is recovered wholly or not at all.

use super::writer::{Owner, StorageError, Work, batch};
use crate::engine::LogId;
use once_log::store::{Disk, Journal, JournalAppend};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of journal after which the partitions' files are flushed, so that it can be used again.
const CHECKPOINT_BYTES: u64 = 64 << 20;
/// Bytes of journal at which everything waits for that: what a recovery looks through is bounded.
const MOST_BYTES: u64 = 256 << 20;

/// A journal and the names of the logs in it.
pub struct Journaling<D: Disk> {
    journal: Journal<D>,
    owners: BTreeMap<LogId, Owner>,
    /// A checkpoint is under way for what lies below this entry.
    asked: Option<u64>,
    limits: JournalLimits,
}

/// When the partitions' files are flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Bytes of journal after which a checkpoint is asked for.
    pub checkpoint: u64,
    /// Bytes of journal at which everything waits for it.
    pub most: u64,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self {
            checkpoint: CHECKPOINT_BYTES,
            most: MOST_BYTES,
        }
    }
}

impl<D: Disk> Journaling<D> {
    /// Writes to a journal that recovery began.
    #[must_use]
    pub fn new(journal: Journal<D>, limits: JournalLimits) -> Self {
        Self {
            journal,
            owners: BTreeMap::new(),
            asked: None,
            limits,
        }
    }

    /// Writes the batches of a group of whole steps as one entry, flushed. Afterwards the same work
    /// goes to the partitions' files.
    ///
    /// # Errors
    /// The process has to end.
    pub fn commit(&mut self, group: &[Work<D>]) -> Result<(), StorageError> {
        self.follow(group);
        let appends: Vec<_> = group
            .iter()
            .flat_map(|work| appends(&self.owners, work))
            .collect();
        if !appends.is_empty() {
            let appended = self.journal.append(&appends);
            appended.map_err(StorageError::Journal)?;
        }
        let gone = group.iter().filter_map(|work| match work {
            Work::Remove(log, _) => Some(log),
            Work::Open(..)
            | Work::Write(..)
            | Work::Compact(..)
            | Work::Swap(..)
            | Work::Start(..) => None,
        });
        for log in gone {
            self.owners.remove(log);
        }
        Ok(())
    }

    /// The entry below which everything should be flushed in the partitions' files now, if so much
    /// was written. The answer is [`Journaling::free`].
    pub fn wants_checkpoint(&mut self) -> Option<u64> {
        if self.asked.is_some() || self.journal.live_bytes() < self.limits.checkpoint {
            return None;
        }
        self.asked = Some(self.journal.next_entry());
        self.asked
    }

    /// The file that is written now.
    #[must_use]
    pub fn current(&self) -> &Path {
        self.journal.current()
    }

    /// Nothing may be written before the checkpoint that is under way has ended.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.asked.is_some() && self.journal.live_bytes() >= self.limits.most
    }

    /// The partitions' files hold everything below this entry, flushed, and the recovery points say
    /// so.
    pub fn free(&mut self, below: u64) {
        self.asked = None;
        self.journal.free(below);
    }

    /// Who owns the logs of a group.
    fn follow(&mut self, group: &[Work<D>]) {
        for work in group {
            if let Work::Open(log, owner, _) = work {
                self.owners.insert(*log, owner.clone());
            }
        }
    }
}

/// The batches that a piece of work writes. A log without an owner was removed: its writes have
/// nowhere to go.
fn appends<'a, D: Disk>(
    owners: &'a BTreeMap<LogId, Owner>,
    work: &'a Work<D>,
) -> impl Iterator<Item = JournalAppend<'a>> {
    let (log, writes) = match work {
        Work::Write(log, writes, _) => (Some(log), &writes[..]),
        Work::Open(..)
        | Work::Compact(..)
        | Work::Swap(..)
        | Work::Start(..)
        | Work::Remove(..) => (None, &[][..]),
    };
    let owner = log.and_then(|log| owners.get(log));
    owner.into_iter().flat_map(|owner| {
        writes.iter().filter_map(batch).map(|batch| JournalAppend {
            topic: &owner.topic,
            topic_id: owner.topic_id,
            partition: owner.partition,
            batch,
        })
    })
}
