//! Where each log's files are, and which writer owns them.

use super::writer::Work;
use crate::engine::LogId;
use once_log::store::{
    Checkpoint, DataDir, DirError, Disk, PartitionDir, ReadBuffers, SegmentReader, Store,
};
use once_wire::hash::java_hash;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of read buffers that are kept for the next reads.
const IDLE_BUFFERS: usize = 8 << 20;

/// Up to where each log is on disk: what `recovery-point-offset-checkpoint` says.
pub type RecoveryPoints = BTreeMap<(String, i32), i64>;

struct Place<D: Disk> {
    /// The writer that owns its files. It follows from the name, so that a topic that is deleted
    /// and made again has its old files moved away before the new ones are written.
    writer: usize,
    topic: String,
    partition: i32,
    reader: SegmentReader<D>,
}

/// All logs of a data directory. Every method says which writer gets which work; the work of one
/// writer is to be carried out in the order in which it was given out.
pub struct Places<D: Disk> {
    disk: Arc<D>,
    data: Arc<DataDir<D>>,
    writers: usize,
    /// What the recovery-point checkpoint says.
    points: RecoveryPoints,
    by_log: BTreeMap<LogId, Place<D>>,
    buffers: ReadBuffers,
}

impl<D: Disk> Places<D> {
    /// No logs yet; their files will be spread over so many writers.
    #[must_use]
    pub fn new(disk: Arc<D>, data: Arc<DataDir<D>>, writers: usize) -> Self {
        Self {
            disk,
            data,
            writers,
            points: RecoveryPoints::new(),
            by_log: BTreeMap::new(),
            buffers: ReadBuffers::new(IDLE_BUFFERS),
        }
    }

    /// Takes over what recovery found.
    pub fn recovered(
        &mut self,
        stores: Vec<(LogId, PartitionDir, Store<D>)>,
        points: RecoveryPoints,
    ) -> Vec<(usize, Work<D>)> {
        self.points = points;
        let adopt = |(log, place, store): (LogId, PartitionDir, Store<D>)| {
            self.adopt(log, place.topic, place.partition, store)
        };
        stores.into_iter().map(adopt).collect()
    }

    /// A new log.
    pub fn open(
        &mut self,
        log: LogId,
        topic: String,
        topic_id: Uuid,
        partition: i32,
    ) -> (usize, Work<D>) {
        let directory = self.data.partition_path(&topic, partition);
        let store = Store::new(Arc::clone(&self.disk), directory, topic_id);
        self.adopt(log, topic, partition, store)
    }

    fn adopt(
        &mut self,
        log: LogId,
        topic: String,
        partition: i32,
        store: Store<D>,
    ) -> (usize, Work<D>) {
        let spread = java_hash(&topic).wrapping_add(partition).unsigned_abs();
        let writer = usize::try_from(spread).unwrap_or(0) % self.writers;
        let place = Place {
            writer,
            topic,
            partition,
            reader: store.reader().with_buffers(self.buffers.clone()),
        };
        self.by_log.insert(log, place);
        (writer, Work::Open(log, Box::new(store)))
    }

    /// The writer that owns a log's files; none if the log is gone.
    #[must_use]
    pub fn writer_of(&self, log: LogId) -> Option<usize> {
        self.by_log.get(&log).map(|place| place.writer)
    }

    /// A reader of a log's files; none if the log is gone.
    #[must_use]
    pub fn reader(&self, log: LogId) -> Option<SegmentReader<D>> {
        self.by_log.get(&log).map(|place| place.reader.clone())
    }

    /// A log whose topic was deleted. Its recovery point goes first: a topic of the same name
    /// that is made later must not be held to it. `unique` names the directory on its way out.
    ///
    /// # Errors
    /// The checkpoint cannot be written: the process has to end.
    pub fn remove(
        &mut self,
        log: LogId,
        unique: Uuid,
    ) -> Result<Option<(usize, Work<D>)>, DirError> {
        let Some(place) = self.by_log.remove(&log) else {
            return Ok(None);
        };
        let key = (place.topic, place.partition);
        if self.points.remove(&key).is_some() {
            let points = &self.points;
            self.data
                .write_checkpoint(Checkpoint::RecoveryPoint, points)?;
        }
        Ok(Some((place.writer, Work::Remove(log, unique))))
    }

    /// The recovery points that follow from where the writers' checkpoints ended.
    #[must_use]
    pub fn points(&self, ends: &BTreeMap<LogId, i64>) -> RecoveryPoints {
        let written = ends.iter().filter(|(_, end)| **end > 0);
        written
            .filter_map(|(log, end)| {
                let place = self.by_log.get(log)?;
                Some(((place.topic.clone(), place.partition), *end))
            })
            .collect()
    }
}

/// Everything was flushed up to `points` and nothing more will be written: the next start need not
/// check the files.
///
/// # Errors
/// The disk's; the next start then checks them.
pub fn mark_clean<D: Disk>(data: &DataDir<D>, points: &RecoveryPoints) -> Result<(), DirError> {
    data.write_checkpoint(Checkpoint::RecoveryPoint, points)?;
    data.write_checkpoint(Checkpoint::HighWatermark, points)?;
    data.write_clean_marker()
}
