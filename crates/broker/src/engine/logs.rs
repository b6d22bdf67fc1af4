//! Every partition that this node leads, by id and by name.

use super::ids::LogId;
use super::output::Output;
use super::space::Meter;
use once_log::{AppendError, Appended, PartitionLog};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// One partition and whose it is.
pub(crate) struct Partition {
    pub(crate) topic: String,
    pub(crate) topic_id: Uuid,
    pub(crate) index: i32,
    pub(crate) log: PartitionLog,
}

/// All partitions.
#[derive(Default)]
pub(crate) struct Logs {
    by_id: BTreeMap<LogId, Partition>,
    by_topic: BTreeMap<String, BTreeMap<i32, LogId>>,
    /// Logs of topics whose deletion is decided and not durable, and how far they are flushed: a crash
    /// would bring them back, so what waits for their flush still does.
    leaving: BTreeMap<LogId, i64>,
    meter: Meter,
}

impl Logs {
    /// Adds a partition under an id that is not in use.
    pub(crate) fn insert(&mut self, id: LogId, partition: Partition) {
        self.by_topic
            .entry(partition.topic.clone())
            .or_default()
            .insert(partition.index, id);
        let before = self.by_id.insert(id, partition);
        assert!(before.is_none(), "a log id names one partition");
    }

    /// Removes all partitions of a topic; returns their logs, with its name.
    pub(crate) fn remove_topic(&mut self, topic_id: Uuid) -> Vec<(LogId, String)> {
        let of_topic = |partition: &Partition| partition.topic_id == topic_id;
        let gone: Vec<LogId> = self
            .iter()
            .filter(|(_, p)| of_topic(p))
            .map(|(id, _)| id)
            .collect();
        let mut removed = Vec::with_capacity(gone.len());
        for id in gone {
            if let Some(partition) = self.by_id.remove(&id) {
                self.by_topic.remove(&partition.topic);
                self.leaving.insert(id, partition.log.high_watermark());
                removed.push((id, partition.topic));
            }
        }
        removed
    }

    /// The log of a partition.
    pub(crate) fn find(&self, topic: &str, index: i32) -> Option<LogId> {
        self.by_topic.get(topic)?.get(&index).copied()
    }

    /// The logs of a topic, by partition.
    pub(crate) fn of_topic(&self, topic: &str) -> Vec<LogId> {
        self.by_topic
            .get(topic)
            .map_or_else(Vec::new, |logs| logs.values().copied().collect())
    }

    /// A partition by its log.
    pub(crate) fn get(&self, id: LogId) -> Option<&Partition> {
        self.by_id.get(&id)
    }

    /// A partition by its log, to change it.
    pub(crate) fn get_mut(&mut self, id: LogId) -> Option<&mut Partition> {
        self.by_id.get_mut(&id)
    }

    /// All partitions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (LogId, &Partition)> {
        self.by_id.iter().map(|(id, partition)| (*id, partition))
    }

    /// All partitions, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (LogId, &mut Partition)> {
        self.by_id
            .iter_mut()
            .map(|(id, partition)| (*id, partition))
    }

    /// Whether a log is flushed up to `end`. A log that is gone holds nothing back.
    pub(crate) fn is_flushed(&self, id: LogId, end: i64) -> bool {
        let flushed = match self.by_id.get(&id) {
            Some(partition) => Some(partition.log.high_watermark()),
            None => self.leaving.get(&id).copied(),
        };
        flushed.is_none_or(|flushed| flushed >= end)
    }

    /// A log that is leaving was flushed up to `end`.
    pub(super) fn flushed_leaving(&mut self, id: LogId, end: i64) {
        if let Some(flushed) = self.leaving.get_mut(&id) {
            *flushed = end.max(*flushed);
        }
    }

    /// The deletion of a log's topic is durable.
    pub(super) fn left(&mut self, id: LogId) {
        self.leaving.remove(&id);
    }

    /// What was appended to all logs.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Takes note of what is flushed.
    pub(super) fn settle_meter(&mut self) {
        let mut meter = std::mem::take(&mut self.meter);
        meter.settle(|log, end| self.is_flushed(log, end));
        self.meter = meter;
    }

    /// Whether a log has met a producer.
    pub(super) fn knows(&self, id: LogId, producer_id: i64) -> bool {
        let partition = self.by_id.get(&id);
        partition.is_some_and(|partition| partition.log.knows(producer_id))
    }

    /// Appends to a log by `append` and asks for the write.
    ///
    /// # Errors
    /// What `append` refused; nothing changed.
    ///
    /// # Panics
    /// `id` names no log: callers look it up first, within the same step.
    pub(crate) fn append(
        &mut self,
        outputs: &mut Vec<Output>,
        id: LogId,
        append: impl FnOnce(&mut PartitionLog) -> Result<Appended, AppendError>,
    ) -> Result<Appended, AppendError> {
        let partition = self
            .by_id
            .get_mut(&id)
            .expect("the caller found this log in this step");
        let mut appended = append(&mut partition.log)?;
        if !appended.duplicate {
            let writes = std::mem::take(&mut appended.writes);
            let end = partition.log.end_offset();
            self.meter.add(id, end, &writes);
            outputs.push(Output::Write {
                log: id,
                writes,
                end,
            });
        }
        Ok(appended)
    }
}
