//! Events as records of `__consumer_offsets`, and back.
//!
//! A key is its type (16 bits) and a structure, a value its version and a structure; versions as
//! Kafka 4.3 writes them.

mod consumer;

use super::command::MemberOrigin;
use super::event::{Event, GroupRecord, MemberRecord};
use super::offsets::CommittedOffset;
use crate::ids::TopicPartition;
use crate::machine::{DamagedRecord, LogRecord, ProducerIdentity};
use bytes::Bytes;
use once_wire::record::group as wire;
use once_wire::record::group::group_metadata_value::MemberMetadata;
use once_wire::{Message, Reader, Record, Writer};

/// OffsetCommitKey's type before KIP-848; it says the same.
const OLD_OFFSET_COMMIT_KEY: i16 = 0;
const OFFSET_COMMIT_VERSION: i16 = 4;
/// The only version that has an expiry of its own.
const OFFSET_COMMIT_EXPIRING_VERSION: i16 = 1;
const GROUP_METADATA_VERSION: i16 = 3;

/// The record of a durable event.
pub(super) fn encode(event: &Event) -> Option<LogRecord> {
    match event {
        Event::OffsetCommitted {
            group_id,
            partition,
            offset,
            ..
        } => Some(record(
            &offset_key(group_id, partition),
            Some(offset_value(offset)),
        )),
        Event::OffsetRemoved {
            group_id,
            partition,
        } => Some(record(&offset_key(group_id, partition), None)),
        Event::ClassicGroup {
            group_id,
            record: group,
        } => {
            let key = wire::GroupMetadataKey {
                group: group_id.clone(),
            };
            Some(record(&key, group.as_ref().map(group_value)))
        }
        Event::Consumer { group_id, event } => consumer::encode(group_id, event),
        Event::Classic { .. }
        | Event::TransactionEnded { .. }
        | Event::Topics(_)
        | Event::ExpiryScheduled(_) => None,
    }
}

/// The event of a record; `None` if it is of a kind that we do not keep.
pub(super) fn decode(
    record: &LogRecord,
    producer: Option<ProducerIdentity>,
) -> Result<Option<Event>, DamagedRecord> {
    let damaged = || DamagedRecord("a record of __consumer_offsets has no key".to_owned());
    let mut key = Reader::new(record.key.clone().ok_or_else(damaged)?);
    let kind = key.i16().map_err(broken("key"))?;
    let value = record.value.as_ref();
    match kind {
        OLD_OFFSET_COMMIT_KEY | wire::OffsetCommitKey::TYPE => {
            let key: wire::OffsetCommitKey = body(&mut key, 0, "OffsetCommitKey")?;
            offset_event(key, value, producer).map(Some)
        }
        wire::GroupMetadataKey::TYPE => {
            let key: wire::GroupMetadataKey = body(&mut key, 0, "GroupMetadataKey")?;
            let record = value.map(group_record).transpose()?;
            Ok(Some(Event::ClassicGroup {
                group_id: key.group,
                record,
            }))
        }
        other => consumer::decode(other, &mut key, value),
    }
}

fn offset_key(group_id: &str, partition: &TopicPartition) -> wire::OffsetCommitKey {
    wire::OffsetCommitKey {
        group: group_id.to_owned(),
        topic: partition.topic.clone(),
        partition: partition.partition,
    }
}

fn offset_value(offset: &CommittedOffset) -> Bytes {
    let value = wire::OffsetCommitValue {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata.clone(),
        commit_timestamp: offset.commit_timestamp,
        expire_timestamp: offset.expire_timestamp.unwrap_or(-1),
        topic_id: offset.topic_id,
        ..Default::default()
    };
    let expiring = offset.expire_timestamp.is_some();
    versioned(
        if expiring {
            OFFSET_COMMIT_EXPIRING_VERSION
        } else {
            OFFSET_COMMIT_VERSION
        },
        &value,
    )
}

