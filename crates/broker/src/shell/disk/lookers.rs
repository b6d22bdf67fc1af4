//! Threads that look into files for readers, so that a slow disk delays neither the engine nor the
//! writers.

use crate::engine::{Input, Look, ReadId, Seen};
use crate::shell::driver::Driver;
use once_log::store::{RealDisk, SegmentReader};
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

/// The threads; lookups go round them.
pub(super) struct Lookers {
    queues: Vec<Sender<Lookup>>,
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

    pub(super) fn look(&self, lookup: Lookup) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.queues[turn].send(lookup);
    }
}

fn start_looker(index: usize) -> std::io::Result<Sender<Lookup>> {
    let (queue, lookups) = channel::<Lookup>();
    let look_up = move || {
        for Lookup {
            driver,
            read,
            reader,
            look,
        } in lookups
        {
            let seen = match look {
                Look::Batches(range) => reader.read(&range).map(Seen::Batches),
                Look::Record(search) => reader.find_timestamp(&search).map(Seen::Record),
            };
            driver.step(Input::Read(read, seen));
        }
    };
    std::thread::Builder::new()
        .name(format!("once-read-{index}"))
        .spawn(look_up)?;
    Ok(queue)
}
