//! Log threads: they own the files of partitions, write in groups, flush, and say so.

use super::driver::Driver;
use crate::config::FlushPolicy;
use crate::engine::{Input, LogId, Look, ReadId, Seen};
use once_log::Write;
use once_log::store::{Checkpoint, DataDir, ReadBuffers, RealDisk, SegmentReader, Store};
use once_wire::hash::java_hash;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;

/// Threads that look into files for readers.
const READERS: usize = 2;
/// Bytes of read buffers that are kept for the next reads.
const IDLE_BUFFERS: usize = 8 << 20;

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

enum Work {
    Open(LogId, Box<Store<RealDisk>>),
    Write(LogId, Vec<Write>, i64),
    Remove(LogId, Uuid),
    Stop,
}

/// Up to where each log is on disk: what `recovery-point-offset-checkpoint` says.
pub(crate) type RecoveryPoints = BTreeMap<(String, i32), i64>;

struct Place {
    /// The thread that owns its files. It follows from the name, so that a topic that is deleted
    /// and made again has its old files moved away before the new ones are written.
    thread: usize,
    topic: String,
    partition: i32,
    reader: SegmentReader<RealDisk>,
}

/// A broker's log threads.
pub(crate) struct DiskThreads {
    disk: Arc<RealDisk>,
    data: Arc<DataDir<RealDisk>>,
    /// What the recovery-point checkpoint says.
    points: Mutex<RecoveryPoints>,
    queues: Vec<Sender<Work>>,
    places: Mutex<BTreeMap<LogId, Place>>,
    threads: Mutex<Vec<JoinHandle<BTreeMap<LogId, i64>>>>,
    driver: Arc<OnceLock<Weak<Driver>>>,
    /// Reads go round these, so that a slow disk delays neither the engine nor the writers.
    lookers: Vec<Sender<Lookup>>,
    turn: AtomicUsize,
    buffers: ReadBuffers,
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
            let (queue, work) = channel();
            let stores = BTreeMap::new();
            let (open, most_open) = (BTreeMap::new(), (open_partitions / count).max(1));
            let thread = LogThread {
                flush,
                stores,
                open,
                most_open,
                groups: 0,
                driver: Arc::clone(&driver),
            };
            let builder = std::thread::Builder::new().name(format!("once-log-{index}"));
            threads.push(builder.spawn(move || thread.run(&work))?);
            queues.push(queue);
        }
        let (places, points, threads) = (Mutex::default(), Mutex::default(), Mutex::new(threads));
        let lookers = (0..READERS)
            .map(start_looker)
            .collect::<std::io::Result<_>>()?;
        let turn = AtomicUsize::new(0);
        let buffers = ReadBuffers::new(IDLE_BUFFERS);
        Ok(Self {
            disk,
            data,
            points,
            queues,
            places,
            threads,
            driver,
            lookers,
            turn,
            buffers,
        })
    }

    /// Where flushes are reported. Nothing is written before.
    pub(crate) fn report_to(&self, driver: &Arc<Driver>) {
        let _ = self.driver.set(Arc::downgrade(driver));
    }

    /// A log that was recovered.
    pub(crate) fn adopt(&self, log: LogId, topic: String, partition: i32, store: Store<RealDisk>) {
        let reader = store.reader().with_buffers(self.buffers.clone());
        let thread = self.thread_of(&topic, partition);
        self.places().insert(
            log,
            Place {
                thread,
                topic,
                partition,
                reader,
            },
        );
        self.send(log, Work::Open(log, Box::new(store)));
    }

    /// A new log.
    pub(crate) fn open(&self, log: LogId, topic: String, topic_id: Uuid, partition: i32) {
        let directory = self.data.partition_path(&topic, partition);
        let store = Store::new(Arc::clone(&self.disk), directory, topic_id);
        self.adopt(log, topic, partition, store);
    }

    /// Writes and flushes; the engine hears of it.
    pub(crate) fn write(&self, log: LogId, writes: Vec<Write>, end: i64) {
        self.send(log, Work::Write(log, writes, end));
    }

    /// What the recovery-point checkpoint says since recovery.
    pub(crate) fn recovered(&self, points: RecoveryPoints) {
        *self.points.lock().unwrap_or_else(PoisonError::into_inner) = points;
    }

    /// A log whose topic was deleted. Its recovery point goes first: a topic of the same name
    /// that is made later must not be held to it.
    pub(crate) fn remove(&self, log: LogId) {
        let unique = Uuid(super::connection::random().to_be_bytes());
        let Some(place) = self.places().remove(&log) else {
            return;
        };
        let thread = place.thread;
        self.forget_point(place);
        let _ = self.queues[thread].send(Work::Remove(log, unique));
    }

    fn forget_point(&self, place: Place) {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.remove(&(place.topic, place.partition)).is_some()
            && let Err(error) = self
                .data
                .write_checkpoint(Checkpoint::RecoveryPoint, &points)
        {
            fatal(&format!("cannot write the recovery points: {error}"));
        }
    }

    /// Looks into files on a thread that may block.
    pub(crate) fn read(&self, driver: Arc<Driver>, read: ReadId, log: LogId, look: Look) {
        let Some(reader) = self.places().get(&log).map(|place| place.reader.clone()) else {
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
            let _ = queue.send(Work::Stop);
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Joined without any lock held: their last reports go through the engine.
        let mut ends = BTreeMap::new();
        for thread in threads {
            ends.append(&mut thread.join().ok()?);
        }
        let places = self.places();
        let mut points = RecoveryPoints::new();
        for (log, end) in ends {
            if let Some(place) = places.get(&log).filter(|_| end > 0) {
                points.insert((place.topic.clone(), place.partition), end);
            }
        }
        Some(points)
    }

    fn send(&self, log: LogId, work: Work) {
        let Some(thread) = self.places().get(&log).map(|place| place.thread) else {
            return;
        };
        // A closed queue belongs to a thread that is ending with the process.
        let _ = self.queues[thread].send(work);
    }

    fn thread_of(&self, topic: &str, partition: i32) -> usize {
        let spread = java_hash(topic).wrapping_add(partition).unsigned_abs();
        usize::try_from(spread).unwrap_or(0) % self.queues.len()
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<LogId, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LogThread {
    flush: FlushPolicy,
    stores: BTreeMap<LogId, Store<RealDisk>>,
    /// Partitions whose files are open, by when they were last written.
    open: BTreeMap<LogId, u64>,
    most_open: usize,
    groups: u64,
    driver: Arc<OnceLock<Weak<Driver>>>,
}

impl LogThread {
    /// Takes all that is queued, writes it, flushes once, reports; again. At the end, up to
    /// where each log is on disk.
    fn run(mut self, work: &Receiver<Work>) -> BTreeMap<LogId, i64> {
        while let Ok(first) = work.recv() {
            let mut group = vec![first];
            while group.len() < GROUP {
                match work.try_recv() {
                    Ok(more) => group.push(more),
                    Err(_) => break,
                }
            }
            if !self.carry_out(group) {
                break;
            }
        }
        let mut points = BTreeMap::new();
        for (log, store) in &mut self.stores {
            match store.checkpoint() {
                Ok(end) => points.insert(*log, end),
                Err(error) => fatal(&format!("cannot flush a partition: {error}")),
            };
        }
        points
    }

    /// False: stop.
    fn carry_out(&mut self, group: Vec<Work>) -> bool {
        let mut written: BTreeMap<LogId, (Vec<Write>, i64)> = BTreeMap::new();
        let mut go_on = true;
        for work in group {
            match work {
                Work::Open(log, store) => {
                    self.stores.insert(log, *store);
                }
                Work::Write(log, mut writes, end) => {
                    let of_log = written.entry(log).or_default();
                    of_log.0.append(&mut writes);
                    of_log.1 = end;
                }
                Work::Remove(log, unique) => {
                    written.remove(&log);
                    if let Some(store) = self.stores.remove(&log)
                        && let Err(error) = store.delete(unique)
                    {
                        tracing::warn!("cannot remove a deleted partition's files: {error}");
                    }
                }
                Work::Stop => go_on = false,
            }
        }
        self.write(written);
        go_on
    }

    /// Closes the files of the partition that was written longest ago, if too many are open. What
    /// is not flushed stays on its list and is flushed by name.
    fn close_quiet(&mut self) {
        while self.open.len() > self.most_open {
            let quiet = self.open.iter().min_by_key(|(_, written)| **written);
            let Some(log) = quiet.map(|(log, _)| *log) else {
                return;
            };
            self.open.remove(&log);
            if let Some(store) = self.stores.get_mut(&log) {
                store.release();
            }
        }
    }

    fn write(&mut self, written: BTreeMap<LogId, (Vec<Write>, i64)>) {
        if written.is_empty() {
            return;
        }
        let mut flushed = Vec::with_capacity(written.len());
        for (log, (writes, end)) in written {
            let Some(store) = self.stores.get_mut(&log) else {
                continue;
            };
            if let Err(error) = store.write_all(&writes) {
                fatal(&format!("cannot write to a partition: {error}"));
            }
            self.groups += 1;
            self.open.insert(log, self.groups);
            flushed.push((log, end));
            self.close_quiet();
        }
        if self.flush == FlushPolicy::Disk {
            for (log, _) in &flushed {
                if let Some(store) = self.stores.get_mut(log)
                    && let Err(error) = store.sync()
                {
                    fatal(&format!("fdatasync failed: {error}"));
                }
            }
        }
        if let Some(driver) = self.driver.get().and_then(Weak::upgrade) {
            driver.step(Input::Flushed(flushed));
        }
    }
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
