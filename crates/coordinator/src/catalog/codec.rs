//! The records of `__cluster_metadata`, as KRaft frames them: no key; the value is the frame's
//! version, the record's type and its version, all unsigned varints, then the record
//! (Kafka: `MetadataRecordSerde`).

use bytes::Bytes;
use once_wire::codec::Record;
use once_wire::record::metadata::{
    ConfigRecord, FeatureLevelRecord, PartitionRecord, ProducerIdsRecord, RemoveTopicRecord,
    TopicRecord,
};
use once_wire::{DecodeError, Message, Reader, Writer};

use super::command::Event;
use super::features::{SUPPORTED_FEATURES, SupportedFeature};
use super::state::{Partition, Resource, ResourceKind};
use crate::machine::{DamagedRecord, LogRecord};

/// Version of the frame.
const FRAME_VERSION: u32 = 1;
/// The version of each record that is written: the first.
const RECORD_VERSION: i16 = 0;
/// But of a partition whose directory is known the one that Kafka 4.3 writes.
const PARTITION_WITH_DIRECTORIES: i16 = 2;
/// No broker epoch: nodes of one process do not register.
const NO_EPOCH: i64 = -1;

/// The record of an event.
pub(super) fn encode(event: &Event) -> LogRecord {
    let value = match event {
        Event::TopicCreated { name, id } => framed(&TopicRecord {
            name: name.clone(),
            topic_id: *id,
            ..Default::default()
        }),
        Event::PartitionCreated {
            topic,
            index,
            partition,
        } => framed_partition(&PartitionRecord {
            partition_id: *index,
            topic_id: *topic,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            directories: partition.directories.clone(),
            ..Default::default()
        }),
        Event::TopicRemoved { id } => framed(&RemoveTopicRecord {
            topic_id: *id,
            ..Default::default()
        }),
        Event::ConfigChanged {
            resource,
            key,
            value,
        } => framed(&ConfigRecord {
            resource_type: resource.kind.id(),
            resource_name: resource.name.clone(),
            name: key.clone(),
            value: value.clone(),
            ..Default::default()
        }),
        Event::ProducerIdsTaken { node, next } => framed(&ProducerIdsRecord {
            broker_id: *node,
            broker_epoch: NO_EPOCH,
            next_producer_id: *next,
            ..Default::default()
        }),
        Event::FeatureFinalized { name, level } => framed(&FeatureLevelRecord {
            name: name.clone(),
            feature_level: *level,
            ..Default::default()
        }),
    };
    LogRecord {
        key: None,
        value: Some(value),
    }
}

fn framed<R: Message + Record>(record: &R) -> Bytes {
    framed_at(RECORD_VERSION, record)
}

fn framed_partition(record: &PartitionRecord) -> Bytes {
    let known = !record.directories.is_empty();
    let version = if known {
        PARTITION_WITH_DIRECTORIES
    } else {
        RECORD_VERSION
    };
    framed_at(version, record)
}

fn framed_at<R: Message + Record>(version: i16, record: &R) -> Bytes {
    let mut writer = Writer::new();
    writer.uvarint(FRAME_VERSION);
    writer.uvarint(u32::try_from(R::TYPE).expect("record types are positive"));
    writer.uvarint(u32::try_from(version).expect("versions are positive"));
    record
        .encode(&mut writer, version)
        .expect("what was validated fits its record");
    writer.finish_contiguous()
}

/// The event of a record. Types that we do not use are skipped; of those that we use, an unknown
/// version is damage, as what it changed cannot be known.
pub(super) fn decode(record: &LogRecord) -> Result<Option<Event>, DamagedRecord> {
    let value = record
        .value
        .as_ref()
        .ok_or_else(|| damaged("a record has no value"))?;
    // Our own log: the budget for strangers does not apply.
    let mut reader = Reader::with_budget(value.clone(), usize::MAX);
    let frame = reader.uvarint().map_err(unreadable)?;
    if frame != FRAME_VERSION {
        return Err(damaged(format!("a frame has the unknown version {frame}")));
    }
    let kind = reader.uvarint().map_err(unreadable)?;
    let version = reader.uvarint().map_err(unreadable)?;
    let kind = i16::try_from(kind).map_err(|_| damaged(format!("no record type {kind}")))?;
    let version = i16::try_from(version).map_err(|_| damaged(format!("no version {version}")))?;
    event(&mut reader, kind, version)
}

fn event(reader: &mut Reader, kind: i16, version: i16) -> Result<Option<Event>, DamagedRecord> {
    let event = match kind {
        TopicRecord::TYPE => {
            let record: TopicRecord = read(reader, version)?;
            Event::TopicCreated {
                name: record.name,
                id: record.topic_id,
            }
        }
        PartitionRecord::TYPE => {
            let record: PartitionRecord = read(reader, version)?;
            Event::PartitionCreated {
                topic: record.topic_id,
                index: record.partition_id,
                partition: Partition {
                    leader: record.leader,
                    leader_epoch: record.leader_epoch,
                    partition_epoch: record.partition_epoch,
                    replicas: record.replicas,
                    isr: record.isr,
                    directories: record.directories,
                },
            }
        }
        RemoveTopicRecord::TYPE => {
            let record: RemoveTopicRecord = read(reader, version)?;
            Event::TopicRemoved {
                id: record.topic_id,
            }
        }
        ConfigRecord::TYPE => {
            let record: ConfigRecord = read(reader, version)?;
            let Some(kind) = ResourceKind::from_id(record.resource_type) else {
                return Ok(None);
            };
            Event::ConfigChanged {
                resource: Resource {
                    kind,
                    name: record.resource_name,
                },
                key: record.name,
                value: record.value,
            }
        }
        ProducerIdsRecord::TYPE => {
            let record: ProducerIdsRecord = read(reader, version)?;
            Event::ProducerIdsTaken {
                node: record.broker_id,
                next: record.next_producer_id,
            }
        }
        FeatureLevelRecord::TYPE => {
            let record: FeatureLevelRecord = read(reader, version)?;
            let known = |feature: &&SupportedFeature| feature.name == record.name;
            let known = SUPPORTED_FEATURES.iter().find(known);
            let (name, level) = (&record.name, record.feature_level);
            let most = known.map_or(0, |known| known.max);
            if level > most {
                return Err(damaged(format!(
                    "{name} is finalized at level {level}, and this program knows levels up to {most}: start the \
                     version that wrote this directory"
                )));
            }
            Event::FeatureFinalized {
                name: record.name,
                level: record.feature_level,
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(event))
}

fn read<M: Message>(reader: &mut Reader, version: i16) -> Result<M, DamagedRecord> {
    M::decode(reader, version).map_err(unreadable)
}

fn unreadable(error: DecodeError) -> DamagedRecord {
    damaged(error.to_string())
}

fn damaged(why: impl Into<String>) -> DamagedRecord {
    DamagedRecord(format!("cluster metadata: {}", why.into()))
}
