//! What is put on the disk: records in all partitions, and transactional ids.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::SystemTime;

use bytes::Bytes;
use once_wire::batch::BatchBuilder;

use super::{Options, PATIENCE, TOPIC};
use crate::calls::{Coordinates, insist, produce_request};
use crate::error::{Error, accept};
use crate::link::Link;

const CONNECTIONS: i32 = 4;
/// Partitions of one request, records of a batch, and bytes of a value.
const TOGETHER: i32 = 16;
const RECORDS: usize = 100;
const VALUE: [u8; 1024] = [7; 1024];
/// Connections that make transactional ids, each one after the other.
const MAKERS: u32 = 32;

/// Produces to all partitions until `enough` says so of the bytes written. Returns these.
pub(super) fn records(
    address: &str,
    options: &Options,
    enough: &(dyn Fn(u64) -> bool + Sync),
) -> Result<u64, Error> {
    let (written, batch) = (AtomicU64::new(0), batch());
    let one = |number: i32| -> Result<(), Error> {
        let mut link = Link::connect(address, PATIENCE)?;
        let mut next = number * TOGETHER;
        while !enough(written.load(Ordering::Relaxed)) {
            let together = next..next + TOGETHER.min(options.partitions);
            let places = together.map(|n| n % options.partitions);
            let request = produce_request(TOPIC, places, &batch);
            next = (next + CONNECTIONS * TOGETHER) % options.partitions;
            let answer = link.call(9, &request)?;
            let results = answer
                .responses
                .iter()
                .flat_map(|of| &of.partition_responses);
            for result in results {
                accept("produce", result.error_code)?;
                written.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let one = &one;
        let each: Vec<_> = (0..CONNECTIONS)
            .map(|n| scope.spawn(move || one(n)))
            .collect();
        join(each)
    })?;
    Ok(written.into_inner())
}

/// Makes transactional ids.
pub(super) fn ids(address: &str, count: u32) -> Result<(), Error> {
    let one = |number: u32| -> Result<(), Error> {
        let mut link = Link::connect(address, PATIENCE)?;
        for n in (number..count).step_by(MAKERS as usize) {
            let id = format!("restart-{n}");
            if n < MAKERS {
                insist(|| link.find_coordinator(Coordinates::Transactions, &id))?;
            }
            insist(|| link.init_producer(Some(&id)))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let one = &one;
        let each: Vec<_> = (0..MAKERS).map(|n| scope.spawn(move || one(n))).collect();
        join(each)
    })
}

/// The first that went wrong, once all have ended.
fn join(threads: Vec<ScopedJoinHandle<'_, Result<(), Error>>>) -> Result<(), Error> {
    let joined = threads.into_iter().map(ScopedJoinHandle::join);
    let ended: Vec<_> = joined.collect();
    ended.into_iter().try_for_each(|ended| {
        ended.unwrap_or_else(|_| Err(Error::Wrong("a thread of the load panicked".into())))
    })
}

/// Of now: records that are old go by their age.
fn batch() -> Bytes {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let builder = (0..RECORDS).fold(BatchBuilder::new(), |builder, _| {
        builder.push(now, None, Some(&VALUE), &[])
    });
    builder.build().as_bytes().clone()
}
