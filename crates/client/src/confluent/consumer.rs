//! Reading, as a group's member or by one's own assignment.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use confluent_kafka::common as ckc;
use confluent_kafka::common::header::{Header as _, Headers as _};
use confluent_kafka::common::serialization::BytesDeserializer;
use confluent_kafka::consumer::{self as ck, Consumer as _};

use super::error::{Call, translate};
use super::known_properties;
use crate::config::ConsumerConfig;
use crate::engine::Consumer;
use crate::error::Error;
use crate::record::{GroupMetadata, Header, Offsets, Record, TopicPartition};

/// A consumer.
pub struct ConfluentConsumer {
    client: ck::KafkaConsumer<Bytes, Bytes>,
}

impl ConfluentConsumer {
    pub(super) fn new(config: &ConsumerConfig) -> Result<Self, Error> {
        let doing = "make a consumer";
        let known = ck::ConsumerConfig::config_names();
        let properties = known_properties(doing, config.properties(), &known)?;
        let raw =
            ck::ConsumerConfig::new(&properties).map_err(|e| translate(doing, Call::Plain, &e))?;
        let client =
            ck::KafkaConsumer::new(raw, BytesDeserializer::new(), BytesDeserializer::new())
                .map_err(|e| translate(doing, Call::Plain, &e))?;
        Ok(Self { client })
    }
}

impl Consumer for ConfluentConsumer {
    async fn subscribe(&mut self, topics: &[&str]) -> Result<(), Error> {
        let doing = format!("subscribe to {}", topics.join(", "));
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        let done = self.client.subscribe_with_topics(topics).await;
        done.map_err(|e| translate(doing, Call::Plain, &e))
    }

    async fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let done = self
            .client
            .assign(partitions.iter().map(raw_partition).collect())
            .await;
        done.map_err(|e| translate("assign partitions", Call::Plain, &e))
    }

    async fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, Error> {
        let polled = self
            .client
            .poll(timeout)
            .await
            .map_err(|e| translate("read", Call::Plain, &e))?;
        Ok(polled.into_iter().map(|record| own(&record)).collect())
    }

    fn assignment(&mut self) -> Vec<TopicPartition> {
        let mut assigned: Vec<TopicPartition> =
            self.client.assignment().iter().map(our_partition).collect();
        assigned.sort();
        assigned
    }

    async fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), Error> {
        let done = self
            .client
            .seek_with_offset(raw_partition(partition), offset)
            .await;
        done.map_err(|e| translate(format!("seek in {partition}"), Call::Plain, &e))
    }

    async fn seek_to_beginning(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let raw: Vec<ckc::TopicPartition> = partitions.iter().map(raw_partition).collect();
        let done = self.client.seek_to_beginning(&raw).await;
        done.map_err(|e| translate("seek to the log start", Call::Plain, &e))
    }

    async fn position(&mut self, partition: &TopicPartition) -> Result<i64, Error> {
        let position = self.client.position(&raw_partition(partition)).await;
        position.map_err(|e| {
            translate(
                format!("ask for the position in {partition}"),
                Call::Plain,
                &e,
            )
        })
    }

    async fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Offsets, Error> {
        let raw: Vec<ckc::TopicPartition> = partitions.iter().map(raw_partition).collect();
        let committed = self.client.committed(&raw).await;
        let committed =
            committed.map_err(|e| translate("fetch committed offsets", Call::Plain, &e))?;
        Ok(committed
            .into_iter()
            .filter_map(|(partition, at)| Some((our_partition(&partition), at?.offset())))
            .collect())
    }

    async fn commit(&mut self, offsets: &Offsets) -> Result<(), Error> {
        let doing = "commit offsets";
        let mut raw = HashMap::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            let position = ck::OffsetAndMetadata::new(*offset);
            let position = position.map_err(|e| translate(doing, Call::Plain, &e))?;
            raw.insert(raw_partition(partition), position);
        }
        let done = self.client.commit_sync_with_offsets(raw).await;
        done.map_err(|e| translate(doing, Call::Plain, &e))
    }

    fn group_metadata(&mut self) -> GroupMetadata {
        let group = self.client.group_metadata();
        GroupMetadata {
            group_id: group.group_id().to_owned(),
            generation_id: group.generation_id(),
            member_id: group.member_id().to_owned(),
            group_instance_id: group.group_instance_id().map(str::to_owned),
        }
    }

    async fn close(&mut self) -> Result<(), Error> {
        self.client
            .close()
            .await
            .map_err(|e| translate("close the consumer", Call::Plain, &e))
    }
}

fn raw_partition(partition: &TopicPartition) -> ckc::TopicPartition {
    ckc::TopicPartition::new(partition.topic.as_str(), partition.partition)
}

fn our_partition(partition: &ckc::TopicPartition) -> TopicPartition {
    TopicPartition::new(partition.topic(), partition.partition())
}

fn own(record: &ck::ConsumerRecord<Bytes, Bytes>) -> Record {
    let headers = record.headers().iter().map(|header| Header {
        key: header.key().to_owned(),
        value: header.value().map(Bytes::copy_from_slice),
    });
    Record {
        topic: record.topic().to_owned(),
        partition: record.partition(),
        offset: record.offset(),
        timestamp_ms: record.timestamp(),
        key: record.key().cloned(),
        value: record.value().cloned(),
        headers: headers.collect(),
    }
}