fn offset_event(
    key: wire::OffsetCommitKey,
    value: Option<&Bytes>,
    producer: Option<ProducerIdentity>,
) -> Result<Event, DamagedRecord> {
    let group_id = key.group;
    let partition = TopicPartition {
        topic: key.topic,
        partition: key.partition,
    };
    let Some(value) = value else {
        return Ok(Event::OffsetRemoved {
            group_id,
            partition,
        });
    };
    let value: wire::OffsetCommitValue = read_versioned(value, "OffsetCommitValue")?;
    let offset = CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata,
        commit_timestamp: value.commit_timestamp,
        expire_timestamp: (value.expire_timestamp >= 0).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    };
    Ok(Event::OffsetCommitted {
        group_id,
        partition,
        offset,
        producer,
    })
}

fn group_value(group: &GroupRecord) -> Bytes {
    let member = |member: &MemberRecord| MemberMetadata {
        member_id: member.member_id.clone(),
        group_instance_id: member.instance_id.clone(),
        client_id: member.origin.client_id.clone(),
        client_host: member.origin.client_host.clone(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
        ..Default::default()
    };
    let value = wire::GroupMetadataValue {
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        generation: group.generation,
        protocol: group.protocol_name.clone(),
        leader: group.leader.clone(),
        current_state_timestamp: group.state_since.unwrap_or(-1),
        members: group.members.iter().map(member).collect(),
        ..Default::default()
    };
    versioned(GROUP_METADATA_VERSION, &value)
}

fn group_record(value: &Bytes) -> Result<GroupRecord, DamagedRecord> {
    let value: wire::GroupMetadataValue = read_versioned(value, "GroupMetadataValue")?;
    let member = |member: MemberMetadata| MemberRecord {
        member_id: member.member_id,
        instance_id: member.group_instance_id,
        origin: MemberOrigin {
            client_id: member.client_id,
            client_host: member.client_host,
        },
        // Version 0 had one timeout for both.
        rebalance_timeout_ms: match member.rebalance_timeout {
            -1 => member.session_timeout,
            timeout => timeout,
        },
        session_timeout_ms: member.session_timeout,
        subscription: member.subscription,
        assignment: member.assignment,
    };
    Ok(GroupRecord {
        protocol_type: Some(value.protocol_type).filter(|kind| !kind.is_empty()),
        generation: value.generation,
        protocol_name: value.protocol,
        leader: value.leader,
        state_since: (value.current_state_timestamp >= 0).then_some(value.current_state_timestamp),
        members: value.members.into_iter().map(member).collect(),
    })
}

/// A record of this key; every key has one version only.
fn record<K: Record>(key: &K, value: Option<Bytes>) -> LogRecord {
    let mut writer = Writer::new();
    writer.i16(K::TYPE);
    key.encode(&mut writer, 0)
        .expect("texts that do not fit were refused");
    LogRecord {
        key: Some(writer.finish_contiguous()),
        value,
    }
}

fn versioned<V: Message>(version: i16, value: &V) -> Bytes {
    let mut writer = Writer::new();
    writer.i16(version);
    value
        .encode(&mut writer, version)
        .expect("texts that do not fit were refused");
    writer.finish_contiguous()
}

fn read_versioned<V: Message>(value: &Bytes, name: &str) -> Result<V, DamagedRecord> {
    // Our own log: the budget for strangers does not apply.
    let mut reader = Reader::with_budget(value.clone(), usize::MAX);
    let version = reader.i16().map_err(broken(name))?;
    body(&mut reader, version, name)
}

fn body<M: Message>(reader: &mut Reader, version: i16, name: &str) -> Result<M, DamagedRecord> {
    M::decode(reader, version).map_err(broken(name))
}

fn broken(name: &str) -> impl Fn(once_wire::DecodeError) -> DamagedRecord {
    move |error| DamagedRecord(format!("{name}: {error}"))
}
