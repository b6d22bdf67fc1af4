//! The journal's thread: what a step wrote is flushed here before it goes to its files.

use super::{Ends, Order, group};
use crate::storage::{Journaling, StorageError, Work};
use once_log::store::RealDisk;
use std::sync::mpsc::{Receiver, Sender};

pub(super) struct JournalThread {
    pub(super) journal: Journaling<RealDisk>,
    /// The log thread.
    pub(super) logs: Sender<Order>,
    /// What came while everything waited for a checkpoint.
    pub(super) backlog: Vec<Order>,
}

/// Bytes after which an entry is not made larger.
const ENTRY_BYTES: usize = 4 << 20;

impl JournalThread {
    /// Takes all that is queued, writes it as one entry with one flush, passes it on; again.
    pub(super) fn run(mut self, orders: &Receiver<Order>) -> Result<Ends, StorageError> {
        loop {
            let (mut steps, mut bytes): (Vec<Work<RealDisk>>, usize) = (Vec::new(), 0);
            let mut stop = false;
            for order in self.orders(orders) {
                match order {
                    Order::Step(mut step) => {
                        bytes += step.iter().map(Work::bytes).sum::<usize>();
                        steps.append(&mut step);
                        if bytes >= ENTRY_BYTES {
                            self.commit(std::mem::take(&mut steps))?;
                            bytes = 0;
                        }
                    }
                    Order::Free(below) => self.journal.free(below),
                    Order::Checkpoint(_) => {}
                    Order::Stop => stop = true,
                }
            }
            self.commit(steps)?;
            if stop {
                self.pass_on(Order::Stop);
                return Ok(Ends::new());
            }
        }
    }

    /// All that is queued. A full journal takes nothing before its checkpoint has ended.
    fn orders(&mut self, orders: &Receiver<Order>) -> Vec<Order> {
        while self.journal.is_full()
            && let Ok(order) = orders.recv()
        {
            match order {
                Order::Free(below) => self.journal.free(below),
                later => self.backlog.push(later),
            }
        }
        if self.backlog.is_empty() {
            group(orders)
        } else {
            std::mem::take(&mut self.backlog)
        }
    }

    fn commit(&mut self, steps: Vec<Work<RealDisk>>) -> Result<(), StorageError> {
        if steps.is_empty() {
            return Ok(());
        }
        self.journal.commit(&steps)?;
        self.pass_on(Order::Step(steps));
        if let Some(below) = self.journal.wants_checkpoint() {
            self.pass_on(Order::Checkpoint(below));
        }
        Ok(())
    }

    fn pass_on(&self, order: Order) {
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.logs.send(order);
    }
}
