//! Producing, alone and in transactions.

use std::collections::HashMap;
use std::time::Duration;

use confluent_kafka::common as ckc;
use confluent_kafka::common::header::{RecordHeader, RecordHeaders};
use confluent_kafka::common::serialization::ByteArraySerializer;
use confluent_kafka::consumer::{ConsumerGroupMetadata, OffsetAndMetadata};
use confluent_kafka::producer::{self as ck, Producer as _};

use super::error::{Call, translate};
use super::known_properties;
use crate::config::ProducerConfig;
use crate::engine::{Ack, Producer};
use crate::error::Error;
use crate::record::{Appended, GroupMetadata, NewRecord, Offsets};

/// A producer.
pub struct ConfluentProducer {
    client: ck::KafkaProducer<Vec<u8>, Vec<u8>>,
    /// What a failed call, and a failed record, mean to the caller.
    call: Call,
    ack: Call,
}

impl ConfluentProducer {
    pub(super) fn new(config: &ProducerConfig) -> Result<Self, Error> {
        let doing = "make a producer";
        let known = ck::ProducerConfig::config_names();
        let properties = known_properties(doing, config.properties(), &known)?;
        let (call, ack) = match config.transactional_id() {
            Some(_) => (Call::Transaction, Call::RecordInTransaction),
            None => (Call::Plain, Call::Record),
        };
        let raw =
            ck::ProducerConfig::new(&properties).map_err(|e| translate(doing, Call::Plain, &e))?;
        let client =
            ck::KafkaProducer::new(raw, ByteArraySerializer::new(), ByteArraySerializer::new())
                .map_err(|e| translate(doing, Call::Plain, &e))?;
        Ok(Self { client, call, ack })
    }
}

impl Producer for ConfluentProducer {
    async fn init_transactions(&self) -> Result<(), Error> {
        let done = self.client.init_transactions().await;
        done.map_err(|e| translate("init transactions", Call::Plain, &e))
    }

    fn begin_transaction(&self) -> Result<(), Error> {
        let done = self.client.begin_transaction();
        done.map_err(|e| translate("begin a transaction", self.call, &e))
    }

    async fn send(&self, record: NewRecord) -> Result<Ack, Error> {
        let (call, ack) = (self.call, self.ack);
        let doing = format!("produce to {}", record.topic);
        let borrowed = borrow(&record).map_err(|e| translate(&doing, Call::Plain, &e))?;
        // The inherent `send`, which takes slices and copies them straight into the batch.
        let sent = self
            .client
            .send(borrowed, None)
            .await
            .map_err(|e| translate(&doing, call, &e))?;
        Ok(Ack::new(async move {
            let stored = sent.get().await.map_err(|e| translate(doing, ack, &e))?;
            let offset = if stored.has_offset() {
                stored.offset()
            } else {
                -1
            };
            Ok(Appended {
                partition: stored.partition(),
                offset,
            })
        }))
    }

    async fn flush(&self) -> Result<(), Error> {
        self.client
            .flush()
            .await
            .map_err(|e| translate("flush", self.call, &e))
    }

    async fn send_offsets(&self, offsets: &Offsets, group: &GroupMetadata) -> Result<(), Error> {
        let doing = format!(
            "add the offsets of group {} to the transaction",
            group.group_id
        );
        let mut raw = HashMap::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            let position =
                OffsetAndMetadata::new(*offset).map_err(|e| translate(&doing, Call::Plain, &e))?;
            raw.insert(
                ckc::TopicPartition::new(partition.topic.as_str(), partition.partition),
                position,
            );
        }
        let sent = self
            .client
            .send_offsets_to_transaction(raw, &Group(group.clone()))
            .await;
        sent.map_err(|e| translate(doing, self.call, &e))
    }

    async fn commit_transaction(&self) -> Result<(), Error> {
        let done = self.client.commit_transaction().await;
        done.map_err(|e| translate("commit the transaction", self.call, &e))
    }

    async fn abort_transaction(&self) -> Result<(), Error> {
        let done = self.client.abort_transaction().await;
        done.map_err(|e| translate("abort the transaction", Call::AbortTransaction, &e))
    }

    async fn close(&self, timeout: Duration) -> Result<(), Error> {
        let done = self.client.close_with_timeout(timeout).await;
        done.map_err(|e| translate("close the producer", Call::Plain, &e))
    }
}

fn borrow(record: &NewRecord) -> Result<ck::ProducerRecord<&[u8], &[u8]>, ckc::Error> {
    let headers = record.headers.iter().map(|header| {
        RecordHeader::new(
            header.key.clone(),
            header.value.as_ref().map(|value| value.to_vec()),
        )
    });
    let options = ck::ProducerRecordOptionsBuilder::new()
        .set_topic(record.topic.clone())
        .set_partition(record.partition)
        .set_key(record.key.as_deref())
        .set_value(record.value.as_deref())
        .set_headers(Some(RecordHeaders::with_header_iter(headers)))
        .build()?;
    ck::ProducerRecord::with_options(options).map_err(ckc::Error::LocalIllegalArgument)
}

/// Our group metadata as the crate wants it: behind its trait.
#[derive(Debug)]
struct Group(GroupMetadata);

impl ConsumerGroupMetadata for Group {
    fn group_id(&self) -> &str {
        &self.0.group_id
    }

    fn generation_id(&self) -> i32 {
        self.0.generation_id
    }

    fn member_id(&self) -> &str {
        &self.0.member_id
    }

    fn group_instance_id(&self) -> Option<&str> {
        self.0.group_instance_id.as_deref()
    }
}
