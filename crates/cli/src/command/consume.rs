//! `once consume`: a topic's records to standard output, a line each.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use once_client::{
    Admin, Confluent, Consumer, ConsumerConfig, Engine, Isolation, OffsetSpec, Offsets, Record,
    TopicPartition,
};
use tokio::time::Instant;

use super::Cluster;
use crate::failure::Failure;
use crate::output::{self, Columns};

/// Read a topic and print its records, one to a line, until stopped
#[derive(Debug, Args)]
pub(crate) struct Consume {
    /// The topic
    topic: String,
    /// Start at the beginning instead of at the end; in a group, where it has no offsets yet
    #[arg(long)]
    from_beginning: bool,
    /// What of transactions is read
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::ReadUncommitted)]
    isolation_level: Level,
    /// Print each record's key before its value
    #[arg(long)]
    print_key: bool,
    /// Print each record's partition
    #[arg(long)]
    print_partition: bool,
    /// Print each record's offset
    #[arg(long)]
    print_offset: bool,
    /// Print each record's headers
    #[arg(long)]
    print_headers: bool,
    /// Read as a member of this group, and commit what was printed
    #[arg(long)]
    group: Option<String>,
    /// Stop after so many records
    #[arg(long, visible_alias = "max-messages", value_name = "N")]
    max: Option<u64>,
    /// Stop when there was nothing to read for so long
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<u64>,
    #[command(flatten)]
    cluster: Cluster,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Level {
    ReadCommitted,
    ReadUncommitted,
}

impl Consume {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let bootstrap = self.cluster.reached().await?;
        let isolation = match self.isolation_level {
            Level::ReadCommitted => Isolation::ReadCommitted,
            Level::ReadUncommitted => Isolation::ReadUncommitted,
        };
        let admin = Confluent.admin(bootstrap)?;
        let topic = admin.describe_topic(&self.topic).await?;
        let config = ConsumerConfig::new(bootstrap).isolation(isolation).set(
            "auto.offset.reset",
            if self.from_beginning {
                "earliest"
            } else {
                "latest"
            },
        );
        let mut consumer = match &self.group {
            Some(group) => {
                let mut consumer = Confluent.consumer(&config.group(group))?;
                consumer.subscribe(&[&self.topic]).await?;
                consumer
            }
            None => {
                let mut consumer = Confluent.consumer(&config)?;
                let partitions = topic.partitions.iter();
                let partitions: Vec<_> = partitions
                    .map(|p| TopicPartition::new(&self.topic, p.partition))
                    .collect();
                consumer.assign(&partitions).await?;
                // Fixed here, so that what is written from now on is read.
                let start = if self.from_beginning {
                    OffsetSpec::Earliest
                } else {
                    OffsetSpec::Latest(Isolation::ReadUncommitted)
                };
                for (partition, offset) in admin.list_offsets(&partitions, start).await? {
                    consumer.seek(&partition, offset).await?;
                }
                consumer
            }
        };
        let read = self.print(&mut consumer).await;
        consumer.close().await?;
        read
    }

    async fn print(&self, consumer: &mut impl Consumer) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut left = self.max.unwrap_or(u64::MAX);
        let mut heard = Instant::now();
        while left > 0 {
            let patience = self.timeout_ms.map(Duration::from_millis);
            let records = tokio::select! {
                polled = consumer.poll(Duration::from_millis(200)) => polled?,
                _ = tokio::signal::ctrl_c() => return Ok(()),
            };
            if records.is_empty() {
                if patience.is_some_and(|patience| heard.elapsed() >= patience) {
                    return Ok(());
                }
                continue;
            }
            heard = Instant::now();
            let wanted = &records[..records
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX))];
            for record in wanted {
                output::record(&mut out, record, self.columns())?;
            }
            out.flush()?;
            left -= wanted.len() as u64;
            if self.group.is_some() {
                consumer.commit(&after(wanted)).await?;
            }
        }
        Ok(())
    }

    fn columns(&self) -> Columns {
        Columns {
            partition: self.print_partition,
            offset: self.print_offset,
            headers: self.print_headers,
            key: self.print_key,
        }
    }
}

/// The offsets that say these records were read.
fn after(records: &[Record]) -> Offsets {
    records
        .iter()
        .map(|record| (record.topic_partition(), record.offset + 1))
        .collect()
}
