//! The door to a Kafka client crate: three traits, each as small as exactly-once needs.
//!
//! Rules for an engine:
//! - It translates; it decides nothing. The one judgement it makes is which [`Error`] variant a
//!   failure is, and the table for that is in its own error module.
//! - Every future may be dropped; what was asked for then still may or may not happen.
//! - A producer and an admin are shared (`&self`); a consumer has one owner (`&mut self`).

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::config::{ConsumerConfig, ProducerConfig};
use crate::error::Error;
use crate::record::{Appended, GroupMetadata, NewRecord, Offsets, Record, TopicPartition};
use crate::topic::{ConfigValue, NewTopic, OffsetSpec, Topic};

/// Makes clients. They run on the tokio runtime that makes them.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Its admin client.
    type Admin: Admin;
    /// Its producer.
    type Producer: Producer;
    /// Its consumer.
    type Consumer: Consumer;

    /// An admin client of this cluster (`host:port,…`).
    fn admin(&self, bootstrap: &str) -> Result<Self::Admin, Error>;
    /// A producer.
    fn producer(&self, config: &ProducerConfig) -> Result<Self::Producer, Error>;
    /// A consumer.
    fn consumer(&self, config: &ConsumerConfig) -> Result<Self::Consumer, Error>;
}

/// Topics and their offsets.
pub trait Admin: Send + Sync + 'static {
    /// Creates a topic. Its partitions may have no leader yet: [`Admin::await_leaders`].
    fn create_topic(&self, topic: &NewTopic) -> impl Future<Output = Result<(), Error>> + Send;
    /// The names of the topics, ascending; the cluster's own ones only if asked for.
    fn list_topics(
        &self,
        internal: bool,
    ) -> impl Future<Output = Result<Vec<String>, Error>> + Send;
    /// One topic with its partitions.
    fn describe_topic(&self, name: &str) -> impl Future<Output = Result<Topic, Error>> + Send;
    /// A topic's settings, ascending by name, inherited ones too.
    fn topic_configs(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<ConfigValue>, Error>> + Send;
    /// Deletes a topic.
    fn delete_topic(&self, name: &str) -> impl Future<Output = Result<(), Error>> + Send;
    /// An offset of each partition.
    fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> impl Future<Output = Result<BTreeMap<TopicPartition, i64>, Error>> + Send;

    /// Waits until the leader of each partition answers. Before that a first batch may be refused
    /// while the second is taken, and the first then is out of sequence for ever.
    fn await_leaders(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let deadline = tokio::time::Instant::now() + timeout;
            loop {
                match self.list_offsets(partitions, OffsetSpec::Earliest).await {
                    Ok(_) => return Ok(()),
                    Err(error) if tokio::time::Instant::now() >= deadline => return Err(error),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        }
    }
}

/// Appends records, alone or in transactions.
pub trait Producer: Send + Sync + 'static {
    /// Takes the transactional id over: fences its earlier producers, ends what they left open.
    fn init_transactions(&self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Opens a transaction. Local: the broker learns of it with the first record.
    fn begin_transaction(&self) -> Result<(), Error>;
    /// Hands a record over, waiting for room or metadata, and returns its [`Ack`].
    fn send(&self, record: NewRecord) -> impl Future<Output = Result<Ack, Error>> + Send;
    /// Waits until every record handed over is acknowledged or has failed.
    fn flush(&self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Makes a group's offsets part of the transaction.
    fn send_offsets(
        &self,
        offsets: &Offsets,
        group: &GroupMetadata,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// Flushes and commits.
    fn commit_transaction(&self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Drops what is not sent yet and aborts.
    fn abort_transaction(&self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Sends what is left, waits for at most `timeout`, and frees everything. An open transaction
    /// stays open on the broker until its timeout, or until its id is taken over.
    fn close(&self, timeout: Duration) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Reads records, as a member of a group or by its own assignment.
pub trait Consumer: Send + 'static {
    /// Joins the group for these topics. The group assigns partitions during
    /// [`Consumer::poll`].
    fn subscribe(&mut self, topics: &[&str]) -> impl Future<Output = Result<(), Error>> + Send;
    /// Reads exactly these partitions, outside any membership.
    fn assign(
        &mut self,
        partitions: &[TopicPartition],
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// The next records. Empty after `timeout` without any, and also earlier: when the position
    /// only passed markers or aborted records.
    fn poll(
        &mut self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;
    /// What is assigned now.
    fn assignment(&mut self) -> Vec<TopicPartition>;
    /// Goes on reading a partition at this offset.
    fn seek(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// Goes on reading these partitions at their log start.
    fn seek_to_beginning(
        &mut self,
        partitions: &[TopicPartition],
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// The next offset that will be read of a partition. It also passes markers and aborted
    /// records, which [`Consumer::poll`] never returns.
    fn position(
        &mut self,
        partition: &TopicPartition,
    ) -> impl Future<Output = Result<i64, Error>> + Send;
    /// The group's committed offsets; partitions without one are left out.
    fn committed(
        &mut self,
        partitions: &[TopicPartition],
    ) -> impl Future<Output = Result<Offsets, Error>> + Send;
    /// Commits offsets outside any transaction.
    fn commit(&mut self, offsets: &Offsets) -> impl Future<Output = Result<(), Error>> + Send;
    /// Goes back to what the group has committed, or to the log start where it has nothing: what
    /// must follow every aborted transaction, because the position has passed records whose
    /// outputs are gone.
    fn rewind(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let assigned = self.assignment();
            let committed = self.committed(&assigned).await?;
            for (partition, offset) in &committed {
                self.seek(partition, *offset).await?;
            }
            let fresh: Vec<TopicPartition> = assigned
                .into_iter()
                .filter(|p| !committed.contains_key(p))
                .collect();
            if fresh.is_empty() {
                Ok(())
            } else {
                self.seek_to_beginning(&fresh).await
            }
        }
    }
    /// The standing that fences offset commits made through a producer.
    fn group_metadata(&mut self) -> GroupMetadata;
    /// Leaves the group and frees everything. The consumer must not be used afterwards.
    fn close(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The outcome of one record, to be awaited. Dropping it loses nothing but the news.
#[must_use = "an ignored failure loses the record silently"]
pub struct Ack(Pin<Box<dyn Future<Output = Result<Appended, Error>> + Send>>);

impl Ack {
    /// An ack that resolves as `outcome` does.
    pub fn new(outcome: impl Future<Output = Result<Appended, Error>> + Send + 'static) -> Self {
        Self(Box::pin(outcome))
    }
}

impl Future for Ack {
    type Output = Result<Appended, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}
