//! The records of KIP-848 groups.

use super::{body, read_versioned, record, versioned};
use crate::group::command::MemberOrigin;
use crate::group::consumer::{
    ConsumerMemberRecord, CurrentAssignment, MemberState, Owned, Partitions, ResolvedRegex,
};
use crate::group::event::{ConsumerEvent, Event};
use crate::machine::{DamagedRecord, LogRecord};
use bytes::Bytes;
use once_wire::record::group as wire;
use once_wire::record::group::consumer_group_current_member_assignment_value::TopicPartitions;
use once_wire::record::group::consumer_group_target_assignment_member_value::TopicPartition;
use once_wire::{Reader, Record};

/// The record of a durable step.
pub(super) fn encode(group_id: &str, event: &ConsumerEvent) -> Option<LogRecord> {
    let group_id = group_id.to_owned();
    Some(match event {
        ConsumerEvent::Epoch(epoch) => {
            let key = wire::ConsumerGroupMetadataKey { group_id };
            record(&key, epoch.map(|(epoch, hash)| epoch_value(epoch, hash)))
        }
        ConsumerEvent::Member {
            member_id,
            record: member,
        } => {
            let member_id = member_id.clone();
            let key = wire::ConsumerGroupMemberMetadataKey {
                group_id,
                member_id,
            };
            record(&key, member.as_ref().map(member_value))
        }
        ConsumerEvent::TargetEpoch(epoch) => {
            let key = wire::ConsumerGroupTargetAssignmentMetadataKey { group_id };
            record(&key, epoch.map(|(epoch, at)| target_epoch_value(epoch, at)))
        }
        ConsumerEvent::Target {
            member_id,
            partitions,
        } => {
            let member_id = member_id.clone();
            let key = wire::ConsumerGroupTargetAssignmentMemberKey {
                group_id,
                member_id,
            };
            record(&key, partitions.as_ref().map(target_value))
        }
        ConsumerEvent::Current {
            member_id,
            assignment,
        } => {
            let member_id = member_id.clone();
            let key = wire::ConsumerGroupCurrentMemberAssignmentKey {
                group_id,
                member_id,
            };
            record(&key, assignment.as_ref().map(current_value))
        }
        ConsumerEvent::Regex { pattern, resolved } => {
            let regular_expression = pattern.clone();
            let key = wire::ConsumerGroupRegularExpressionKey {
                group_id,
                regular_expression,
            };
            record(&key, resolved.as_ref().map(regex_value))
        }
        ConsumerEvent::SessionExtended { .. } | ConsumerEvent::RevocationDue { .. } => return None,
    })
}

