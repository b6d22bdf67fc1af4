//! The threads that own the disk.
//!
//! ```text
//! --flush os:    steps ──────────────────────────────► log thread ─ write ─► Input::Flushed
//! --flush disk:  steps ─► journal thread ─ fdatasync ─► log thread ─ write ─► Input::Flushed
//!                              ▲                            │ now and then
//!                              └── files free ── checkpoint thread ◄── flushes owed
//! ```
//!
//! The journal's next entry is written while the log thread writes the last one to the partitions'
//! files, whose flushes nobody waits for. A compaction goes the same way: to the log thread, which knows
//! what is owed, to the checkpoint thread, which flushes that, to the cleaner thread, and back to the log
//! thread for the swap. The remover thread takes away the files of deleted partitions, which the log thread has put
//! out of the way. The scrubber thread only reads.

mod checkpointer;
mod cleaner;
mod journal;
mod log;
mod lookers;
mod remover;
mod room;
mod scrubber;

use self::checkpointer::Checkpointer;
use self::cleaner::CleanerThread;
use self::journal::JournalThread;
use self::log::LogThread;
use self::lookers::{Lookers, Lookup, Task};
pub(super) use self::room::room;
pub(super) use self::scrubber::Pace;
use self::scrubber::Scrubber;
use super::driver::Driver;
use super::files::Files;
use super::panic::EndOnPanic;
use crate::config::FlushPolicy;
use crate::engine::{LogId, Look, ReadId};
use crate::storage::{
    Checkpoints, JournalLimits, Journaling, Offsets, Places, StorageError, Work, Writer,
};
use once_log::store::{DataDir, Journal, PartitionDir, RealDisk, Store};
use once_wire::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;

/// The most steps that one flush covers; more would only delay the answers before it.
const GROUP: usize = 4_096;

/// What goes through the queues of the journal's thread and the log thread.
enum Order {
    /// What one step of the engine wants done, wholly or not at all.
    Step(Vec<Work<RealDisk>>),
    /// Flush what the files are owed; the journal below this entry is free then.
    Checkpoint(u64),
    /// That was done.
    Free(u64),
    /// Carry out what came before, and end.
    Stop,
}

/// Where flushes are reported.
type Reports = Arc<OnceLock<Weak<Driver>>>;
/// Up to where each log was on disk when a thread ended.
type Ends = BTreeMap<LogId, i64>;

/// A broker's disk threads.
pub(crate) struct DiskThreads {
    queue: Sender<Order>,
    places: Arc<Mutex<Places<RealDisk>>>,
    threads: Mutex<Vec<JoinHandle<Ends>>>,
    /// Closed to stop the scrubber.
    scrubs: Mutex<Option<Sender<()>>>,
    reports: Reports,
    lookers: Lookers,
    directory: PathBuf,
    /// Compactions and removals give up.
    stopping: Arc<AtomicBool>,
}

impl DiskThreads {
    /// Starts the threads. Without a journal a write is acknowledged when the operating system has
    /// it.
    pub(crate) fn start(
        disk: Arc<RealDisk>,
        data: Arc<DataDir<RealDisk>>,
        journal: Option<Journal<RealDisk>>,
        files: Files,
        pace: Pace,
        reserve: u64,
    ) -> std::io::Result<Self> {
        let reports = Reports::default();
        let directory = data.path().to_owned();
        let places = Places::new(disk, data, 1, files.reads);
        let (logs, log_orders) = channel();
        let (journal_queue, journal_orders) = channel();
        let free = journal.is_some().then(|| journal_queue.clone());
        let (jobs, cleaner_jobs) = channel();
        let (removed, to_remove) = channel();
        let (debts, checkpointer) = Checkpointer::new(places.points(), free, jobs.clone());
        let stopping = Arc::<AtomicBool>::default();
        let cleaner = CleanerThread {
            jobs: cleaner_jobs,
            logs: logs.clone(),
            reports: Arc::clone(&reports),
            cleaned: places.cleaned(),
            stop: Arc::clone(&stopping),
            spares: (directory.clone(), reserve),
        };
        let log = LogThread {
            // Files are written to be read; what makes a write durable is the journal, or nothing.
            writer: Writer::new(FlushPolicy::Os, files.partitions, places.kept()),
            removed,
            reports: Arc::clone(&reports),
            debts,
            cleaner: jobs,
            own_checkpoints: journal.is_none(),
            busy: checkpointer.busy(),
            // What a start did not flush is flushed soon after it, so that the next one need not look at it again.
            unflushed: log::CHECKPOINT_BYTES,
        };
        let stop = Arc::clone(&stopping);
        let mut threads = vec![
            spawn("once-log", move || log.run(&log_orders))?,
            spawn("once-checkpoint", move || checkpointer.run())?,
            spawn("once-cleaner", move || cleaner.run())?,
            spawn("once-remover", move || Ok(remover::run(&to_remove, &stop)))?,
        ];
        let queue = match journal {
            None => logs,
            Some(journal) => {
                let journal = Journaling::new(journal, JournalLimits::default());
                let thread = JournalThread {
                    journal,
                    logs,
                    backlog: Vec::new(),
                };
                threads.push(spawn("once-journal", move || thread.run(&journal_orders))?);
                journal_queue
            }
        };
        let places = Arc::new(Mutex::new(places));
        let (scrubs, stop) = channel();
        let scrubber = Scrubber {
            places: Arc::clone(&places),
            pace,
            stop,
            damaged: BTreeSet::new(),
        };
        threads.push(spawn("once-scrubber", move || {
            scrubber.run();
            Ok(Ends::new())
        })?);
        Ok(Self {
            queue,
            places,
            threads: Mutex::new(threads),
            scrubs: Mutex::new(Some(scrubs)),
            reports,
            lookers: Lookers::start()?,
            directory,
            stopping,
        })
    }

