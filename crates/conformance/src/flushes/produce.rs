//! Records to many partitions: a few connections, each with one request under way, and a batch of 16 KiB for each of
//! up to 32 partitions in it.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use once_wire::batch::BatchBuilder;

use super::table::Row;
use super::{PATIENCE, Rival, make_topic};
use crate::calls::produce_request;
use crate::error::{Error, accept};
use crate::link::Link;

const CONNECTIONS: u32 = 4;
/// Partitions of one request at most.
const TOGETHER: u32 = 32;
/// Records of a batch, and bytes of a value.
const RECORDS: usize = 160;
const VALUE: [u8; 100] = [7; 100];

/// Records a second, and how long each request took.
pub(super) fn measure(
    rival: &Rival,
    topic: &str,
    partitions: u32,
    length: Duration,
) -> Result<Row, Error> {
    make_topic(rival, topic, partitions)?;
    let ended: Vec<Result<(usize, Vec<Duration>), Error>> = thread::scope(|scope| {
        let each = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || one(rival, topic, partitions, number, length)));
        let each: Vec<_> = each.collect();
        let joined = each.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|ended| ended.unwrap_or_else(|_| Err(Error::Wrong("a producer panicked".into()))))
            .collect()
    });
    let (mut records, mut took) = (0, Vec::new());
    for ended in ended {
        let (of_one, mut took_one) = ended?;
        records += of_one;
        took.append(&mut took_one);
    }
    Ok(Row {
        rate: records as f64 / length.as_secs_f64(),
        unit: "records/s",
        took,
    })
}

fn one(
    rival: &Rival,
    topic: &str,
    partitions: u32,
    number: u32,
    length: Duration,
) -> Result<(usize, Vec<Duration>), Error> {
    let mut link = Link::connect(&rival.address, PATIENCE)?;
    let batch = batch();
    let (began, mut records, mut took) = (Instant::now(), 0, Vec::new());
    let mut next = number * TOGETHER;
    while began.elapsed() < length {
        let some = (0..TOGETHER.min(partitions)).map(|n| (next + n) % partitions);
        let some = some.map(|index| i32::try_from(index).unwrap_or(0));
        let request = produce_request(topic, some, &batch);
        next = (next + CONNECTIONS * TOGETHER) % partitions.max(1);
        let from = Instant::now();
        let answer = link.call(9, &request)?;
        took.push(from.elapsed());
        let results = answer.responses.iter().flat_map(|t| &t.partition_responses);
        for result in results {
            accept("produce", result.error_code)?;
            records += RECORDS;
        }
    }
    Ok((records, took))
}

fn batch() -> Bytes {
    let builder = (0..RECORDS).fold(BatchBuilder::new(), |builder, _| {
        builder.push(1_700_000_000_000, None, Some(&VALUE), &[])
    });
    builder.build().as_bytes().clone()
}
