//! An offset for each log, in a checkpoint: how far it is on disk for certain, where it starts, how far
//! it is compacted.

use crate::engine::LogId;
use once_log::store::{Checkpoint, DataDir, DirError, Disk};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An offset for each partition, as a checkpoint has it.
pub type Offsets = BTreeMap<(String, i32), i64>;

/// What the checkpoints say of all partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// How far they are on disk.
    pub points: Offsets,
    /// Where they start.
    pub starts: Offsets,
    /// How far they are compacted.
    pub cleaned: Offsets,
}

/// A checkpoint and who is in it. It has a lock of its own: whoever writes it waits for the disk.
pub struct Points<D: Disk> {
    data: Arc<DataDir<D>>,
    checkpoint: Checkpoint,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    points: Offsets,
    names: BTreeMap<LogId, (String, i32)>,
    /// Logs are forgotten that the file still names.
    is_stale: bool,
}

/// All checkpoints of offsets.
pub struct Kept<D: Disk> {
    pub(super) points: Arc<Points<D>>,
    pub(super) starts: Arc<Points<D>>,
    pub(super) cleaned: Arc<Points<D>>,
}

impl<D: Disk> Kept<D> {
    pub(super) fn new(data: &Arc<DataDir<D>>) -> Self {
        let checkpoint = |which| Arc::new(Points::new(Arc::clone(data), which));
        Self {
            points: checkpoint(Checkpoint::RecoveryPoint),
            starts: checkpoint(Checkpoint::LogStart),
            cleaned: checkpoint(Checkpoint::Cleaned),
        }
    }

    pub(super) fn each(&self) -> [&Points<D>; 3] {
        [&self.points, &self.starts, &self.cleaned]
    }

    /// Makes it durable that logs were forgotten. Their files may go then.
    pub(super) fn save_forgotten(&self) -> Result<(), DirError> {
        self.each().into_iter().try_for_each(Points::save_forgotten)
    }
}

impl<D: Disk> Clone for Kept<D> {
    fn clone(&self) -> Self {
        Self {
            points: Arc::clone(&self.points),
            starts: Arc::clone(&self.starts),
            cleaned: Arc::clone(&self.cleaned),
        }
    }
}

impl<D: Disk> Points<D> {
    pub(super) fn new(data: Arc<DataDir<D>>, checkpoint: Checkpoint) -> Self {
        let known = Mutex::default();
        Self {
            data,
            checkpoint,
            known,
        }
    }

    /// What the checkpoint says since recovery.
    pub(super) fn recovered(&self, points: Offsets) {
        self.known().points = points;
    }

    pub(super) fn name(&self, log: LogId, topic: &str, partition: i32) {
        let name = (topic.to_owned(), partition);
        self.known().names.insert(log, name);
    }

    /// A log whose topic was deleted: a topic of the same name that is made later must not be held
    /// to its offset. The file says so after [`Kept::save_forgotten`].
    pub(super) fn forget(&self, log: LogId) {
        let mut known = self.known();
        let name = known.names.remove(&log);
        let forgotten = name.and_then(|name| known.points.remove(&name));
        known.is_stale |= forgotten.is_some();
    }

    fn save_forgotten(&self) -> Result<(), DirError> {
        let mut known = self.known();
        match known.is_stale {
            true => self.write(&mut known),
            false => Ok(()),
        }
    }

    /// Logs have these offsets from now on, durably. Those that are gone meanwhile stay out, and so does an offset
    /// below the one that is known: flushes may end in another order than they began.
    ///
    /// # Errors
    /// The disk's; the process has to end.
    pub fn advance(&self, ends: &BTreeMap<LogId, i64>) -> Result<(), DirError> {
        let mut known = self.known();
        for (name, end) in known.named(ends) {
            let point = known.points.entry(name).or_default();
            *point = end.max(*point);
        }
        self.write(&mut known)
    }

    /// What the checkpoint says of a log; 0 if it says nothing.
    pub(super) fn of(&self, log: LogId) -> i64 {
        let known = self.known();
        let name = known.names.get(&log);
        name.and_then(|name| known.points.get(name))
            .copied()
            .unwrap_or(0)
    }

    /// The points of all logs, which are on disk up to `ends`.
    #[must_use]
    pub fn all(&self, ends: &BTreeMap<LogId, i64>) -> Offsets {
        self.known().named(ends)
    }

    fn write(&self, known: &mut Known) -> Result<(), DirError> {
        self.data.write_checkpoint(self.checkpoint, &known.points)?;
        known.is_stale = false;
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Those that are still there; 0 need not be said.
    fn named(&self, ends: &BTreeMap<LogId, i64>) -> Offsets {
        let ends = ends.iter().filter(|(_, end)| **end > 0);
        let named = ends.filter_map(|(log, end)| Some((self.names.get(log)?.clone(), *end)));
        named.collect()
    }
}

/// Everything was flushed up to `points` and nothing more will be written: the next start need not
/// check the files.
///
/// # Errors
/// The disk's; the next start then checks them.
pub fn mark_clean<D: Disk>(data: &DataDir<D>, points: &Offsets) -> Result<(), DirError> {
    data.write_checkpoint(Checkpoint::RecoveryPoint, points)?;
    data.write_checkpoint(Checkpoint::HighWatermark, points)?;
    data.write_clean_marker()
}