    /// Where flushes are reported. Nothing is written before.
    pub(crate) fn report_to(&self, driver: &Arc<Driver>) {
        let _ = self.reports.set(Arc::downgrade(driver));
    }

    /// The logs that were recovered, and what the checkpoints say since.
    pub(crate) fn adopt(
        &self,
        stores: Vec<(LogId, PartitionDir, Store<RealDisk>)>,
        checkpoints: Checkpoints,
    ) {
        let opened = self.places().recovered(stores, checkpoints);
        self.carry_out(opened.into_iter().map(|(_, work)| work).collect());
    }

    /// A new log.
    pub(crate) fn open(
        &self,
        log: LogId,
        topic: String,
        topic_id: Uuid,
        partition: i32,
    ) -> Work<RealDisk> {
        self.places().open(log, topic, topic_id, partition).1
    }

    /// A log whose topic was deleted.
    pub(crate) fn remove(&self, log: LogId) -> Option<Work<RealDisk>> {
        let unique = Uuid(super::connection::random().to_be_bytes());
        self.places().remove(log, unique).map(|(_, work)| work)
    }

    /// Carries out what one step wants done, and says when it is flushed.
    pub(crate) fn carry_out(&self, step: Vec<Work<RealDisk>>) {
        if !step.is_empty() {
            // A closed queue belongs to a thread that is ending with the process.
            let _ = self.queue.send(Order::Step(step));
        }
    }

    /// Looks into files on a thread that may block.
    pub(crate) fn read(&self, driver: Arc<Driver>, read: ReadId, log: LogId, look: Look) {
        let Some(reader) = self.places().reader(log) else {
            return;
        };
        self.lookers.give(Task::Look(Lookup {
            driver,
            read,
            reader,
            look,
        }));
    }

    /// Looks how much room the disk has, likewise.
    pub(crate) fn measure(&self, driver: Arc<Driver>) {
        let directory = self.directory.clone();
        self.lookers.give(Task::Measure(driver, directory));
    }

    /// Carries out what is queued, brings everything to disk and ends the threads. `None` if one of
    /// them failed: the stop is not a clean one.
    pub(crate) fn stop(&self) -> Option<Offsets> {
        self.stopping.store(true, Ordering::Relaxed);
        *self.scrubs.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.queue.send(Order::Stop);
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Joined without any lock held: their last reports go through the engine.
        let mut ends = BTreeMap::new();
        for thread in threads {
            ends.append(&mut thread.join().ok()?);
        }
        Some(self.places().points().all(&ends))
    }

    fn places(&self) -> MutexGuard<'_, Places<RealDisk>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(
    name: &str,
    run: impl FnOnce() -> Result<Ends, StorageError> + Send + 'static,
) -> std::io::Result<JoinHandle<Ends>> {
    let builder = std::thread::Builder::new().name(name.into());
    builder.spawn(move || {
        let _ends_with_a_panic = EndOnPanic;
        run().unwrap_or_else(|error| end(&error))
    })
}

/// All that is queued, in order, but not more than one flush should cover. Waits for the first.
fn group(orders: &Receiver<Order>) -> Vec<Order> {
    let Ok(first) = orders.recv() else {
        return vec![Order::Stop];
    };
    let more = std::iter::from_fn(|| orders.try_recv().ok());
    std::iter::once(first).chain(more).take(GROUP).collect()
}

/// A write or a flush that failed cannot be made good: the kernel may have dropped the pages, and
/// memory already runs ahead of the log. Both are lost by ending the process; recovery reads what
/// the disk really has.
fn end(error: &StorageError) -> ! {
    let advice = if error.is_full() {
        "The disk is full: make room on it"
    } else {
        "Check the disk"
    };
    eprintln!(
        "once: {error}. Nothing that was acknowledged is lost; the process ends because going on \
         could lose it. {advice}, then start again on the same data directory."
    );
    std::process::exit(74)
}
