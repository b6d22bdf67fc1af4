//! The records of `__transaction_state`, as Kafka's `TransactionLog` writes them at
//! `transaction.version` 1 and above: key 0, value 1.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use once_wire::record::transaction_log::transaction_log_value::PartitionsSchema;
use once_wire::record::transaction_log::{TransactionLogKey, TransactionLogValue};
use once_wire::{Message, Reader, Writer};

use super::command::Event;
use super::state::{TransactionMetadata, TransactionState, TransactionVersion};
use crate::ids::TopicPartition;
use crate::machine::{DamagedRecord, LogRecord, ProducerIdentity};

/// Type of the key, before its body.
const KEY_TYPE: i16 = 0;
/// Version of the key's body, which is not written.
const KEY_VERSION: i16 = 0;
/// The value version written: the flexible one.
const VALUE_VERSION: i16 = 1;

/// The record of a durable event.
pub(super) fn encode(event: &Event) -> Option<LogRecord> {
    match event {
        Event::Stored {
            transactional_id,
            metadata,
        } => Some(LogRecord {
            key: Some(key(transactional_id)),
            value: Some(value(metadata)),
        }),
        Event::Removed { transactional_id } => Some(LogRecord {
            key: Some(key(transactional_id)),
            value: None,
        }),
        Event::Remembered { .. } | Event::Parked { .. } | Event::Released { .. } => None,
    }
}

/// The event of a record. Keys that we do not know are skipped, and a value that we do not know is refused, as Kafka
/// does (`TransactionLog.readTxnRecordKey`, `readTxnRecordValue`): a transaction that is not understood is not one that
/// never was.
pub(super) fn decode(record: &LogRecord) -> Result<Option<Event>, DamagedRecord> {
    let key = record
        .key
        .as_ref()
        .ok_or_else(|| damaged("a record has no key"))?;
    let Some(key) =
        prefixed::<TransactionLogKey>(key, |kind| (kind == KEY_TYPE).then_some(KEY_VERSION))?
    else {
        return Ok(None);
    };
    let transactional_id = key.transactional_id;
    let Some(value) = &record.value else {
        return Ok(Some(Event::Removed { transactional_id }));
    };
    let known = |version| {
        TransactionLogValue::VERSIONS
            .contains(version)
            .then_some(version)
    };
    let Some(value) = prefixed::<TransactionLogValue>(value, known)? else {
        return Err(damaged(format!(
            "{transactional_id} has a value of a version that this program does not know: start the version that wrote it"
        )));
    };
    let metadata = metadata(value)?;
    Ok(Some(Event::Stored {
        transactional_id,
        metadata,
    }))
}

fn damaged(why: impl Into<String>) -> DamagedRecord {
    DamagedRecord(format!("transaction log: {}", why.into()))
}

/// Decodes a message behind an `i16`, from which `version` tells the message's version, or that
/// the message is not ours.
fn prefixed<M: Message>(
    bytes: &Bytes,
    version: impl Fn(i16) -> Option<i16>,
) -> Result<Option<M>, DamagedRecord> {
    // Our own log: the budget for strangers does not apply.
    let mut reader = Reader::with_budget(bytes.clone(), usize::MAX);
    let prefix = reader.i16().map_err(|error| damaged(error.to_string()))?;
    let Some(version) = version(prefix) else {
        return Ok(None);
    };
    let message = M::decode(&mut reader, version).map_err(|error| damaged(error.to_string()))?;
    Ok(Some(message))
}

fn key(transactional_id: &str) -> Bytes {
    let key = TransactionLogKey {
        transactional_id: transactional_id.to_owned(),
    };
    written(KEY_TYPE, &key, KEY_VERSION)
}

fn value(metadata: &TransactionMetadata) -> Bytes {
    written(VALUE_VERSION, &log_value(metadata), VALUE_VERSION)
}

fn written<M: Message>(prefix: i16, message: &M, version: i16) -> Bytes {
    let mut writer = Writer::new();
    writer.i16(prefix);
    message
        .encode(&mut writer, version)
        .expect("ids that no key can hold were refused");
    writer.finish_contiguous()
}

fn log_value(metadata: &TransactionMetadata) -> TransactionLogValue {
    // Kafka writes no list at all for Empty and an empty one for Complete.
    let partitions =
        (metadata.state != TransactionState::Empty).then(|| by_topic(&metadata.partitions));
    TransactionLogValue {
        producer_id: metadata.producer.id,
        previous_producer_id: metadata.previous_producer_id,
        next_producer_id: metadata.next_producer_id,
        producer_epoch: metadata.producer.epoch,
        next_producer_epoch: metadata.next_producer_epoch,
        transaction_timeout_ms: metadata.timeout_ms,
        transaction_status: metadata.state.id(),
        transaction_partitions: partitions,
        transaction_last_update_timestamp_ms: metadata.last_update_ms,
        transaction_start_timestamp_ms: metadata.start_ms,
        client_transaction_version: metadata.client_version.level(),
        ..Default::default()
    }
}

fn by_topic(partitions: &BTreeSet<TopicPartition>) -> Vec<PartitionsSchema> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for TopicPartition { topic, partition } in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics
        .into_iter()
        .map(|(topic, partition_ids)| PartitionsSchema {
            topic: topic.to_owned(),
            partition_ids,
            ..Default::default()
        });
    topics.collect()
}

fn metadata(value: TransactionLogValue) -> Result<TransactionMetadata, DamagedRecord> {
    let state = TransactionState::from_id(value.transaction_status)
        .ok_or_else(|| damaged(format!("no state has the id {}", value.transaction_status)))?;
    let client_version = TransactionVersion::from_level(value.client_transaction_version)
        .ok_or_else(|| {
            damaged(format!(
                "no transaction version {}",
                value.client_transaction_version
            ))
        })?;
    let topics = value.transaction_partitions.unwrap_or_default();
    let partitions = topics.into_iter().flat_map(|schema| {
        let topic = schema.topic;
        schema
            .partition_ids
            .into_iter()
            .map(move |id| TopicPartition::new(topic.clone(), id))
    });
    Ok(TransactionMetadata {
        producer: ProducerIdentity {
            id: value.producer_id,
            epoch: value.producer_epoch,
        },
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        next_producer_epoch: value.next_producer_epoch,
        timeout_ms: value.transaction_timeout_ms,
        state,
        partitions: partitions.collect(),
        start_ms: value.transaction_start_timestamp_ms,
        last_update_ms: value.transaction_last_update_timestamp_ms,
        client_version,
    })
}
