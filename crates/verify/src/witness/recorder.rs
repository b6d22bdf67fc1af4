//! Who writes the history, and in whose name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use once_check::history::{HistoryError, HistoryWriter, Kind, Op, OpId};
use rustix::time::{ClockId, clock_gettime};

use crate::error::Error;

/// Writes one history, line by line, for any number of clients. Cheap to clone.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    written: Mutex<Written>,
    next_process: AtomicU32,
    counts: Counting,
    errors: Mutex<BTreeMap<String, u64>>,
}

struct Written {
    /// None once it is finished: what still comes then is late and not wanted.
    writer: Option<HistoryWriter<BufWriter<File>>>,
    failed: Option<String>,
}

#[derive(Default)]
struct Counting {
    acknowledged: AtomicU64,
    commits: AtomicU64,
    aborts: AtomicU64,
    read: AtomicU64,
}

/// What was recorded so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records whose append was acknowledged.
    pub acknowledged: u64,
    /// Transactions whose commit was.
    pub commits: u64,
    /// Transactions whose abort was.
    pub aborts: u64,
    /// Records that were read, by all readers together.
    pub read: u64,
}

/// One client: a producer, a consumer, or both. Whoever follows it after it died is another one.
pub struct Witness {
    recorder: Recorder,
    process: u32,
    values: AtomicU64,
}

impl Recorder {
    /// Begins a history in a file, whose clients are numbered from `first_process` on.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, first_process: u32) -> Result<Self, Error> {
        let file = File::create(path);
        let file = file.map_err(Error::io(format!("make {}", path.display())))?;
        let writer = HistoryWriter::new(BufWriter::new(file));
        Ok(Self(Arc::new(Inner {
            written: Mutex::new(Written {
                writer: Some(writer),
                failed: None,
            }),
            next_process: AtomicU32::new(first_process),
            counts: Counting::default(),
            errors: Mutex::default(),
        })))
    }

    /// A client that nobody was before.
    pub fn client(&self) -> Witness {
        Witness {
            recorder: self.clone(),
            process: self.0.next_process.fetch_add(1, Ordering::Relaxed),
            values: AtomicU64::new(0),
        }
    }

    /// What was recorded so far.
    pub fn counts(&self) -> Counts {
        let counts = &self.0.counts;
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            acknowledged: get(&counts.acknowledged),
            commits: get(&counts.commits),
            aborts: get(&counts.aborts),
            read: get(&counts.read),
        }
    }

    /// The errors that clients met, by their text.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        let errors = self.0.errors.lock();
        errors.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the history: nothing is written to the file any more.
    ///
    /// # Errors
    /// A line could not be written.
    pub fn finish(&self) -> Result<(), Error> {
        let mut written = self.written();
        if let Some(writer) = written.writer.take() {
            let finished = writer.finish().map(drop);
            written.note(finished);
        }
        match &written.failed {
            None => Ok(()),
            Some(error) => Err(Error::History(error.clone())),
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        let written = self.0.written.lock();
        written.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn note(&mut self, result: Result<(), HistoryError>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error.to_string());
        }
    }
}

impl Witness {
    /// Its number.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// A number that no other record of the history carries.
    pub fn fresh_value(&self) -> u64 {
        let count = self.values.fetch_add(1, Ordering::Relaxed);
        (u64::from(self.process) << 32) | count
    }

    /// An operation begins: to be called before its request may leave.
    pub fn invoke(&self, op: impl Into<Op>) -> Option<OpId> {
        let op = op.into();
        let mut written = self.recorder.written();
        // Read under the lock: the order of lines is the order of their times.
        let time = now_us();
        let writer = written.writer.as_mut()?;
        match writer.invoke(time, self.process, op) {
            Ok(id) => Some(id),
            Err(error) => {
                written.note(Err(error));
                None
            }
        }
    }

    /// It is done, and its answer adds nothing to what was asked.
    pub fn ok(&self, id: Option<OpId>) {
        self.complete(id, Kind::Ok, None);
    }

    /// It is done, and this is its answer.
    pub fn ok_with(&self, id: Option<OpId>, op: impl Into<Op>) {
        self.complete(id, Kind::Ok, Some(op.into()));
    }

    /// Nobody knows what became of it.
    pub fn unknown(&self, id: Option<OpId>) {
        self.complete(id, Kind::Info, None);
    }

    /// It is done as far as `result` says.
    pub fn settle<E>(&self, id: Option<OpId>, result: &Result<(), E>) {
        let kind = if result.is_ok() { Kind::Ok } else { Kind::Info };
        self.complete(id, kind, None);
    }

    fn complete(&self, id: Option<OpId>, kind: Kind, op: Option<Op>) {
        let mut written = self.recorder.written();
        let time = now_us();
        if let (Some(id), Some(writer)) = (id, &mut written.writer) {
            let completed = writer.complete(time, id, kind, op);
            written.note(completed);
        }
    }

    /// Something that takes no time.
    pub fn event(&self, kind: Kind, op: impl Into<Op>) {
        let mut written = self.recorder.written();
        let time = now_us();
        if let Some(writer) = &mut written.writer {
            let noted = writer.event(time, self.process, kind, op);
            written.note(noted);
        }
    }

    /// Counts an acknowledged record.
    pub(super) fn acknowledged(&self) {
        let counts = &self.recorder.0.counts;
        counts.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a transaction.
    pub(super) fn ended(&self, commit: bool) {
        let counts = &self.recorder.0.counts;
        let count = if commit {
            &counts.commits
        } else {
            &counts.aborts
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts records that were read.
    pub(super) fn read(&self, records: usize) {
        let counts = &self.recorder.0.counts;
        counts.read.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Counts an error that the client gets over.
    pub(super) fn met(&self, error: &once_client::Error) {
        let errors = self.recorder.0.errors.lock();
        let mut errors = errors.unwrap_or_else(PoisonError::into_inner);
        *errors.entry(error.to_string()).or_default() += 1;
    }
}

/// Microseconds of the machine's monotonic clock: histories of several processes of one machine can
/// be put together by it.
fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds * 1_000_000 + nanos / 1_000
}
