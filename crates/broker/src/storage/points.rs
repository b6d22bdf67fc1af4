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
    /// to its offset.
    pub(super) fn forget(&self, log: LogId) -> Result<(), DirError> {
        let mut known = self.known();
        let name = known.names.remove(&log);
        match name.and_then(|name| known.points.remove(&name)) {
            Some(_) => self.write(&known.points),
            None => Ok(()),
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
        self.write(&known.points)
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

    fn write(&self, points: &Offsets) -> Result<(), DirError> {
        self.data.write_checkpoint(self.checkpoint, points)
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
