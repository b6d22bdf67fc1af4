//! Reading, as a group's member or by one's own assignment. Calls that wait do so on threads that
//! may block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use once_client::{Consumer, Error, GroupMetadata, Header, Offsets, Record, TopicPartition};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use crate::engine::Standings;
use crate::error::{passes, plain};

/// How long a call may take.
const CALL: Duration = Duration::from_secs(20);

/// A consumer.
pub(crate) struct LibrdkafkaConsumer {
    /// None once it is closed.
    client: Option<Arc<BaseConsumer>>,
    group: String,
    batch: usize,
    standings: Standings,
    name: String,
}

impl LibrdkafkaConsumer {
    pub(crate) fn new(
        config: &ClientConfig,
        batch: usize,
        standings: Standings,
    ) -> Result<Self, Error> {
        let client = config.create();
        let client: BaseConsumer = client.map_err(|error| plain("make a consumer", &error))?;
        Ok(Self {
            client: Some(Arc::new(client)),
            group: config.get("group.id").unwrap_or_default().to_owned(),
            batch,
            name: standings.fresh(),
            standings,
        })
    }

    /// Makes a call that blocks.
    async fn block<T: Send + 'static>(
        &self,
        doing: &'static str,
        call: impl FnOnce(&BaseConsumer) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, Error> {
        let client = self.client.clone();
        let client = client.ok_or_else(|| plain(doing, &KafkaError::Canceled))?;
        match spawn_blocking(move || call(&client)).await {
            Ok(done) => done.map_err(|error| plain(doing, &error)),
            Err(_) => Err(plain(doing, &KafkaError::Canceled)),
        }
    }

    async fn seek_all(&self, partitions: Vec<TopicPartition>, offset: Offset) -> Result<(), Error> {
        self.block("seek", move |client| {
            let list = list(&partitions, offset)?;
            let sought = client.seek_partitions(list, CALL)?;
            sought
                .elements()
                .iter()
                .try_for_each(|element| element.error())
        })
        .await
    }
}

impl Consumer for LibrdkafkaConsumer {
    async fn subscribe(&mut self, topics: &[&str]) -> Result<(), Error> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        self.block("subscribe", move |client| {
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            client.subscribe(&topics)
        })
        .await
    }

    async fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let partitions = partitions.to_vec();
        self.block("assign partitions", move |client| {
            client.assign(&list(&partitions, Offset::Beginning)?)
        })
        .await
    }

    async fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, Error> {
        let batch = self.batch;
        self.block("read", move |client| {
            let mut records = Vec::new();
            let deadline = Instant::now() + timeout;
            while records.len() < batch {
                // The first one is waited for; what is there with it comes with it.
                let wait = match records.is_empty() {
                    true => deadline.saturating_duration_since(Instant::now()),
                    false => Duration::ZERO,
                };
                match client.poll(wait) {
                    Some(Ok(message)) => records.push(own(&message)),
                    Some(Err(error)) if passes(&error) => {}
                    // What came before it counts; an error that stays comes again.
                    Some(Err(_)) if !records.is_empty() => break,
                    Some(Err(error)) => return Err(error),
                    None if records.is_empty() && Instant::now() < deadline => {}
                    None => break,
                }
            }
            Ok(records)
        })
        .await
    }

    fn assignment(&mut self) -> Vec<TopicPartition> {
        let assigned = self
            .client
            .as_ref()
            .and_then(|client| client.assignment().ok());
        let mut assigned: Vec<TopicPartition> = assigned.map_or_else(Vec::new, |list| {
            let elements = list.elements();
            let named = elements
                .iter()
                .map(|element| TopicPartition::new(element.topic(), element.partition()));
            named.collect()
        });
        assigned.sort();
        assigned
    }

    async fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), Error> {
        self.seek_all(vec![partition.clone()], Offset::Offset(offset))
            .await
    }

    async fn seek_to_beginning(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.seek_all(partitions.to_vec(), Offset::Beginning).await
    }

    async fn position(&mut self, partition: &TopicPartition) -> Result<i64, Error> {
        let partition = partition.clone();
        self.block("ask for the position", move |client| {
            let list = client.position()?;
            let found = list.find_partition(&partition.topic, partition.partition);
            Ok(match found.map(|element| element.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => 0,
            })
        })
        .await
    }

    async fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Offsets, Error> {
        let partitions = partitions.to_vec();
        self.block("fetch committed offsets", move |client| {
            let found = client.committed_offsets(list(&partitions, Offset::Invalid)?, CALL)?;
            let mut offsets = Offsets::new();
            for element in found.elements() {
                element.error()?;
                if let Offset::Offset(offset) = element.offset() {
                    let partition = TopicPartition::new(element.topic(), element.partition());
                    offsets.insert(partition, offset);
                }
            }
            Ok(offsets)
        })
        .await
    }

    async fn commit(&mut self, offsets: &Offsets) -> Result<(), Error> {
        let offsets = offsets.clone();
        self.block("commit offsets", move |client| {
            let mut list = TopicPartitionList::new();
            for (partition, offset) in &offsets {
                let offset = Offset::Offset(*offset);
                list.add_partition_offset(&partition.topic, partition.partition, offset)?;
            }
            client.commit(&list, rdkafka::consumer::CommitMode::Sync)
        })
        .await
    }

    fn group_metadata(&mut self) -> GroupMetadata {
        let standing = self
            .client
            .as_ref()
            .and_then(|client| client.group_metadata());
        if let Some(standing) = standing {
            self.standings.put(&self.name, standing);
        }
        GroupMetadata {
            member_id: self.name.clone(),
            ..GroupMetadata::unfenced(self.group.clone())
        }
    }

    async fn close(&mut self) -> Result<(), Error> {
        if let Some(client) = self.client.take() {
            // Its end leaves the group, and waits for that.
            let _ = spawn_blocking(move || drop(client)).await;
        }
        Ok(())
    }
}

fn list(partitions: &[TopicPartition], offset: Offset) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition_offset(&partition.topic, partition.partition, offset)?;
    }
    Ok(list)
}

fn own(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let headers = headers.iter().map(|header| Header {
            key: header.key.to_owned(),
            value: header.value.map(Bytes::copy_from_slice),
        });
        headers.collect()
    });
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
    }
}
