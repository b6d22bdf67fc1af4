//! Where each log's files are, and which writer owns them.

use super::points::{Checkpoints, Kept, Points};
use super::writer::{Owner, Work};
use crate::engine::LogId;
use once_log::store::{DataDir, Disk, OpenFiles, PartitionDir, ReadBuffers, SegmentReader, Store};
use once_wire::hash::java_hash;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of read buffers that are kept for the next reads.
const IDLE_BUFFERS: usize = 8 << 20;

struct Place<D: Disk> {
    /// The writer that owns its files. It follows from the name, so that a topic that is deleted
    /// and made again has its old files moved away before the new ones are written.
    writer: usize,
    reader: SegmentReader<D>,
}

/// All logs of a data directory. Every method says which writer gets which work; the work of one
/// writer is to be carried out in the order in which it was given out.
pub struct Places<D: Disk> {
    disk: Arc<D>,
    data: Arc<DataDir<D>>,
    writers: usize,
    kept: Kept<D>,
    by_log: BTreeMap<LogId, Place<D>>,
    buffers: ReadBuffers,
    files: OpenFiles,
}

impl<D: Disk> Places<D> {
    /// No logs yet; their files will be spread over so many writers, and readers keep so many of them open.
    #[must_use]
    pub fn new(disk: Arc<D>, data: Arc<DataDir<D>>, writers: usize, open_files: usize) -> Self {
        Self {
            kept: Kept::new(&data),
            disk,
            data,
            writers,
            by_log: BTreeMap::new(),
            buffers: ReadBuffers::new(IDLE_BUFFERS),
            files: OpenFiles::new(open_files),
        }
    }

    /// Takes over what recovery found.
    pub fn recovered(
        &mut self,
        stores: Vec<(LogId, PartitionDir, Store<D>)>,
        Checkpoints {
            points,
            starts,
            cleaned,
        }: Checkpoints,
    ) -> Vec<(usize, Work<D>)> {
        self.kept.points.recovered(points);
        self.kept.starts.recovered(starts);
        self.kept.cleaned.recovered(cleaned);
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
            reader: store
                .reader()
                .sharing(self.buffers.clone(), self.files.clone()),
        };
        self.by_log.insert(log, place);
        for checkpoint in self.kept.each() {
            checkpoint.name(log, &topic, partition);
        }
        let owner = Owner {
            topic,
            topic_id: store.topic_id(),
            partition,
        };
        (writer, Work::Open(log, owner, Box::new(store)))
    }

    /// The writer that owns a log's files; none if the log is gone.
    #[must_use]
    pub fn writer_of(&self, log: LogId) -> Option<usize> {
        self.by_log.get(&log).map(|place| place.writer)
    }

    /// How far each log is on disk for certain.
    #[must_use]
    pub fn points(&self) -> Arc<Points<D>> {
        Arc::clone(&self.kept.points)
    }

    /// All that is written down of logs, for their writer.
    #[must_use]
    pub fn kept(&self) -> Kept<D> {
        self.kept.clone()
    }

    /// How far each log is compacted for certain.
    #[must_use]
    pub fn cleaned(&self) -> Arc<Points<D>> {
        Arc::clone(&self.kept.cleaned)
    }

    /// A reader of a log's files; none if the log is gone.
    #[must_use]
    pub fn reader(&self, log: LogId) -> Option<SegmentReader<D>> {
        self.by_log.get(&log).map(|place| place.reader.clone())
    }

    /// All logs.
    #[must_use]
    pub fn logs(&self) -> Vec<LogId> {
        self.by_log.keys().copied().collect()
    }

    /// A reader of a log's files, and up to where they are on disk for certain; none if the log is gone.
    #[must_use]
    pub fn on_disk(&self, log: LogId) -> Option<(SegmentReader<D>, i64)> {
        Some((self.reader(log)?, self.kept.points.of(log)))
    }

    /// A log whose topic was deleted. `unique` names the directory on its way out.
    pub fn remove(&mut self, log: LogId, unique: Uuid) -> Option<(usize, Work<D>)> {
        let place = self.by_log.remove(&log)?;
        for checkpoint in self.kept.each() {
            checkpoint.forget(log);
        }
        Some((place.writer, Work::Remove(log, unique)))
    }
}
