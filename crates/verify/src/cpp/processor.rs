//! One processor: reads a batch, writes its outputs and its offsets in one transaction.
//!
//! Each step is a call of its own, so that a fault can be placed between any two.

use std::process;
use std::time::Duration;

use bytes::Bytes;
use once_client::{
    Compression, Confluent, Consumer, ConsumerConfig, Engine, Error as ClientError, GroupMetadata,
    Isolation, NewRecord, Offsets, Producer, ProducerConfig, Record, TopicPartition,
};

use super::tag::OutputTag;

/// What every output's value begins with.
const PREFIX: &[u8] = b"processed:";

/// How soon a broker that went away is looked for again, at the latest. Kafka's second would leave
/// the load idle for most of a quick restart.
pub(super) const RECONNECT_MS: &str = "100";

/// A commit or an abort that timed out is made again this often.
const RETRIES: u32 = 100;

/// Where a processor gets its partitions from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The group assigns them; membership fences the offsets (KIP-447).
    Group(String),
    /// All of these, always. Only the transactional id fences, so there must be one such processor
    /// per group. It comes back at once after a crash, where a group waits for the session timeout
    /// of the member that died.
    Assigned(Vec<TopicPartition>),
}

/// What a processor reads and writes.
#[derive(Debug, Clone)]
pub struct ProcessorConfig {
    /// The cluster.
    pub bootstrap: String,
    /// Its inputs: the topic of the group, or partitions.
    pub source: Source,
    /// Every input becomes one record in each of these.
    pub outputs: Vec<String>,
    /// The group whose offsets are committed.
    pub group: String,
    /// Its transactional id.
    pub transactional_id: String,
    /// The most records of one transaction.
    pub batch: usize,
    /// `transaction.timeout.ms`.
    pub transaction_timeout: Duration,
    /// Whether the offsets go into the transaction. Without them nothing ties input to output: for
    /// showing that a judge notices.
    pub commit_offsets: bool,
}

/// A consumer and a transactional producer, tied together.
pub struct Processor {
    config: ProcessorConfig,
    consumer: <Confluent as Engine>::Consumer,
    producer: <Confluent as Engine>::Producer,
    /// Makes transaction names differ between incarnations of one transactional id.
    incarnation: String,
    transactions: u64,
}

impl Processor {
    /// Takes the transactional id over (which ends what an earlier incarnation left open), and
    /// only then looks where the group stands.
    pub async fn start(config: ProcessorConfig) -> Result<Self, ClientError> {
        let producer = ProducerConfig::new(&config.bootstrap)
            .transactional(&config.transactional_id)
            .compression(Compression::Lz4)
            .transaction_timeout(config.transaction_timeout)
            .set("reconnect.backoff.max.ms", RECONNECT_MS);
        let producer = Confluent.producer(&producer)?;
        insist(|| producer.init_transactions()).await?;
        let consumer = ConsumerConfig::new(&config.bootstrap)
            .group(&config.group)
            .isolation(Isolation::ReadCommitted)
            .set("max.poll.records", &config.batch.to_string())
            .set("reconnect.backoff.max.ms", RECONNECT_MS);
        let mut consumer = Confluent.consumer(&consumer)?;
        match &config.source {
            Source::Group(topic) => consumer.subscribe(&[topic]).await?,
            Source::Assigned(partitions) => consumer.assign(partitions).await?,
        }
        let started_us = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_micros();
        let incarnation = format!("{:x}-{started_us:x}", process::id());
        Ok(Self {
            config,
            consumer,
            producer,
            incarnation,
            transactions: 0,
        })
    }

    /// The next batch, empty if there is none within `timeout`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, ClientError> {
        self.consumer.poll(timeout).await
    }

    /// Opens a transaction, writes the batch's outputs and offsets into it, and returns how many
    /// outputs the brokers have acknowledged: all of them.
    pub async fn produce(&mut self, batch: &[Record]) -> Result<u64, ClientError> {
        self.producer.begin_transaction()?;
        self.transactions += 1;
        let size = (batch.len() * self.config.outputs.len()) as u64;
        let id = &self.config.transactional_id;
        let name = format!("{id}/{}/{}", self.incarnation, self.transactions);
        let mut acks = Vec::with_capacity(batch.len() * self.config.outputs.len());
        for input in batch {
            let tag = OutputTag::of(input, &name, size);
            for topic in &self.config.outputs {
                acks.push(
                    self.producer
                        .send(tag.write(process_record(input, topic)))
                        .await?,
                );
            }
        }
        self.producer.flush().await?;
        for ack in acks {
            ack.await?;
        }
        if self.config.commit_offsets {
            let group = self.standing();
            self.producer
                .send_offsets(&next_offsets(batch), &group)
                .await?;
        }
        Ok(size)
    }

    /// Commits what [`Processor::produce`] opened. Made again for as long as its outcome is open.
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        insist(|| self.producer.commit_transaction()).await
    }

    /// Aborts and goes back to what the group has committed.
    pub async fn abort(&mut self) -> Result<(), ClientError> {
        insist(|| self.producer.abort_transaction()).await?;
        self.consumer.rewind().await
    }

    /// What the group has committed of these partitions.
    pub async fn committed(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<Offsets, ClientError> {
        self.consumer.committed(partitions).await
    }

    /// Closes both clients. Errors no longer matter: what counts is in the log.
    pub async fn close(mut self) {
        let closed = self.consumer.close().await;
        let closed = closed.and(self.producer.close(Duration::from_secs(5)).await);
        if let Err(error) = closed {
            tracing::debug!(%error, "closing a processor");
        }
    }

    fn standing(&mut self) -> GroupMetadata {
        match self.config.source {
            Source::Group(_) => self.consumer.group_metadata(),
            Source::Assigned(_) => GroupMetadata::unfenced(&self.config.group),
        }
    }
}

/// The output of one input: the same key, the value prefixed.
fn process_record(input: &Record, topic: &str) -> NewRecord {
    let value = input.value.as_deref().unwrap_or_default();
    let record = NewRecord::new(topic, processed(value));
    NewRecord {
        key: input.key.clone(),
        ..record
    }
}

/// The value that an input's value becomes.
pub(crate) fn processed(value: &[u8]) -> Bytes {
    Bytes::from([PREFIX, value].concat())
}

/// Per partition the offset after the batch's last record.
fn next_offsets(batch: &[Record]) -> Offsets {
    let mut offsets = Offsets::new();
    for record in batch {
        let next = offsets.entry(record.topic_partition()).or_insert(0);
        *next = (*next).max(record.offset + 1);
    }
    offsets
}

/// Makes a call again while its outcome is open, which for a commit is the only allowed move.
async fn insist<F>(mut call: impl FnMut() -> F) -> Result<(), ClientError>
where
    F: Future<Output = Result<(), ClientError>>,
{
    for _ in 1..RETRIES {
        match call().await {
            Err(error) if error.is_retry() => tracing::debug!(%error, "trying again"),
            outcome => return outcome,
        }
    }
    call().await
}
