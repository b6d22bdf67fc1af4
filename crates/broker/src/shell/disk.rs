//! Log threads: they own the files of partitions, write in groups, flush, and say so.

use super::driver::Driver;
use crate::config::FlushPolicy;
use crate::engine::{Input, LogId, Look, ReadId, Seen};
use crate::storage::{Places, RecoveryPoints, StorageError, Work, Writer};
use once_log::Write;
use once_log::store::{DataDir, PartitionDir, RealDisk, SegmentReader, Store};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;

/// Threads that look into files for readers.
const READERS: usize = 2;

/// One look into files, and who wants to know.
struct Lookup {
    driver: Arc<Driver>,
    read: ReadId,
    reader: SegmentReader<RealDisk>,
    look: Look,
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

/// The most work that one flush covers; more would only delay the answers before it.
const GROUP: usize = 4_096;

enum Order {
    Work(Work<RealDisk>),
    Stop,
}

/// A broker's log threads.
pub(crate) struct DiskThreads {
    queues: Vec<Sender<Order>>,
    places: Mutex<Places<RealDisk>>,
    threads: Mutex<Vec<JoinHandle<BTreeMap<LogId, i64>>>>,
    driver: Arc<OnceLock<Weak<Driver>>>,
    /// Reads go round these, so that a slow disk delays neither the engine nor the writers.
    lookers: Vec<Sender<Lookup>>,
    turn: AtomicUsize,
}

impl DiskThreads {
    /// Starts the threads. With flushing to disk there are several, so that one file's flush
    /// does not wait for another's.
    pub(crate) fn start(
        disk: Arc<RealDisk>,
        data: Arc<DataDir<RealDisk>>,
        flush: FlushPolicy,
        open_partitions: usize,
    ) -> std::io::Result<Self> {
        let count = match flush {
            FlushPolicy::Disk => 4,
            FlushPolicy::Os => 1,
        };
        let driver: Arc<OnceLock<Weak<Driver>>> = Arc::default();
        let mut queues = Vec::new();
        let mut threads = Vec::new();
        for index in 0..count {
            let (queue, orders) = channel();
            let thread = LogThread {
                writer: Writer::new(flush, (open_partitions / count).max(1)),
                driver: Arc::clone(&driver),
            };
            let builder = std::thread::Builder::new().name(format!("once-log-{index}"));
            threads.push(builder.spawn(move || thread.run(&orders))?);
            queues.push(queue);
        }
        let lookers = (0..READERS)
            .map(start_looker)
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            queues,
            places: Mutex::new(Places::new(disk, data, count)),
            threads: Mutex::new(threads),
            driver,
            lookers,
            turn: AtomicUsize::new(0),
        })
    }

    /// Where flushes are reported. Nothing is written before.
    pub(crate) fn report_to(&self, driver: &Arc<Driver>) {
        let _ = self.driver.set(Arc::downgrade(driver));
    }

    /// The logs that were recovered, and what the recovery-point checkpoint says since.
    pub(crate) fn adopt(
        &self,
        stores: Vec<(LogId, PartitionDir, Store<RealDisk>)>,
        points: RecoveryPoints,
    ) {
        for (writer, work) in self.places().recovered(stores, points) {
            self.order(writer, work);
        }
    }

    /// A new log.
    pub(crate) fn open(&self, log: LogId, topic: String, topic_id: Uuid, partition: i32) {
        let (writer, work) = self.places().open(log, topic, topic_id, partition);
        self.order(writer, work);
    }

    /// Writes and flushes; the engine hears of it.
    pub(crate) fn write(&self, log: LogId, writes: Vec<Write>, end: i64) {
        if let Some(writer) = self.places().writer_of(log) {
            self.order(writer, Work::Write(log, writes, end));
        }
    }

    /// A log whose topic was deleted.
    pub(crate) fn remove(&self, log: LogId) {
        let unique = Uuid(super::connection::random().to_be_bytes());
        match self.places().remove(log, unique) {
            Ok(Some((writer, work))) => self.order(writer, work),
            Ok(None) => {}
            Err(error) => fatal(&format!("cannot write the recovery points: {error}")),
        }
    }

    /// Looks into files on a thread that may block.
    pub(crate) fn read(&self, driver: Arc<Driver>, read: ReadId, log: LogId, look: Look) {
        let Some(reader) = self.places().reader(log) else {
            return;
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.lookers.len();
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.lookers[turn].send(Lookup {
            driver,
            read,
            reader,
            look,
        });
    }

    /// Carries out what is queued, brings everything to disk and ends the threads. `None` if one of
    /// them failed: the stop is not a clean one.
    pub(crate) fn stop(&self) -> Option<RecoveryPoints> {
        for queue in &self.queues {
            let _ = queue.send(Order::Stop);
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Joined without any lock held: their last reports go through the engine.
        let mut ends = BTreeMap::new();
        for thread in threads {
            ends.append(&mut thread.join().ok()?);
        }
        Some(self.places().points(&ends))
    }

    fn order(&self, writer: usize, work: Work<RealDisk>) {
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.queues[writer].send(Order::Work(work));
    }

    fn places(&self) -> MutexGuard<'_, Places<RealDisk>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LogThread {
    writer: Writer<RealDisk>,
    driver: Arc<OnceLock<Weak<Driver>>>,
}

impl LogThread {
    /// Takes all that is queued, writes it, flushes once, reports; again. At the end, up to
    /// where each log is on disk.
    fn run(mut self, orders: &Receiver<Order>) -> BTreeMap<LogId, i64> {
        while let Ok(first) = orders.recv() {
            let more = std::iter::from_fn(|| orders.try_recv().ok());
            let mut group = Vec::new();
            let mut go_on = true;
            for order in std::iter::once(first).chain(more).take(GROUP) {
                match order {
                    Order::Work(work) => group.push(work),
                    Order::Stop => go_on = false,
                }
            }
            self.carry_out(group).unwrap_or_else(|error| end(&error));
            if !go_on {
                break;
            }
        }
        self.writer.checkpoint().unwrap_or_else(|error| end(&error))
    }

    fn carry_out(&mut self, group: Vec<Work<RealDisk>>) -> Result<(), StorageError> {
        self.writer.write(group)?;
        let flushed = self.writer.flush()?;
        if !flushed.is_empty()
            && let Some(driver) = self.driver.get().and_then(Weak::upgrade)
        {
            driver.step(Input::Flushed(flushed));
        }
        Ok(())
    }
}

fn end(error: &StorageError) -> ! {
    fatal(&error.to_string())
}

/// A write or a flush that failed cannot be made good: the kernel may have dropped the pages, and
/// memory already runs ahead of the log. Both are lost by ending the process; recovery reads what
/// the disk really has.
fn fatal(what: &str) -> ! {
    eprintln!(
        "once: {what}. Nothing that was acknowledged is lost; the process ends because going on \
         could lose it. Check the disk, then start again on the same data directory."
    );
    std::process::exit(74)
}
