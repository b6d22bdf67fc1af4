//! A hand that writes: what the shell's threads do with the journal and the partitions' files, one
//! piece at a time.
//!
//! ```text
//!  queue ─ write ─► files ─ flush ─► report                       without a journal
//!  queue ─ commit ─► journalled ─ file ─► files, report           with one: the next entry is
//!    ▲                                │                           written while the last one
//!    └──── free ◄── settle ◄── owed ◄─┘                           goes to the files
//! ```

use once_broker::FlushPolicy;
use once_broker::engine::LogId;
use once_broker::storage::{
    Begun, Cleaning, Debts, Journaling, Kept, Points, StorageError, Swapped, Work, Writer, settle,
};
use once_log::store::{FakeDisk, SetAside};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A writer and what it is to do.
pub(crate) struct Hand {
    writer: Writer<FakeDisk>,
    queue: Vec<Work<FakeDisk>>,
    /// It has a group, or is about to take one.
    pub(crate) busy: bool,
    journal: Option<Journaling<FakeDisk>>,
    /// What the journal has and the files do not.
    journalled: Vec<Work<FakeDisk>>,
    /// The journal's part is being brought to the files.
    pub(crate) filing: bool,
    /// The files are to be flushed: what the journal has below this entry is then not needed.
    wanted: Option<u64>,
    /// Bytes written without a journal since the files were flushed last, and after how many they are.
    unflushed: (u64, u64),
    /// A checkpoint is under way.
    owed: bool,
    /// The journal's files so far.
    files: BTreeSet<PathBuf>,
    points: Arc<Points<FakeDisk>>,
}

/// What is done beside the hands: by the checkpoint thread in the order in which it was given out, and by
/// the cleaner's.
pub(crate) enum Job {
    /// Flushes what all files are owed; the journal then needs nothing below this entry.
    Settle(u64, Debts<FakeDisk>),
    /// Flushes what one log is owed before it is compacted.
    Begin(Cleaning<FakeDisk>),
    /// Writes new segments.
    Run(Begun<FakeDisk>),
    /// Removes the old ones.
    Finish(Swapped<FakeDisk>),
    /// Takes away the files of a deleted partition, as the remover's thread does.
    Clear(SetAside<FakeDisk>),
}

/// What a hand has flushed, and which logs it has made start later.
#[derive(Debug, Default)]
pub(crate) struct Flushed {
    pub(crate) ends: Vec<(LogId, i64)>,
    pub(crate) starts: Vec<(LogId, i64)>,
}

/// What became of the journal's file with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turned {
    /// It is still written.
    Same,
    /// The journal went on in a new one.
    Fresh,
    /// The journal went on in one that it had used before.
    Recycled,
}

impl Hand {
    /// A hand that keeps so few files open that closing and opening them again is met.
    pub(crate) fn new(
        flush: FlushPolicy,
        journal: Option<Journaling<FakeDisk>>,
        checkpoint: u64,
        (points, kept): (Arc<Points<FakeDisk>>, Kept<FakeDisk>),
    ) -> Self {
        let files = journal.iter().map(|journal| journal.current().to_owned());
        Self {
            writer: Writer::new(flush, 3, kept),
            queue: Vec::new(),
            busy: false,
            files: files.collect(),
            journal,
            journalled: Vec::new(),
            filing: false,
            points,
            wanted: None,
            // What a start did not flush is flushed soon after it.
            unflushed: (checkpoint, checkpoint),
            owed: false,
        }
    }

    /// One more thing to do.
    pub(crate) fn take(&mut self, work: Work<FakeDisk>) {
        self.queue.push(work);
    }

    /// Whether a journal stands before its files.
    pub(crate) fn has_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// Nothing may be written before what is owed is settled.
    pub(crate) fn is_full(&self) -> bool {
        self.journal.as_ref().is_some_and(Journaling::is_full)
    }

