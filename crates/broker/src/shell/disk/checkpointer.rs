//! The checkpoint thread: flushes the partitions' files while others go on, and writes down how far
//! they are on disk.

use super::cleaner::Job;
use super::{Ends, Order};
use crate::storage::{Cleaning, Debts, Points, StorageError, settle};
use once_log::store::RealDisk;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What is to be flushed.
pub(super) enum Owed {
    /// What all files are owed, and the journal's entry below which all of it lies.
    Checkpoint(u64, Debts<RealDisk>),
    /// What one log's files are owed, before it is compacted.
    Cleaning(Box<Cleaning<RealDisk>>),
}

pub(super) struct Checkpointer {
    owed: Receiver<Owed>,
    points: Arc<Points<RealDisk>>,
    /// The journal's thread, if there is one.
    journal: Option<Sender<Order>>,
    cleaner: Sender<Job>,
    busy: Arc<AtomicBool>,
}

impl Checkpointer {
    /// With where to put what is owed.
    pub(super) fn new(
        points: Arc<Points<RealDisk>>,
        journal: Option<Sender<Order>>,
        cleaner: Sender<Job>,
    ) -> (Sender<Owed>, Self) {
        let (debts, owed) = channel();
        let checkpointer = Self {
            owed,
            points,
            journal,
            cleaner,
            busy: Arc::default(),
        };
        (debts, checkpointer)
    }

    /// Says whether it is at work.
    pub(super) fn busy(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.busy)
    }

    /// Settles what it is given until the log thread ends. Recovery points first: a journal that is
    /// overwritten is no help to a file that nobody knows to be flushed.
    pub(super) fn run(self) -> Result<Ends, StorageError> {
        for owed in &self.owed {
            match owed {
                Owed::Checkpoint(below, debts) => self.checkpoint(below, debts)?,
                Owed::Cleaning(cleaning) => {
                    let begun = cleaning.begin(&self.points)?;
                    // A closed queue belongs to a thread that is ending with the process.
                    let _ = self.cleaner.send(Job::Run(Box::new(begun)));
                }
            }
        }
        Ok(Ends::new())
    }

    fn checkpoint(&self, below: u64, debts: Debts<RealDisk>) -> Result<(), StorageError> {
        let ends = settle(debts)?;
        self.points.advance(&ends).map_err(StorageError::Points)?;
        self.busy.store(false, Ordering::Release);
        if let Some(journal) = &self.journal {
            // A closed queue belongs to a thread that has ended.
            let _ = journal.send(Order::Free(below));
        }
        Ok(())
    }
}
