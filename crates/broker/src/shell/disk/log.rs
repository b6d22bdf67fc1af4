//! The log thread: it owns the files of the partitions, writes in groups, and says so.

use super::checkpointer::Owed;
use super::cleaner::Job;
use super::{Ends, Order, Reports, group};
use crate::engine::Input;
use crate::storage::{StorageError, Work, Writer};
use once_log::store::{RealDisk, SetAside};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Weak};

/// Bytes after which the files are flushed in the background, where no journal asks for it: what
/// recovery has to look through stays small.
pub(super) const CHECKPOINT_BYTES: usize = 128 << 20;

pub(super) struct LogThread {
    pub(super) writer: Writer<RealDisk>,
    pub(super) reports: Reports,
    /// The checkpoint thread.
    pub(super) debts: Sender<Owed>,
    pub(super) cleaner: Sender<Job>,
    /// The remover thread.
    pub(super) removed: Sender<SetAside<RealDisk>>,
    /// There is no journal that asks for checkpoints.
    pub(super) own_checkpoints: bool,
    /// Bytes since the last checkpoint.
    pub(super) unflushed: usize,
    /// The checkpoint thread is at work.
    pub(super) busy: Arc<AtomicBool>,
}

impl LogThread {
    /// Takes all that is queued, writes it, reports; again. At the end, up to where each log is on
    /// disk.
    pub(super) fn run(mut self, orders: &Receiver<Order>) -> Result<Ends, StorageError> {
        loop {
            let (mut steps, mut checkpoint, mut stop) = (Vec::new(), None, false);
            for order in group(orders) {
                match order {
                    Order::Step(mut step) => steps.append(&mut step),
                    Order::Checkpoint(below) => checkpoint = Some(below),
                    Order::Free(_) => {}
                    Order::Stop => stop = true,
                }
            }
            self.unflushed += steps.iter().map(Work::bytes).sum::<usize>();
            self.writer.write(steps)?;
            self.report()?;
            self.start_logs()?;
            self.compact();
            for aside in self.writer.removed() {
                // A closed queue belongs to a thread that is ending with the process.
                let _ = self.removed.send(aside);
            }
            self.checkpoint(checkpoint);
            if stop {
                return self.writer.checkpoint();
            }
        }
    }

    fn report(&mut self) -> Result<(), StorageError> {
        let flushed = self.writer.flush()?;
        if !flushed.is_empty()
            && let Some(driver) = self.reports.get().and_then(Weak::upgrade)
        {
            driver.step(Input::Flushed(flushed));
        }
        Ok(())
    }

    /// Writes down where logs start, after who waits for flushes was told.
    fn start_logs(&mut self) -> Result<(), StorageError> {
        let started = self.writer.save_starts()?;
        if !started.is_empty()
            && let Some(driver) = self.reports.get().and_then(Weak::upgrade)
        {
            driver.step(Input::Started(started));
        }
        Ok(())
    }

    /// Passes on compactions that were asked for, and tells of those whose segments are in their places.
    fn compact(&mut self) {
        // A closed queue belongs to a thread that is ending with the process.
        for cleaning in self.writer.cleanings() {
            let _ = self.debts.send(Owed::Cleaning(Box::new(cleaning)));
        }
        for swapped in self.writer.swapped() {
            if let Some(driver) = self.reports.get().and_then(Weak::upgrade) {
                let (log, compacted) = swapped.outcome();
                driver.step(Input::Compacted(log, Ok(compacted)));
            }
            let _ = self.cleaner.send(Job::Finish(swapped));
        }
    }

    /// Hands the flushes that the files are owed to the checkpoint thread.
    fn checkpoint(&mut self, asked: Option<u64>) {
        let due = self.own_checkpoints
            && self.unflushed >= CHECKPOINT_BYTES
            && !self.busy.load(Ordering::Acquire);
        if let Some(below) = asked.or(due.then_some(0)) {
            self.unflushed = 0;
            self.busy.store(true, Ordering::Release);
            // A closed queue belongs to a thread that is ending with the process.
            let _ = self
                .debts
                .send(Owed::Checkpoint(below, self.writer.debts()));
        }
    }
}
