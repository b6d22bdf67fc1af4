//! The same records on both brokers: written by hand, with fixed timestamps, so that what lies on
//! disk can be compared byte by byte.

use std::collections::BTreeMap;

use once_wire::batch::{Batch, BatchBuilder};
use once_wire::compression::Compression;

use crate::calls::{Coordinates, ProducerId, insist};
use crate::error::Error;
use crate::link::Link;

/// The first timestamp; each record is a millisecond later. Long past, so that it is told apart
/// from the times of the run.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// One step of a transactional load. Producers are named by a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A batch of so many records to a partition of a topic.
    Write(char, &'static str, i32, usize),
    /// The group's offset of partition 0 of a topic.
    Offset(char, &'static str, i64),
    Commit(char),
    Abort(char),
}

/// Transactions that commit, abort, interleave, span topics and carry offsets; the last one of `c`
/// is left open.
pub(super) const STEPS: [Step; 22] = [
    Step::Write('a', "a", 0, 3),
    Step::Write('a', "a", 1, 1),
    Step::Write('b', "a", 0, 2),
    Step::Write('a', "b", 0, 2),
    Step::Commit('a'),
    Step::Write('b', "b", 1, 1),
    Step::Abort('b'),
    Step::Write('a', "a", 0, 1),
    Step::Offset('a', "a", 3),
    Step::Abort('a'),
    Step::Write('b', "a", 0, 2),
    Step::Offset('b', "a", 5),
    Step::Commit('b'),
    Step::Write('a', "a", 1, 2),
    Step::Write('b', "a", 1, 2),
    Step::Abort('a'),
    Step::Write('c', "b", 1, 1),
    Step::Commit('b'),
    Step::Commit('c'),
    Step::Write('a', "b", 0, 1),
    Step::Commit('a'),
    Step::Write('c', "a", 2, 2),
];

/// The transaction that [`STEPS`] leaves open.
pub(super) const OPEN: char = 'c';

/// A producer as it writes.
struct Writer {
    id: String,
    producer: ProducerId,
    /// The next sequence number per partition.
    sequences: BTreeMap<(String, i32), i32>,
    /// Partitions in the open transaction.
    added: Vec<(String, i32)>,
}

/// What the load left behind, to go on from.
pub(super) struct Loaded {
    open: Writer,
}

/// The names that the load uses, from those in its steps.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) tag: String,
    pub(super) group: String,
}

impl Names {
    pub(super) fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    fn transactional_id(&self, letter: char) -> String {
        format!("{}-{letter}", self.tag)
    }
}

/// Carries out [`STEPS`].
pub(super) fn transactions(link: &mut Link, names: &Names) -> Result<Loaded, Error> {
    insist(|| link.find_coordinator(Coordinates::Group, &names.group))?;
    let mut writers: BTreeMap<char, Writer> = BTreeMap::new();
    let mut written = 0;
    for step in STEPS {
        let (Step::Write(letter, ..)
        | Step::Offset(letter, ..)
        | Step::Commit(letter)
        | Step::Abort(letter)) = step;
        let mut writer = match writers.remove(&letter) {
            Some(writer) => writer,
            None => Writer::open(link, names.transactional_id(letter))?,
        };
        match step {
            Step::Write(_, topic, partition, count) => {
                writer.write(link, &names.topic(topic), partition, written, count)?;
                written += count;
            }
            Step::Offset(_, topic, offset) => {
                let (id, producer) = (&writer.id, writer.producer);
                let place = (&*names.topic(topic), 0, offset);
                insist(|| link.add_offset(id, producer, &names.group, place))?;
            }
            Step::Commit(_) => writer.end(link, true)?,
            Step::Abort(_) => writer.end(link, false)?,
        }
        writers.insert(letter, writer);
    }
    let open = writers.remove(&OPEN);
    let open = open.ok_or_else(|| Error::Wrong("the steps leave nothing open".to_owned()))?;
    Ok(Loaded { open })
}

impl Loaded {
    /// Aborts what is open.
    pub(super) fn abort(mut self, link: &mut Link) -> Result<(), Error> {
        self.open.end(link, false)
    }
}

impl Writer {
    fn open(link: &mut Link, id: String) -> Result<Self, Error> {
        insist(|| link.find_coordinator(Coordinates::Transactions, &id))?;
        let producer = insist(|| link.init_producer(Some(&id)))?;
        Ok(Self {
            id,
            producer,
            sequences: BTreeMap::new(),
            added: Vec::new(),
        })
    }

    fn write(
        &mut self,
        link: &mut Link,
        topic: &str,
        partition: i32,
        written: usize,
        count: usize,
    ) -> Result<(), Error> {
        let (id, producer) = (&self.id, self.producer);
        let place = (topic.to_owned(), partition);
        if !self.added.contains(&place) {
            insist(|| link.add_partition(id, producer, topic, partition))?;
            self.added.push(place.clone());
        }
        let sequence = self.sequences.entry(place).or_default();
        let batch = BatchBuilder::new()
            .producer(producer.id, producer.epoch, *sequence)
            .transactional(true);
        let batch = fill(batch, written, count);
        *sequence += i32::try_from(count).unwrap_or(i32::MAX);
        insist(|| link.produce(topic, partition, Some(id), &batch))?;
        Ok(())
    }

