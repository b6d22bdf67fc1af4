//! A load that leaves files of every kind: transactions of all codecs, committed and aborted, with offsets of a group,
//! an idempotent producer, tombstones, topics that are compacted, cut by size or both, and topics that are deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, SystemTime};

use once_wire::batch::{Batch, BatchBuilder};
use once_wire::compression::Compression;
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;

use crate::calls::{Coordinates, ProducerId, insist, told};
use crate::error::{Error, accept};
use crate::link::Link;
use crate::rng::Rng;

const PATIENCE: Duration = Duration::from_secs(30);
/// One transactional producer for each.
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];
/// Topics that are made beside the others, and how many of them are deleted again.
const PASSING: usize = 60;
const DELETED: usize = 40;
/// Different keys, so that compaction has something to drop.
const KEYS: usize = 30;
const GROUP: &str = "files";

/// A topic of the load.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) partitions: i32,
    /// Old segments go by their size.
    pub(super) by_size: bool,
    compacted: bool,
    settings: &'static [(&'static str, &'static str)],
}

impl Topic {
    /// Those of one run, with names of its own.
    pub(super) fn all() -> [Self; 4] {
        let run = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs();
        let topic = |name: &str, partitions, settings| Self {
            name: format!("files{run:x}-{name}"),
            partitions,
            by_size: name == "sized",
            compacted: name.starts_with("compacted"),
            settings,
        };
        [
            topic("plain", 2, &[]),
            topic(
                "sized",
                1,
                &[
                    ("retention.bytes", "300000"),
                    ("internal.segment.bytes", "50000"),
                ],
            ),
            topic(
                "compacted",
                2,
                &[
                    ("cleanup.policy", "compact"),
                    ("internal.segment.bytes", "40000"),
                    ("min.cleanable.dirty.ratio", "0.01"),
                    ("delete.retention.ms", "1000"),
                ],
            ),
            topic(
                "compacted-and-sized",
                1,
                &[
                    ("cleanup.policy", "compact,delete"),
                    ("internal.segment.bytes", "40000"),
                    ("min.cleanable.dirty.ratio", "0.01"),
                    ("retention.bytes", "2000000"),
                ],
            ),
        ]
    }

    /// Its partitions, by name and number.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, i32)> {
        (0..self.partitions).map(|partition| (self.name.as_str(), partition))
    }
}

/// What a load did.
#[derive(Debug, Default)]
pub(super) struct Sum {
    committed: usize,
    aborted: usize,
    offsets: usize,
    records: usize,
    kills: usize,
}

impl Sum {
    pub(super) fn add(&mut self, other: &Self) {
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.offsets += other.offsets;
        self.records += other.records;
        self.kills += other.kills;
    }

    /// Fails if one of these kinds was never met.
    pub(super) fn met_all(&self) -> Result<(), Error> {
        let least = [
            self.committed,
            self.aborted,
            self.offsets,
            self.records,
            self.kills,
        ];
        match least.contains(&0) {
            true => Err(Error::Wrong(format!("the load shows too little: {self}"))),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} transactions committed and {} aborted, {} with offsets, {} records, {} kills, {DELETED} of {PASSING} topics deleted",
            self.committed, self.aborted, self.offsets, self.records, self.kills
        )
    }
}

/// How a producer ended.
type Ended = Result<(), Error>;

/// The load of one life of the broker.
pub(super) struct Load<'a> {
    pub(super) address: String,
    pub(super) topics: &'a [Topic],
    pub(super) rng: Rng,
    /// Of each producer.
    pub(super) transactions: usize,
}

