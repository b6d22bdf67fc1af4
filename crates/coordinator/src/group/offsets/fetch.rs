//! OffsetFetch (Kafka: `OffsetMetadataManager.fetchOffsets`).
//!
//! With `require_stable` a partition that has a pending offset is answered UNSTABLE_OFFSET_COMMIT,
//! and the client asks again: the new owner of a partition waits until the old owner's transaction
//! is decided (KIP-447). Without it the last committed value is given.

use crate::group::groups::{Group, Groups};
use crate::ids::TopicPartition;
use once_wire::{ErrorCode, Uuid};

/// A read of a group's offsets.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchOffsets {
    /// Group id.
    pub group_id: String,
    /// The member that asks (version 9 on); `None` from anyone else.
    pub member: Option<(String, i32)>,
    /// The partitions with their topic's id (zero if the client gave none); `None` for all that the
    /// group has.
    pub partitions: Option<Vec<(TopicPartition, Uuid)>>,
    /// Answer only with offsets that no open transaction may replace.
    pub require_stable: bool,
}

/// One partition's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The topic's id as stored with the offset, zero if unknown.
    pub topic_id: Uuid,
    /// Committed offset, −1 if there is none.
    pub offset: i64,
    /// Leader epoch, −1 if unknown.
    pub leader_epoch: i32,
    /// The client's own text.
    pub metadata: String,
    /// [`ErrorCode::None`] or [`ErrorCode::UnstableOffsetCommit`].
    pub error: ErrorCode,
}

impl FetchedOffset {
    fn none(partition: TopicPartition, topic_id: Uuid, error: ErrorCode) -> Self {
        Self {
            partition,
            topic_id,
            offset: -1,
            leader_epoch: -1,
            metadata: String::new(),
            error,
        }
    }
}

/// The offsets asked for, in order; for all, by topic and partition.
pub(in crate::group) fn fetch(
    groups: &Groups,
    request: &FetchOffsets,
) -> Result<Vec<FetchedOffset>, ErrorCode> {
    let known = match groups.group(&request.group_id) {
        None => false,
        Some(Group::Classic(_)) => true,
        Some(Group::Consumer(group)) => {
            group.may_fetch(request.member.as_ref())?;
            true
        }
    };
    let answer = |partition: TopicPartition, topic_id: Uuid| {
        if known {
            one(groups, request, partition, topic_id)
        } else {
            FetchedOffset::none(partition, topic_id, ErrorCode::None)
        }
    };
    Ok(match &request.partitions {
        Some(asked) => asked
            .iter()
            .map(|(partition, id)| answer(partition.clone(), *id))
            .collect(),
        None => all(groups, &request.group_id)
            .into_iter()
            .map(|partition| answer(partition, Uuid::ZERO))
            .collect(),
    })
}

fn one(
    groups: &Groups,
    request: &FetchOffsets,
    partition: TopicPartition,
    topic_id: Uuid,
) -> FetchedOffset {
    let offsets = groups.offsets();
    let (topic, index) = (&partition.topic, partition.partition);
    if request.require_stable && offsets.pending.has(&request.group_id, topic, index) {
        return FetchedOffset::none(partition, topic_id, ErrorCode::UnstableOffsetCommit);
    }
    match offsets.committed(&request.group_id, topic, index) {
        // An offset of another topic that had the same name says nothing about this one.
        Some(stored) if same_topic(topic_id, stored.value.topic_id) => FetchedOffset {
            topic_id: if topic_id.is_zero() {
                stored.value.topic_id
            } else {
                topic_id
            },
            offset: stored.value.offset,
            leader_epoch: stored.value.leader_epoch,
            metadata: stored.value.metadata.clone(),
            error: ErrorCode::None,
            partition,
        },
        Some(_) | None => FetchedOffset::none(partition, topic_id, ErrorCode::None),
    }
}

fn same_topic(asked: Uuid, stored: Uuid) -> bool {
    asked.is_zero() || stored.is_zero() || asked == stored
}

fn all(groups: &Groups, group_id: &str) -> Vec<TopicPartition> {
    let offsets = groups.offsets().committed.get(group_id);
    let offsets = offsets.into_iter().flat_map(|offsets| offsets.iter());
    offsets
        .map(|(topic, partition, _)| TopicPartition::new(topic, partition))
        .collect()
}
