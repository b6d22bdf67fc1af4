//! Offsets of topics that are gone.
//!
//! Whatever the topics are now, an offset of a topic that is not among them goes; so does one of another
//! topic of the same name, which the topic id tells, where the offset has one. So the first image after
//! a restart finds what a crash has left.

use super::MOST_EVENTS;
use super::delete::removed;
use crate::group::event::Event;
use crate::group::groups::Groups;
use crate::group::topics::TopicImage;
use crate::ids::TopicPartition;
use once_wire::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// Offsets that are to be removed: more than one decision may remove. Volatile, as the image is.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::group) struct Doomed(BTreeSet<(String, TopicPartition)>);

impl Doomed {
    pub(in crate::group) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::group) fn extend(&mut self, gone: Vec<(String, TopicPartition)>) {
        self.0.extend(gone);
    }

    /// The offset was removed, or committed anew.
    pub(in crate::group) fn forget(&mut self, group_id: &str, partition: &TopicPartition) {
        if !self.is_empty() {
            self.0.remove(&(group_id.to_owned(), partition.clone()));
        }
    }

    /// Tombstones for the first of them.
    pub(in crate::group) fn tombstones(&self) -> Vec<Event> {
        let first = self.0.iter().take(MOST_EVENTS);
        first
            .map(|(group_id, partition)| removed(group_id, partition.clone()))
            .collect()
    }
}

/// Tombstones for the first offsets of topics that `next` has no more.
pub(in crate::group) fn forget_gone_topics(groups: &Groups, next: &TopicImage) -> Vec<Event> {
    let mut doomed = Doomed::default();
    doomed.extend(gone_offsets(groups, next));
    doomed.tombstones()
}

/// The offsets, by group, of topics that `next` has no more, pending ones too. A tombstone ends all
/// that is stored for a partition, so one stays while any of that is of a topic that is there.
pub(in crate::group) fn gone_offsets(
    groups: &Groups,
    next: &TopicImage,
) -> Vec<(String, TopicPartition)> {
    let offsets = groups.offsets();
    let group_ids: BTreeSet<&String> = offsets
        .committed
        .keys()
        .chain(offsets.pending.groups())
        .collect();
    let mut gone = Vec::new();
    for group_id in group_ids {
        let committed = offsets.committed.get(group_id).into_iter();
        let stored = committed
            .chain(offsets.pending.of_group(group_id))
            .flat_map(|offsets| offsets.iter());
        let mut partitions: BTreeMap<(&str, i32), bool> = BTreeMap::new();
        for (topic, partition, stored) in stored {
            let is_gone = is_gone(groups.topics(), next, topic, stored.value.topic_id);
            *partitions.entry((topic, partition)).or_insert(true) &= is_gone;
        }
        let all_gone = partitions.into_iter().filter(|(_, all_gone)| *all_gone);
        gone.extend(all_gone.map(|((topic, partition), _)| {
            (group_id.clone(), TopicPartition::new(topic, partition))
        }));
    }
    gone
}

/// Whether an offset stored for `topic` under this id, zero if unknown, is of no topic in `next`.
fn is_gone(now: &TopicImage, next: &TopicImage, topic: &str, stored_id: Uuid) -> bool {
    match next.topic(topic) {
        None => true,
        Some(_) if stored_id.is_zero() => now.is_gone_in(topic, next),
        Some(new) => new.id != stored_id,
    }
}