    /// Ends the transaction and waits for its markers: Kafka answers before it writes them, and what
    /// another writer writes meanwhile would stand before them on one side and after on the other.
    fn end(&mut self, link: &mut Link, commit: bool) -> Result<(), Error> {
        let places = std::mem::take(&mut self.added);
        let ends = |link: &mut Link| -> Result<Vec<i64>, Error> {
            let end = |(topic, partition): &(String, i32)| link.end(topic, *partition);
            places.iter().map(end).collect()
        };
        let before = ends(link)?;
        insist(|| link.end_transaction(&self.id, self.producer, commit))?;
        for _ in 0..500 {
            if ends(link)?
                .iter()
                .zip(&before)
                .all(|(end, before)| end > before)
            {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(Error::Wrong(format!(
            "the markers of {} are missing",
            self.id
        )))
    }
}

fn fill(batch: BatchBuilder, from: usize, count: usize) -> Batch {
    let numbers = from..from + count;
    let batch = numbers.fold(batch, |batch, number| {
        let time = EPOCH_MS + number as i64;
        let (key, value) = (format!("key-{number}"), format!("value-{number}"));
        batch.push(time, Some(key.as_bytes()), Some(value.as_bytes()), &[])
    });
    batch.build()
}

/// Batches of every codec and shape: repeated headers, null keys and values.
pub(super) fn shapes(link: &mut Link, topic: &str) -> Result<(), Error> {
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for (number, codec) in codecs.into_iter().enumerate() {
        let time = EPOCH_MS + 10 * number as i64;
        let headers: [(&str, Option<&[u8]>); 3] =
            [("h", Some(b"1")), ("h", Some(b"2")), ("n", None)];
        let batch = BatchBuilder::new()
            .compression(codec)
            .push(time, Some(b"key"), Some(b"value"), &headers)
            .push(time + 5, None, Some(b"no key"), &[])
            .push(time + 2, Some(b"no value"), None, &[])
            .build();
        let partition = i32::try_from(number % 3).unwrap_or(0);
        insist(|| link.produce(topic, partition, None, &batch))?;
    }
    Ok(())
}

/// An idempotent producer's batches of 60 KiB, enough for several segments of 1 MiB.
pub(super) fn segments(link: &mut Link, topic: &str) -> Result<(), Error> {
    let producer = insist(|| link.init_producer(None))?;
    for number in 0..50 {
        let value = vec![b'a' + (number % 26) as u8; 60 << 10];
        let batch = BatchBuilder::new()
            .producer(producer.id, producer.epoch, number)
            .push(EPOCH_MS + i64::from(number), None, Some(&value), &[])
            .build();
        insist(|| link.produce(topic, 0, None, &batch))?;
    }
    Ok(())
}

/// How many records of a topic a reader of either kind sees while the last transaction is open:
/// (read_committed, read_uncommitted).
pub(super) fn seen(topic: &str) -> (usize, usize) {
    let (mut committed, mut all) = (0, 0);
    for (at, step) in STEPS.iter().enumerate() {
        if let Step::Write(letter, to, _, count) = step
            && *to == topic
        {
            all += count;
            let end = STEPS[at..]
                .iter()
                .find(|s| **s == Step::Commit(*letter) || **s == Step::Abort(*letter));
            if end == Some(&Step::Commit(*letter)) {
                committed += count;
            }
        }
    }
    (committed, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_see_follows_from_the_steps() {
        // In a: 3 + 1 committed by a, 2 aborted by b, 1 aborted by a, 2 committed by b, 2 aborted
        // by a, 2 committed by b, and 2 that stay open.
        assert_eq!(seen("a"), (8, 15));
        assert_eq!(seen("b"), (4, 5));
    }

    #[test]
    fn only_the_last_transaction_stays_open() {
        let open: Vec<char> = ['a', 'b', 'c']
            .into_iter()
            .filter(|letter| {
                let last = STEPS.iter().rev().find(|step| match step {
                    Step::Write(l, ..) | Step::Offset(l, ..) | Step::Commit(l) | Step::Abort(l) => {
                        l == letter
                    }
                });
                !matches!(last, Some(Step::Commit(_) | Step::Abort(_)))
            })
            .collect();
        assert_eq!(open, [OPEN]);
    }

    #[test]
    fn the_same_load_is_the_same_bytes() {
        let batch = || fill(BatchBuilder::new().producer(1, 0, 0), 5, 3);
        assert_eq!(batch().as_bytes(), batch().as_bytes());
        assert_eq!(batch().base_timestamp(), EPOCH_MS + 5);
    }
}
