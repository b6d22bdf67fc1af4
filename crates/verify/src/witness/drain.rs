//! The end of a history: nothing is written any more, and everything is read back.

use std::collections::BTreeMap;
use std::time::Duration;

use once_check::history::{
    Assign, Drained, DrainedPartition, FetchOffsets, Kind, Name, Op, Partition,
};
use once_client::{
    Admin, Confluent, Consumer, ConsumerConfig, Engine, Isolation, OffsetSpec, TopicPartition,
};
use tokio::time::{Instant, sleep};

use super::group::{name, seen};
use super::load::Topics;
use super::reader::poll;
use super::recorder::{Recorder, Witness};
use crate::error::Error;

/// How long open transactions may take to end: those of producers that died end by their timeout.
const SETTLING: Duration = Duration::from_secs(90);
/// How long a read may stand still before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a partition begins and ends, for both kinds of readers.
#[derive(Clone, Copy)]
struct Bounds {
    start: i64,
    high_watermark: i64,
    last_stable: i64,
}

/// Says that nothing disturbs any more, once every transaction has ended, and reads every partition
/// of the topics from its beginning under both isolations, and what the groups committed.
///
/// # Errors
/// The cluster does not answer, or a reader does not come to the end.
pub async fn drain(
    bootstrap: &str,
    topics: &Topics,
    groups: &[Name],
    recorder: &Recorder,
) -> Result<(), Error> {
    let bounds = settled(bootstrap, &topics.partitions()).await?;
    recorder.client().event(Kind::Info, Op::Healed {});
    for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted] {
        let witness = recorder.client();
        read_all(bootstrap, &bounds, isolation, &witness).await?;
        let drained = bounds.iter().map(|(partition, bounds)| {
            let read = DrainedPartition {
                start: bounds.start,
                end: end(bounds, isolation),
                high_watermark: Some(bounds.high_watermark),
                last_stable: Some(bounds.last_stable),
            };
            (name(partition), read)
        });
        let drained = Drained {
            isolation: seen(isolation),
            partitions: drained.collect(),
        };
        witness.event(Kind::Ok, drained);
    }
    for group in groups {
        committed(bootstrap, topics, group, &recorder.client()).await?;
    }
    Ok(())
}

/// The bounds of partitions once no transaction is open in them, or when that takes too long: then
/// the judge says so.
async fn settled(
    bootstrap: &str,
    partitions: &[TopicPartition],
) -> Result<BTreeMap<TopicPartition, Bounds>, Error> {
    let admin = Confluent.admin(bootstrap)?;
    let deadline = Instant::now() + SETTLING;
    loop {
        let starts = admin.list_offsets(partitions, OffsetSpec::Earliest).await?;
        let latest = |isolation| admin.list_offsets(partitions, OffsetSpec::Latest(isolation));
        let stable = latest(Isolation::ReadCommitted).await?;
        let ends = latest(Isolation::ReadUncommitted).await?;
        if stable == ends || Instant::now() >= deadline {
            let bounds = ends.into_iter().map(|(partition, high_watermark)| {
                let bounds = Bounds {
                    start: starts.get(&partition).copied().unwrap_or(0),
                    high_watermark,
                    last_stable: stable.get(&partition).copied().unwrap_or(0),
                };
                (partition, bounds)
            });
            return Ok(bounds.collect());
        }
        sleep(Duration::from_millis(10)).await;
    }
}

fn end(bounds: &Bounds, isolation: Isolation) -> i64 {
    match isolation {
        Isolation::ReadCommitted => bounds.last_stable,
        Isolation::ReadUncommitted => bounds.high_watermark,
    }
}

/// Polls until the position has reached every end. Positions decide, not records: the last thing in
/// a partition may be a marker or an aborted record, which no poll returns.
async fn read_all(
    bootstrap: &str,
    bounds: &BTreeMap<TopicPartition, Bounds>,
    isolation: Isolation,
    witness: &Witness,
) -> Result<(), Error> {
    let full = |(partition, bounds): (&TopicPartition, &Bounds)| {
        (bounds.start < end(bounds, isolation)).then(|| partition.clone())
    };
    let mut left: Vec<TopicPartition> = bounds.iter().filter_map(full).collect();
    if left.is_empty() {
        return Ok(());
    }
    let assign = Assign::at(left.iter().map(|p| (name(p), bounds[p].start)));
    witness.event(Kind::Ok, assign);
    // What is read is there already; at an end a fetch should come back soon.
    let config = ConsumerConfig::new(bootstrap)
        .isolation(isolation)
        .set("fetch.max.wait.ms", "20")
        .set("max.poll.records", "10000");
    let mut consumer = Confluent.consumer(&config)?;
    consumer.assign(&left).await?;
    let mut deadline = Instant::now() + PATIENCE;
    while !left.is_empty() {
        let came = poll(witness, &mut consumer, isolation, Duration::from_millis(50)).await?;
        let mut behind = Vec::new();
        for partition in left {
            if consumer.position(&partition).await? < end(&bounds[&partition], isolation) {
                behind.push(partition);
            }
        }
        left = behind;
        if came > 0 {
            deadline = Instant::now() + PATIENCE;
        }
        if let (Some(one), true) = (left.first(), Instant::now() >= deadline) {
            return Err(Error::Late {
                what: format!("reading {one} and others to their end"),
                waited: PATIENCE,
            });
        }
    }
    Ok(consumer.close().await?)
}

/// Reads back what a group committed.
async fn committed(
    bootstrap: &str,
    topics: &Topics,
    group: &Name,
    witness: &Witness,
) -> Result<(), Error> {
    let partitions: Vec<TopicPartition> = topics.partitions();
    let of_input = |partition: &&TopicPartition| partition.topic == topics.input;
    let partitions: Vec<TopicPartition> = partitions.iter().filter(of_input).cloned().collect();
    let asked: BTreeMap<Partition, Option<i64>> =
        partitions.iter().map(|p| (name(p), None)).collect();
    let fetch = FetchOffsets {
        group: group.clone(),
        require_stable: true,
        offsets: asked,
    };
    // Kafka's consumers ask for stable offsets when they read committed data.
    let config = ConsumerConfig::new(bootstrap).isolation(Isolation::ReadCommitted);
    let mut consumer = Confluent.consumer(&config.group(group))?;
    let id = witness.invoke(fetch.clone());
    let found = consumer.committed(&partitions).await?;
    let mut offsets = fetch.offsets.clone();
    for (partition, offset) in &found {
        offsets.insert(name(partition), Some(*offset));
    }
    witness.ok_with(id, FetchOffsets { offsets, ..fetch });
    Ok(consumer.close().await?)
}
