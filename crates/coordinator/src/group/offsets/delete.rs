//! OffsetDelete, and all offsets of a group.

use crate::group::command::DeleteOffsets;
use crate::group::event::Event;
use crate::group::groups::Groups;
use crate::group::reply::{OffsetResults, Reply};
use crate::ids::TopicPartition;
use crate::machine::{Decision, Waiter};
use once_wire::ErrorCode;
use std::collections::BTreeSet;

/// OffsetDelete (KIP-496): only for topics to which the group is not subscribed.
pub(in crate::group) fn delete(
    groups: &Groups,
    waiter: Waiter,
    command: &DeleteOffsets,
) -> Decision<Groups> {
    let group = match groups.group(&command.group_id) {
        None => Err(ErrorCode::GroupIdNotFound),
        Some(group) => group.may_delete_offsets().map(|()| group),
    };
    let group = match group {
        Ok(group) => group,
        Err(error) => return Decision::reply(waiter, Reply::DeleteOffsets(Err(error))),
    };
    let mut decision = Decision::none();
    let mut results = OffsetResults::new();
    for partition in &command.partitions {
        let subscribed = group.is_subscribed_to(&partition.topic);
        if !subscribed && exists(groups, &command.group_id, partition) {
            decision
                .events
                .push(removed(&command.group_id, partition.clone()));
        }
        let error = if subscribed {
            ErrorCode::GroupSubscribedToTopic
        } else {
            ErrorCode::None
        };
        results.push((partition.clone(), error));
    }
    decision
        .replies
        .push((waiter, Reply::DeleteOffsets(Ok(results))));
    decision
}

/// Tombstones for all offsets of a group, pending ones too: each partition once.
pub(in crate::group) fn delete_all(groups: &Groups, group_id: &str) -> Vec<Event> {
    let partitions = partitions_of(groups, group_id);
    partitions
        .into_iter()
        .map(|partition| removed(group_id, partition))
        .collect()
}

fn partitions_of(groups: &Groups, group_id: &str) -> BTreeSet<TopicPartition> {
    let offsets = groups.offsets();
    let committed = offsets.committed.get(group_id).into_iter();
    committed
        .chain(offsets.pending.of_group(group_id))
        .flat_map(|offsets| offsets.iter())
        .map(|(topic, partition, _)| TopicPartition::new(topic, partition))
        .collect()
}

fn exists(groups: &Groups, group_id: &str, partition: &TopicPartition) -> bool {
    let (topic, index) = (&partition.topic, partition.partition);
    groups.offsets().committed(group_id, topic, index).is_some()
        || groups.offsets().pending.has(group_id, topic, index)
}

pub(super) fn removed(group_id: &str, partition: TopicPartition) -> Event {
    Event::OffsetRemoved {
        group_id: group_id.to_owned(),
        partition,
    }
}
