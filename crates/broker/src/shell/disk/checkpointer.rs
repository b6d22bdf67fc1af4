//! The checkpoint thread: flushes the partitions' files while others go on, and writes down how far
//! they are on disk.

use super::{Ends, Order};
use crate::storage::{Debts, Points, StorageError, settle};
use once_log::store::RealDisk;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What is to be flushed, and the journal's entry below which all of it lies.
type Owed = (u64, Debts<RealDisk>);

pub(super) struct Checkpointer {
    owed: Receiver<Owed>,
    points: Arc<Points<RealDisk>>,
    /// The journal's thread, if there is one.
    journal: Option<Sender<Order>>,
    busy: Arc<AtomicBool>,
}

impl Checkpointer {
    /// With where to put what is owed.
    pub(super) fn new(
        points: Arc<Points<RealDisk>>,
        journal: Option<Sender<Order>>,
    ) -> (Sender<Owed>, Self) {
        let (debts, owed) = channel();
        let checkpointer = Self {
            owed,
            points,
            journal,
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
        for (below, debts) in &self.owed {
            let ends = settle(debts)?;
            self.points.advance(&ends).map_err(StorageError::Points)?;
            self.busy.store(false, Ordering::Release);
            if let Some(journal) = &self.journal {
                // A closed queue belongs to a thread that has ended.
                let _ = journal.send(Order::Free(below));
            }
        }
        Ok(Ends::new())
    }
}
