//! The offsets in memory.

use super::pending::Pending;
use crate::ids::TopicPartition;
use crate::machine::Millis;
use once_wire::Uuid;
use std::collections::BTreeMap;

/// What a group committed for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    /// Offset of the next record to read.
    pub offset: i64,
    /// Leader epoch of the last record read, −1 if unknown.
    pub leader_epoch: i32,
    /// The client's own text.
    pub metadata: String,
    /// When it was committed.
    pub commit_timestamp: Millis,
    /// When it ends, if the client said so (OffsetCommit versions 2 to 4).
    pub expire_timestamp: Option<Millis>,
    /// Id of the topic, zero if the client did not know it.
    pub topic_id: Uuid,
}

/// A committed offset with the place of its record, which decides between two commits whose
/// transactions end in another order than they were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stored {
    pub(super) value: CommittedOffset,
    pub(super) record_offset: i64,
}

/// The offsets of one group: by topic, then by partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct GroupOffsets(BTreeMap<String, BTreeMap<i32, Stored>>);

impl GroupOffsets {
    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<&Stored> {
        self.0.get(topic)?.get(&partition)
    }

    pub(super) fn put(&mut self, partition: TopicPartition, stored: Stored) {
        self.0
            .entry(partition.topic)
            .or_default()
            .insert(partition.partition, stored);
    }

    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        if let Some(partitions) = self.0.get_mut(&partition.topic) {
            partitions.remove(&partition.partition);
            if partitions.is_empty() {
                self.0.remove(&partition.topic);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i32, &Stored)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions
                .iter()
                .map(move |(partition, stored)| (topic.as_str(), *partition, stored))
        })
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (TopicPartition, Stored)> {
        self.0.into_iter().flat_map(|(topic, partitions)| {
            partitions.into_iter().map(move |(partition, stored)| {
                (TopicPartition::new(topic.clone(), partition), stored)
            })
        })
    }
}

/// All offsets of this partition of `__consumer_offsets`.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Offsets {
    pub(super) committed: BTreeMap<String, GroupOffsets>,
    pub(super) pending: Pending,
}

impl Offsets {
    /// A record with an offset was written at `record_offset`; with a producer id it waits.
    pub(crate) fn put(
        &mut self,
        group_id: &str,
        partition: TopicPartition,
        value: CommittedOffset,
        record_offset: i64,
        producer_id: Option<i64>,
    ) {
        let stored = Stored {
            value,
            record_offset,
        };
        match producer_id {
            None => {
                self.committed
                    .entry(group_id.to_owned())
                    .or_default()
                    .put(partition, stored);
            }
            Some(producer_id) => self.pending.put(producer_id, group_id, partition, stored),
        }
    }

    /// A tombstone was written: it ends pending offsets too.
    pub(crate) fn remove(&mut self, group_id: &str, partition: &TopicPartition) {
        if let Some(offsets) = self.committed.get_mut(group_id) {
            offsets.remove(partition);
            if offsets.is_empty() {
                self.committed.remove(group_id);
            }
        }
        self.pending.remove(group_id, partition);
    }

    /// A marker of `producer_id` was written. On commit the later record wins, not the later marker:
    /// a plain commit written after the transactional one stands.
    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        let ended = self.pending.take(producer_id);
        if !commit {
            return;
        }
        for (group_id, offsets) in ended {
            let committed = self.committed.entry(group_id).or_default();
            for (partition, stored) in offsets.into_iter() {
                let later = committed
                    .get(&partition.topic, partition.partition)
                    .is_none_or(|old| stored.record_offset > old.record_offset);
                if later {
                    committed.put(partition, stored);
                }
            }
        }
    }

    /// The committed offset, whatever is pending.
    pub(super) fn committed(&self, group_id: &str, topic: &str, partition: i32) -> Option<&Stored> {
        self.committed.get(group_id)?.get(topic, partition)
    }

    /// True if the group has an offset, committed or pending.
    pub(crate) fn has_group(&self, group_id: &str) -> bool {
        self.committed.contains_key(group_id) || self.pending.has_group(group_id)
    }

    /// True if nothing is stored at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }
}
