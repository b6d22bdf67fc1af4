//! Transactions of one record, each producer for itself.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use once_wire::ErrorCode;
use once_wire::batch::BatchBuilder;

use super::table::Row;
use super::{PATIENCE, Rival, make_topic};
use crate::calls::{Coordinates, insist};
use crate::error::Error;
use crate::link::Link;

/// Partitions of the topic.
const PARTITIONS: u32 = 8;

/// Commits a second, and how long each EndTxn took.
pub(super) fn measure(
    rival: &Rival,
    topic: &str,
    producers: u32,
    length: Duration,
) -> Result<Row, Error> {
    make_topic(rival, topic, PARTITIONS)?;
    let start = Barrier::new(producers as usize);
    let ended: Vec<Result<Vec<Duration>, Error>> = thread::scope(|scope| {
        let each = (0..producers).map(|number| {
            let start = &start;
            scope.spawn(move || one(rival, topic, number, length, start))
        });
        let each: Vec<_> = each.collect();
        let joined = each.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|ended| ended.unwrap_or_else(|_| Err(Error::Wrong("a producer panicked".into()))))
            .collect()
    });
    let mut commits = Vec::new();
    for ended in ended {
        commits.append(&mut ended?);
    }
    Ok(Row {
        rate: commits.len() as f64 / length.as_secs_f64(),
        unit: "commits/s",
        took: commits,
    })
}

fn one(
    rival: &Rival,
    topic: &str,
    number: u32,
    length: Duration,
    start: &Barrier,
) -> Result<Vec<Duration>, Error> {
    let id = format!("{topic}-{number}");
    let partition = i32::try_from(number % PARTITIONS).unwrap_or(0);
    let ready = || {
        let mut link = Link::connect(&rival.address, PATIENCE)?;
        insist(|| link.find_coordinator(Coordinates::Transactions, &id))?;
        let producer = insist(|| link.init_producer(Some(&id)))?;
        Ok((link, producer))
    };
    let ready: Result<_, Error> = ready();
    // Whoever could not begin must not keep the others waiting.
    start.wait();
    let (mut link, producer) = ready?;
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        again(|| link.add_partition(&id, producer, topic, partition))?;
        let sequence = i32::try_from(took.len()).unwrap_or(0);
        let batch = BatchBuilder::new()
            .producer(producer.id, producer.epoch, sequence)
            .transactional(true)
            .push(1_700_000_000_000, Some(b"key"), Some(&[7; 100]), &[])
            .build();
        link.produce(topic, partition, Some(&id), &batch)?;
        let from = Instant::now();
        again(|| link.end_transaction(&id, producer, true))?;
        took.push(from.elapsed());
    }
    Ok(took)
}

/// As a client does that tries again soon: Kafka answers so until the markers of the transaction before are written.
fn again(mut call: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    loop {
        match call() {
            Err(Error::Refused {
                code: ErrorCode::ConcurrentTransactions,
                ..
            }) => thread::sleep(Duration::from_millis(1)),
            outcome => return outcome,
        }
    }
}
