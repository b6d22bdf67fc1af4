//! Threads that look into files for readers, so that a slow disk delays neither the engine nor the
//! writers.

use super::room::room;
use crate::engine::{Input, Look, ReadId, Seen};
use crate::shell::driver::Driver;
use crate::shell::panic::EndOnPanic;
use once_log::store::{RealDisk, SegmentReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

/// How many.
const READERS: usize = 2;

/// One look into files, and who wants to know.
pub(super) struct Lookup {
    pub(super) driver: Arc<Driver>,
    pub(super) read: ReadId,
    pub(super) reader: SegmentReader<RealDisk>,
    pub(super) look: Look,
}

/// What the threads do.
pub(super) enum Task {
    /// A look into files.
    Look(Lookup),
    /// How much room there is on the disk of this directory.
    Measure(Arc<Driver>, PathBuf),
}

/// The threads; tasks go round them.
pub(super) struct Lookers {
    queues: Vec<Sender<Task>>,
    turn: AtomicUsize,
}

impl Lookers {
    pub(super) fn start() -> std::io::Result<Self> {
        let queues = (0..READERS)
            .map(start_looker)
            .collect::<std::io::Result<_>>()?;
        let turn = AtomicUsize::new(0);
        Ok(Self { queues, turn })
    }

    pub(super) fn give(&self, task: Task) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.queues[turn].send(task);
    }
}

fn start_looker(index: usize) -> std::io::Result<Sender<Task>> {
    let (queue, tasks) = channel::<Task>();
    let work = move || {
        let _ends_with_a_panic = EndOnPanic;
        for task in tasks {
            match task {
                Task::Look(lookup) => look_up(lookup),
                Task::Measure(driver, directory) => measure(&driver, &directory),
            }
        }
    };
    std::thread::Builder::new()
        .name(format!("once-read-{index}"))
        .spawn(work)?;
    Ok(queue)
}

fn look_up(lookup: Lookup) {
    let Lookup {
        driver,
        read,
        reader,
        look,
    } = lookup;
    let seen = match look {
        Look::Batches(range) => reader.read(&range).map(Seen::Batches),
        Look::Record(search) => reader.find_timestamp(&search).map(Seen::Record),
    };
    driver.step(Input::Read(read, seen));
}

/// A file system that cannot be asked has room until a write says otherwise.
fn measure(driver: &Driver, directory: &Path) {
    let (free, total) = room(directory).unwrap_or_else(|error| {
        tracing::warn!(
            "cannot ask how much room {} has: {error}",
            directory.display()
        );
        (u64::MAX, u64::MAX)
    });
    driver.step(Input::Space { free, total });
}
