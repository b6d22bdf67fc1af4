//! The separate reader: what lies in the log, read back by a client that took no part in writing.

use std::collections::BTreeMap;
use std::time::Duration;

use once_client::{
    Admin, Confluent, Consumer, ConsumerConfig, Engine, Isolation, OffsetSpec, Record,
    TopicPartition,
};
use tokio::time::{Instant, sleep};

use crate::error::Error;

/// How long a read may stand still before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads topics back from their log start, without a group.
pub struct Reader {
    bootstrap: String,
    admin: <Confluent as Engine>::Admin,
}

impl Reader {
    /// A reader of this cluster.
    pub fn new(bootstrap: &str) -> Result<Self, Error> {
        Ok(Self {
            bootstrap: bootstrap.to_owned(),
            admin: Confluent.admin(bootstrap)?,
        })
    }

    /// The partitions of a topic, ascending.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<TopicPartition>, Error> {
        let described = self.admin.describe_topic(topic).await?;
        Ok(described
            .partitions
            .iter()
            .map(|p| TopicPartition::new(topic, p.partition))
            .collect())
    }

    /// The end of each partition: the LSO for read_committed, else the high watermark.
    pub async fn ends(
        &self,
        topic: &str,
        isolation: Isolation,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let partitions = self.partitions(topic).await?;
        Ok(self
            .admin
            .list_offsets(&partitions, OffsetSpec::Latest(isolation))
            .await?)
    }

    /// Waits until no transaction is open in the topic: LSO = high watermark. A commit that
    /// returned may not be visible in every partition yet, so a judge waits first.
    pub async fn settle(&self, topic: &str) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stable = self.ends(topic, Isolation::ReadCommitted).await?;
            if stable == self.ends(topic, Isolation::ReadUncommitted).await? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let what =
                    format!("the end of every transaction in {topic} (LSO = high watermark)");
                return Err(Error::Late {
                    what,
                    waited: PATIENCE,
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Every record that a reader of this isolation sees now.
    pub async fn read(&self, topic: &str, isolation: Isolation) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        self.for_each(topic, isolation, |record| records.push(record))
            .await?;
        Ok(records)
    }

    /// How many records a reader of this isolation sees now.
    pub async fn count(&self, topic: &str, isolation: Isolation) -> Result<u64, Error> {
        let mut count = 0;
        self.for_each(topic, isolation, |_| count += 1).await?;
        Ok(count)
    }

    /// Calls `each` with every record that a reader of this isolation sees, up to the ends as they
    /// are when the call starts; in order within a partition.
    pub async fn for_each(
        &self,
        topic: &str,
        isolation: Isolation,
        mut each: impl FnMut(Record),
    ) -> Result<(), Error> {
        let partitions = self.partitions(topic).await?;
        let ends = self
            .admin
            .list_offsets(&partitions, OffsetSpec::Latest(isolation))
            .await?;
        let starts = self
            .admin
            .list_offsets(&partitions, OffsetSpec::Earliest)
            .await?;
        let mut left: BTreeMap<TopicPartition, i64> = ends
            .into_iter()
            .filter(|(partition, end)| starts[partition] < *end)
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        // What is read is there already; at an end a fetch should come back soon.
        let config = ConsumerConfig::new(&self.bootstrap)
            .isolation(isolation)
            .set("fetch.max.wait.ms", "20");
        let mut consumer = Confluent.consumer(&config.set("max.poll.records", "10000"))?;
        consumer
            .assign(&left.keys().cloned().collect::<Vec<_>>())
            .await?;
        let read = drain(&mut consumer, topic, &mut left, &mut each).await;
        consumer.close().await?;
        read
    }
}

/// Polls until the position has reached every end in `left`. Positions, not records, decide: the
/// last thing in a partition may be a marker or an aborted record, which no poll returns.
async fn drain(
    consumer: &mut impl Consumer,
    topic: &str,
    left: &mut BTreeMap<TopicPartition, i64>,
    each: &mut impl FnMut(Record),
) -> Result<(), Error> {
    let mut deadline = Instant::now() + PATIENCE;
    while !left.is_empty() {
        let records = consumer.poll(Duration::from_millis(100)).await?;
        let before = left.len();
        if records.is_empty() {
            for partition in left.keys().cloned().collect::<Vec<_>>() {
                if consumer.position(&partition).await? >= left[&partition] {
                    left.remove(&partition);
                }
            }
        }
        if !records.is_empty() || left.len() < before {
            deadline = Instant::now() + PATIENCE;
        }
        for record in records {
            let partition = record.topic_partition();
            let Some(&end) = left.get(&partition) else {
                continue;
            };
            if record.offset + 1 >= end {
                left.remove(&partition);
            }
            if record.offset < end {
                each(record);
            }
        }
        if Instant::now() >= deadline {
            let what = format!("reading {topic} back to its end");
            return Err(Error::Late {
                what,
                waited: PATIENCE,
            });
        }
    }
    Ok(())
}