/// The step of a record; `None` if it is not of a consumer group.
pub(super) fn decode(
    kind: i16,
    key: &mut Reader,
    value: Option<&Bytes>,
) -> Result<Option<Event>, DamagedRecord> {
    let (group_id, event) = match kind {
        wire::ConsumerGroupMetadataKey::TYPE => {
            let key: wire::ConsumerGroupMetadataKey = body(key, 0, "ConsumerGroupMetadataKey")?;
            (
                key.group_id,
                ConsumerEvent::Epoch(value.map(read_epoch).transpose()?),
            )
        }
        wire::ConsumerGroupMemberMetadataKey::TYPE => {
            let key: wire::ConsumerGroupMemberMetadataKey =
                body(key, 0, "ConsumerGroupMemberMetadataKey")?;
            let record = value.map(read_member).transpose()?;
            (
                key.group_id,
                ConsumerEvent::Member {
                    member_id: key.member_id,
                    record,
                },
            )
        }
        wire::ConsumerGroupTargetAssignmentMetadataKey::TYPE => {
            let key: wire::ConsumerGroupTargetAssignmentMetadataKey =
                body(key, 0, "ConsumerGroupTargetAssignmentMetadataKey")?;
            (
                key.group_id,
                ConsumerEvent::TargetEpoch(value.map(read_target_epoch).transpose()?),
            )
        }
        wire::ConsumerGroupTargetAssignmentMemberKey::TYPE => {
            let key: wire::ConsumerGroupTargetAssignmentMemberKey =
                body(key, 0, "ConsumerGroupTargetAssignmentMemberKey")?;
            let partitions = value.map(read_target).transpose()?;
            (
                key.group_id,
                ConsumerEvent::Target {
                    member_id: key.member_id,
                    partitions,
                },
            )
        }
        wire::ConsumerGroupCurrentMemberAssignmentKey::TYPE => {
            let key: wire::ConsumerGroupCurrentMemberAssignmentKey =
                body(key, 0, "ConsumerGroupCurrentMemberAssignmentKey")?;
            let assignment = value.map(read_current).transpose()?;
            (
                key.group_id,
                ConsumerEvent::Current {
                    member_id: key.member_id,
                    assignment,
                },
            )
        }
        wire::ConsumerGroupRegularExpressionKey::TYPE => {
            let key: wire::ConsumerGroupRegularExpressionKey =
                body(key, 0, "ConsumerGroupRegularExpressionKey")?;
            let resolved = value.map(read_regex).transpose()?;
            (
                key.group_id,
                ConsumerEvent::Regex {
                    pattern: key.regular_expression,
                    resolved,
                },
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(Event::Consumer { group_id, event }))
}

fn epoch_value(epoch: i32, metadata_hash: i64) -> Bytes {
    versioned(
        0,
        &wire::ConsumerGroupMetadataValue {
            epoch,
            metadata_hash,
            ..Default::default()
        },
    )
}

fn read_epoch(value: &Bytes) -> Result<(i32, i64), DamagedRecord> {
    let value: wire::ConsumerGroupMetadataValue =
        read_versioned(value, "ConsumerGroupMetadataValue")?;
    Ok((value.epoch, value.metadata_hash))
}

fn member_value(member: &ConsumerMemberRecord) -> Bytes {
    let value = wire::ConsumerGroupMemberMetadataValue {
        instance_id: member.instance_id.clone(),
        rack_id: member.rack_id.clone(),
        client_id: member.origin.client_id.clone(),
        client_host: member.origin.client_host.clone(),
        subscribed_topic_names: member.subscribed_topics.iter().cloned().collect(),
        subscribed_topic_regex: member.subscribed_regex.clone(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        server_assignor: member.server_assignor.clone(),
        ..Default::default()
    };
    versioned(0, &value)
}

fn read_member(value: &Bytes) -> Result<ConsumerMemberRecord, DamagedRecord> {
    let value: wire::ConsumerGroupMemberMetadataValue =
        read_versioned(value, "ConsumerGroupMemberMetadataValue")?;
    Ok(ConsumerMemberRecord {
        instance_id: value.instance_id,
        rack_id: value.rack_id,
        origin: MemberOrigin {
            client_id: value.client_id,
            client_host: value.client_host,
        },
        subscribed_topics: value.subscribed_topic_names.into_iter().collect(),
        subscribed_regex: value.subscribed_topic_regex,
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        server_assignor: value.server_assignor,
    })
}

fn target_epoch_value(assignment_epoch: i32, assignment_timestamp: i64) -> Bytes {
    let value = wire::ConsumerGroupTargetAssignmentMetadataValue {
        assignment_epoch,
        assignment_timestamp,
        ..Default::default()
    };
    versioned(0, &value)
}

fn read_target_epoch(value: &Bytes) -> Result<(i32, i64), DamagedRecord> {
    let value: wire::ConsumerGroupTargetAssignmentMetadataValue =
        read_versioned(value, "ConsumerGroupTargetAssignmentMetadataValue")?;
    Ok((value.assignment_epoch, value.assignment_timestamp))
}

fn target_value(partitions: &Partitions) -> Bytes {
    let topic = |(topic_id, partitions): (&once_wire::Uuid, &std::collections::BTreeSet<i32>)| {
        let partitions = partitions.iter().copied().collect();
        TopicPartition {
            topic_id: *topic_id,
            partitions,
            ..Default::default()
        }
    };
    let value = wire::ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: partitions.iter().map(topic).collect(),
        ..Default::default()
    };
    versioned(0, &value)
}

fn read_target(value: &Bytes) -> Result<Partitions, DamagedRecord> {
    let value: wire::ConsumerGroupTargetAssignmentMemberValue =
        read_versioned(value, "ConsumerGroupTargetAssignmentMemberValue")?;
    let topics = value.topic_partitions.into_iter();
    Ok(topics
        .map(|topic| (topic.topic_id, topic.partitions.into_iter().collect()))
        .collect())
}

fn current_value(assignment: &CurrentAssignment) -> Bytes {
    let value = wire::ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: assignment.epoch,
        previous_member_epoch: assignment.previous_epoch,
        state: state_code(assignment.state),
        assigned_partitions: owned_value(&assignment.assigned),
        partitions_pending_revocation: owned_value(&assignment.revoking),
        ..Default::default()
    };
    versioned(0, &value)
}

fn read_current(value: &Bytes) -> Result<CurrentAssignment, DamagedRecord> {
    let value: wire::ConsumerGroupCurrentMemberAssignmentValue =
        read_versioned(value, "ConsumerGroupCurrentMemberAssignmentValue")?;
    Ok(CurrentAssignment {
        epoch: value.member_epoch,
        previous_epoch: value.previous_member_epoch,
        state: state_of(value.state),
        assigned: read_owned(value.assigned_partitions, value.member_epoch)?,
        revoking: read_owned(value.partitions_pending_revocation, value.member_epoch)?,
    })
}

fn owned_value(owned: &Owned) -> Vec<TopicPartitions> {
    let topic = |(topic_id, partitions): (&once_wire::Uuid, &_)| {
        let partitions: &std::collections::BTreeMap<i32, i32> = partitions;
        TopicPartitions {
            topic_id: *topic_id,
            partitions: partitions.keys().copied().collect(),
            assignment_epochs: Some(partitions.values().copied().collect()),
            ..Default::default()
        }
    };
    owned.iter().map(topic).collect()
}

/// Records of brokers before 4.3 have no epochs of their own: the member's stands for them.
fn read_owned(topics: Vec<TopicPartitions>, member_epoch: i32) -> Result<Owned, DamagedRecord> {
    let mut owned = Owned::new();
    for topic in topics {
        let count = topic.partitions.len();
        let epochs = topic
            .assignment_epochs
            .unwrap_or_else(|| vec![member_epoch; count]);
        if epochs.len() != count {
            let text = "ConsumerGroupCurrentMemberAssignmentValue: epochs and partitions differ";
            return Err(DamagedRecord(text.to_owned()));
        }
        owned.insert(
            topic.topic_id,
            topic.partitions.into_iter().zip(epochs).collect(),
        );
    }
    Ok(owned)
}

/// Kafka's `MemberState` numbers.
fn state_code(state: MemberState) -> i8 {
    match state {
        MemberState::Stable => 0,
        MemberState::UnrevokedPartitions => 1,
        MemberState::UnreleasedPartitions => 2,
        MemberState::Unknown => 127,
    }
}

fn state_of(code: i8) -> MemberState {
    match code {
        0 => MemberState::Stable,
        1 => MemberState::UnrevokedPartitions,
        2 => MemberState::UnreleasedPartitions,
        _ => MemberState::Unknown,
    }
}

fn regex_value(resolved: &ResolvedRegex) -> Bytes {
    let value = wire::ConsumerGroupRegularExpressionValue {
        topics: resolved.topics.iter().cloned().collect(),
        version: resolved.version,
        timestamp: resolved.timestamp,
        ..Default::default()
    };
    versioned(0, &value)
}

fn read_regex(value: &Bytes) -> Result<ResolvedRegex, DamagedRecord> {
    let value: wire::ConsumerGroupRegularExpressionValue =
        read_versioned(value, "ConsumerGroupRegularExpressionValue")?;
    Ok(ResolvedRegex {
        topics: value.topics.into_iter().collect(),
        version: value.version,
        timestamp: value.timestamp,
    })
}
