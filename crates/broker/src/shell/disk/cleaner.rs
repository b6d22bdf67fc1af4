//! The thread that compacts, one log after the other, while everybody else goes on.

use super::room::room;
use super::{Ends, Order, Reports};
use crate::engine::{Input, reserve};
use crate::storage::{Begun, Points, StorageError, Swapped};
use once_log::store::RealDisk;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often a compaction looks whether there is room.
const LOOK: Duration = Duration::from_millis(50);

/// What it is given.
pub(super) enum Job {
    /// Segments to compact.
    Run(Box<Begun<RealDisk>>),
    /// Old files to remove.
    Finish(Swapped<RealDisk>),
}

pub(super) struct CleanerThread {
    pub(super) jobs: Receiver<Job>,
    /// The log thread.
    pub(super) logs: Sender<Order>,
    pub(super) reports: Reports,
    /// How far each log is clean.
    pub(super) cleaned: Arc<Points<RealDisk>>,
    /// The broker stops: what is under way is given up.
    pub(super) stop: Arc<AtomicBool>,
    /// The data directory, and `once.disk.reserve.bytes`: what open transactions need to end is not compaction's to
    /// take.
    pub(super) spares: (PathBuf, u64),
}

impl CleanerThread {
    /// Works until the threads that give it work have ended.
    pub(super) fn run(self) -> Result<Ends, StorageError> {
        for job in &self.jobs {
            match job {
                Job::Run(begun) => self.compact(*begun)?,
                Job::Finish(swapped) => swapped.finish(&self.cleaned)?,
            }
        }
        Ok(Ends::new())
    }

    /// Asked between batches, and looks at the disk now and then. A file system that cannot be asked has room until a
    /// write says otherwise.
    fn gives_up(&self, looked: &Cell<Option<Instant>>) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return true;
        }
        if looked.get().is_some_and(|at| at.elapsed() < LOOK) {
            return false;
        }
        looked.set(Some(Instant::now()));
        let (directory, wanted) = &self.spares;
        room(directory).is_ok_and(|(free, total)| free < reserve(*wanted, total))
    }

    fn compact(&self, begun: Begun<RealDisk>) -> Result<(), StorageError> {
        let log = begun.log();
        let looked = Cell::new(None);
        match begun.run(&|| self.gives_up(&looked))? {
            Ok(swap) => {
                // A closed queue belongs to a thread that is ending with the process.
                let _ = self.logs.send(Order::Step(vec![swap]));
            }
            Err(why) => {
                if let Some(driver) = self.reports.get().and_then(Weak::upgrade) {
                    driver.step(Input::Compacted(log, Err(why)));
                }
            }
        }
        Ok(())
    }
}
