//! Offsets of open transactions (KIP-98, KIP-447).
//!
//! They are written to the log at once, as transactional records, but count only from the COMMIT
//! marker on. Until then they make stable readers wait, and keep their partition's offset and their
//! group from being removed.

use super::store::{GroupOffsets, Stored};
use crate::ids::TopicPartition;
use std::collections::{BTreeMap, BTreeSet};

/// By producer id, then by group. Nothing in it is ever empty.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::group) struct Pending {
    by_producer: BTreeMap<i64, BTreeMap<String, GroupOffsets>>,
    /// The same seen from the group.
    producers: BTreeMap<String, BTreeSet<i64>>,
}

impl Pending {
    pub(super) fn put(
        &mut self,
        producer_id: i64,
        group_id: &str,
        partition: TopicPartition,
        stored: Stored,
    ) {
        let groups = self.by_producer.entry(producer_id).or_default();
        groups
            .entry(group_id.to_owned())
            .or_default()
            .put(partition, stored);
        self.producers
            .entry(group_id.to_owned())
            .or_default()
            .insert(producer_id);
    }

    pub(super) fn remove(&mut self, group_id: &str, partition: &TopicPartition) {
        let producers = self.producers.get(group_id).cloned().unwrap_or_default();
        for producer_id in producers {
            let groups = self
                .by_producer
                .get_mut(&producer_id)
                .expect("both maps name it");
            let offsets = groups.get_mut(group_id).expect("both maps name it");
            offsets.remove(partition);
            if offsets.is_empty() {
                groups.remove(group_id);
                if groups.is_empty() {
                    self.by_producer.remove(&producer_id);
                }
                self.unlink(group_id, producer_id);
            }
        }
    }

    /// Takes out all that a producer has pending.
    pub(super) fn take(&mut self, producer_id: i64) -> BTreeMap<String, GroupOffsets> {
        let taken = self.by_producer.remove(&producer_id).unwrap_or_default();
        for group_id in taken.keys() {
            self.unlink(group_id, producer_id);
        }
        taken
    }

    fn unlink(&mut self, group_id: &str, producer_id: i64) {
        let producers = self.producers.get_mut(group_id).expect("both maps name it");
        producers.remove(&producer_id);
        if producers.is_empty() {
            self.producers.remove(group_id);
        }
    }

    /// True if any open transaction has an offset of the group for this partition.
    pub(super) fn has(&self, group_id: &str, topic: &str, partition: i32) -> bool {
        self.of_group(group_id)
            .any(|offsets| offsets.get(topic, partition).is_some())
    }

    /// True if any open transaction has an offset of the group.
    pub(super) fn has_group(&self, group_id: &str) -> bool {
        self.producers.contains_key(group_id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    /// The pending offsets of a group, one item for each open transaction.
    pub(super) fn of_group(&self, group_id: &str) -> impl Iterator<Item = &GroupOffsets> {
        let producers = self.producers.get(group_id).into_iter().flatten();
        producers.filter_map(move |id| self.by_producer.get(id)?.get(group_id))
    }

    /// Every group that has a pending offset.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        self.producers.keys()
    }
}