impl Load<'_> {
    /// Makes all topics, and deletes those that are to go.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        let mut link = self.link()?;
        for topic in self.topics {
            link.create_topic(&topic.name, topic.partitions, topic.settings)?;
        }
        let passing: Vec<String> = (0..PASSING).map(|n| format!("passing-{n}")).collect();
        for name in &passing {
            link.create_topic(name, 1, &[])?;
        }
        let request = DeleteTopicsRequest {
            topic_names: passing[..DELETED].to_vec(),
            timeout_ms: 10_000,
            ..DeleteTopicsRequest::default()
        };
        let answer = link.call(5, &request)?;
        let mut deleted = answer.responses.iter();
        deleted.try_for_each(|topic| accept("delete a topic", topic.error_code))
    }

    /// Runs until all is done.
    pub(super) fn to_the_end(&self) -> Result<Sum, Error> {
        let mut sum = Sum::default();
        for (did, ended) in self.run(&AtomicUsize::new(0), || Ok(()))? {
            ended?;
            sum.add(&did);
        }
        Ok(sum)
    }

    /// Runs until half of all transactions have ended, then kills the broker under it.
    pub(super) fn until_killed(
        &self,
        kill: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Sum, Error> {
        let ended = AtomicUsize::new(0);
        let half = self.transactions * CODECS.len() / 2;
        let killed = || {
            let deadline = SystemTime::now() + 2 * PATIENCE;
            while ended.load(Ordering::Relaxed) < half {
                if SystemTime::now() > deadline {
                    let (what, waited) = ("half of the load".to_owned(), 2 * PATIENCE);
                    return Err(Error::Late { what, waited });
                }
                thread::sleep(Duration::from_millis(5));
            }
            kill()
        };
        let mut sum = Sum {
            kills: 1,
            ..Sum::default()
        };
        for (did, ended) in self.run(&ended, killed)? {
            sum.add(&did);
            match ended {
                // The broker was killed.
                Ok(()) | Err(Error::Io { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(sum)
    }

    /// Deletes the first half of a partition's records.
    pub(super) fn delete_records(&self) -> Result<(), Error> {
        let mut link = self.link()?;
        let topic = &self.topics[0].name;
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: topic.clone(),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: 0,
                    offset: link.end(topic, 0)? / 2,
                    ..DeleteRecordsPartition::default()
                }],
                ..DeleteRecordsTopic::default()
            }],
            timeout_ms: 10_000,
            ..DeleteRecordsRequest::default()
        };
        let answer = link.call(2, &request)?;
        let topics = answer.topics.first();
        let deleted = told(topics.and_then(|of| of.partitions.first()), topic)?;
        accept("delete records", deleted.error_code)
    }

    fn link(&self) -> Result<Link, Error> {
        Link::connect(&self.address, PATIENCE)
    }

    /// All producers at once, and beside them something else. Returns what each did and how it ended.
    fn run(
        &self,
        ended: &AtomicUsize,
        beside: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Vec<(Sum, Ended)>, Error> {
        thread::scope(|scope| {
            let producers = (0..=CODECS.len()).map(|number| {
                scope.spawn(move || {
                    let mut sum = Sum::default();
                    let outcome = self.produce(number, ended, &mut sum);
                    (sum, outcome)
                })
            });
            let producers: Vec<_> = producers.collect();
            let beside = beside();
            let joined = producers.into_iter().map(ScopedJoinHandle::join);
            let did = joined.collect::<Result<Vec<_>, _>>();
            beside?;
            did.map_err(|_| Error::Wrong("a producer panicked".into()))
        })
    }

    /// One producer: transactional if there is a codec for it, else only idempotent.
    fn produce(&self, number: usize, ended: &AtomicUsize, sum: &mut Sum) -> Result<(), Error> {
        let id = format!("files-{number}");
        let mut producer = Producer::begin(self.link()?, &id, CODECS.get(number).copied())?;
        let mut rng = self.rng.stream(100 + number as u64);
        for n in 0..self.transactions {
            for _ in 0..=rng.below(4) {
                let topic = rng.pick(self.topics);
                let partition = rng.below(topic.partitions as usize) as i32;
                for _ in 0..=rng.below(3) {
                    sum.records += producer.send(&mut rng, topic, partition)?;
                }
            }
            if producer.codec.is_none() {
                continue;
            }
            if rng.one_in(3) {
                producer.offset(&self.topics[0].name, n as i64)?;
                sum.offsets += 1;
            }
            let commit = !rng.one_in(3);
            producer.end(commit)?;
            *(if commit {
                &mut sum.committed
            } else {
                &mut sum.aborted
            }) += 1;
            ended.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A producer and its connection.
struct Producer<'a> {
    link: Link,
    id: &'a str,
    /// None for one without transactions.
    codec: Option<Compression>,
    given: ProducerId,
    sequences: BTreeMap<(String, i32), i32>,
}

impl<'a> Producer<'a> {
    fn begin(mut link: Link, id: &'a str, codec: Option<Compression>) -> Result<Self, Error> {
        insist(|| link.find_coordinator(Coordinates::Group, GROUP))?;
        insist(|| link.find_coordinator(Coordinates::Transactions, id))?;
        let given = insist(|| link.init_producer(codec.map(|_| id)))?;
        Ok(Self {
            link,
            id,
            codec,
            given,
            sequences: BTreeMap::new(),
        })
    }

    /// Sends a batch; returns of how many records.
    fn send(&mut self, rng: &mut Rng, topic: &Topic, partition: i32) -> Result<usize, Error> {
        let place = (topic.name.clone(), partition);
        let sequence = self.sequences.entry(place).or_default();
        let records = 1 + rng.below(12);
        let batch = BatchBuilder::new()
            .producer(self.given.id, self.given.epoch, *sequence)
            .transactional(self.codec.is_some())
            .compression(self.codec.unwrap_or_default());
        let batch = filled(batch, rng, records, topic.compacted);
        *sequence += records as i32;
        let id = self.codec.map(|_| self.id);
        if let Some(id) = id {
            insist(|| {
                self.link
                    .add_partition(id, self.given, &topic.name, partition)
            })?;
        }
        insist(|| self.link.produce(&topic.name, partition, id, &batch))?;
        Ok(records)
    }

    fn offset(&mut self, topic: &str, offset: i64) -> Result<(), Error> {
        insist(|| {
            self.link
                .add_offset(self.id, self.given, GROUP, (topic, 0, offset))
        })
    }

    fn end(&mut self, commit: bool) -> Result<(), Error> {
        insist(|| self.link.end_transaction(self.id, self.given, commit))
    }
}

/// Records with few keys, some of them tombstones where keys are compacted.
fn filled(mut batch: BatchBuilder, rng: &mut Rng, records: usize, compacted: bool) -> Batch {
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_millis();
    for n in 0..records {
        let key = format!("key-{}", rng.below(KEYS));
        let length = rng.below(400);
        let value: Vec<u8> = rng
            .bytes(length)
            .iter()
            .map(|byte| b'a' + byte % 8)
            .collect();
        let value = (!compacted || !rng.one_in(7)).then_some(value.as_slice());
        let headers = [("n", Some(&[n as u8][..])), ("none", None)];
        batch = batch.push(now as i64, Some(key.as_bytes()), value, &headers);
    }
    batch.build()
}