    /// Writes all that is queued to the files.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn write(&mut self) -> Result<(), StorageError> {
        let bytes: usize = self.queue.iter().map(Work::bytes).sum();
        self.unflushed.0 += bytes as u64;
        let queue = std::mem::take(&mut self.queue);
        self.writer.write(queue)
    }

    /// Writes all that is queued as one entry of the journal, flushed.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn commit(&mut self) -> Result<Turned, StorageError> {
        let group = std::mem::take(&mut self.queue);
        let Some(journal) = &mut self.journal else {
            return Ok(Turned::Same);
        };
        let before = journal.current().to_owned();
        journal.commit(&group)?;
        self.wanted = self.wanted.or_else(|| journal.wants_checkpoint());
        self.journalled.extend(group);
        if journal.current() == before {
            return Ok(Turned::Same);
        }
        Ok(match self.files.insert(journal.current().to_owned()) {
            true => Turned::Fresh,
            false => Turned::Recycled,
        })
    }

    /// Brings what the journal has to the files.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn file(&mut self) -> Result<(), StorageError> {
        let journalled = std::mem::take(&mut self.journalled);
        self.writer.write(journalled)
    }

    /// The checkpoint that is to be made in the background now, if one is.
    pub(crate) fn begins_checkpoint(&mut self) -> Option<Job> {
        if self.owed {
            return None;
        }
        let due = self.journal.is_none() && self.unflushed.0 >= self.unflushed.1;
        let below = self.wanted.take().or(due.then_some(0))?;
        self.unflushed.0 = 0;
        self.owed = true;
        Some(Job::Settle(below, self.writer.debts()))
    }

    /// Flushes what was written, as the policy says; then makes durable where logs start.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn flush(&mut self, again: bool) -> Result<Flushed, StorageError> {
        let mut ends = self.writer.flush();
        if ends.is_err() && again {
            ends = self.writer.flush();
        }
        let ends = ends?;
        let starts = self.writer.save_starts()?;
        Ok(Flushed { ends, starts })
    }

    /// The logs whose segments are swapped next.
    pub(crate) fn swaps(&self) -> Vec<LogId> {
        let next = match self.journal {
            Some(_) => &self.journalled,
            None => &self.queue,
        };
        let swap = |work: &Work<FakeDisk>| match work {
            Work::Swap(log, _) => Some(*log),
            Work::Open(..)
            | Work::Write(..)
            | Work::Compact(..)
            | Work::Start(..)
            | Work::Remove(..) => None,
        };
        next.iter().filter_map(swap).collect()
    }

    /// What is to be compacted, and what is to be taken away.
    pub(crate) fn jobs(&mut self) -> Vec<Job> {
        let cleanings = self.writer.cleanings().into_iter().map(Job::Begin);
        let removed = self.writer.removed().into_iter().map(Job::Clear);
        cleanings.chain(removed).collect()
    }

    /// What was swapped.
    pub(crate) fn swapped(&mut self) -> Vec<Swapped<FakeDisk>> {
        self.writer.swapped()
    }

    /// Flushes what the files are owed and says so in the recovery points; what the journal has of
    /// it may then be overwritten.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn settle(
        &mut self,
        below: u64,
        debts: Debts<FakeDisk>,
    ) -> Result<(), StorageError> {
        let ends = settle(debts)?;
        self.points.advance(&ends).map_err(StorageError::Points)?;
        self.owed = false;
        if let Some(journal) = &mut self.journal {
            journal.free(below);
        }
        Ok(())
    }

    /// Does all that is left, and brings everything to disk: up to where each log is there.
    ///
    /// # Errors
    /// The stop is not a clean one.
    pub(crate) fn stop(&mut self) -> Result<BTreeMap<LogId, i64>, StorageError> {
        if self.journal.is_some() {
            self.commit()?;
            self.file()?;
        }
        self.write()?;
        self.flush(false)?;
        self.writer.checkpoint()
    }

    /// What was written and not yet flushed.
    pub(crate) fn written(&self) -> Vec<(LogId, i64)> {
        self.writer.written().to_vec()
    }

    /// Whether nothing is queued.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the journal has nothing that the files lack.
    pub(crate) fn is_filed(&self) -> bool {
        self.journalled.is_empty()
    }
}
