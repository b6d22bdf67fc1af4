//! The live state against the model, after every step.

use proptest::prelude::*;

use super::harness::{Partition, small_config, steps};
use super::model;
use crate::producers::Producers;
use crate::{FoundTimestamp, Isolation, TimestampLookup};

const BOTH: [Isolation; 2] = [Isolation::ReadUncommitted, Isolation::ReadCommitted];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_last_stable_offset_and_the_aborted_list_are_those_of_a_scan(steps in steps(60)) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
            let log = &partition.log;
            let high_watermark = log.high_watermark();
            prop_assert!(high_watermark <= log.end_offset());
            prop_assert_eq!(log.last_stable_offset(), model::last_stable_offset(&partition.batches, high_watermark));
            let aborted = log.aborted().map(|a| (a.producer_id, a.first_offset, a.last_offset, a.last_stable_offset));
            prop_assert_eq!(aborted.collect::<Vec<_>>(), model::aborted(&partition.batches));
        }
    }

    #[test]
    fn memory_holds_every_unflushed_batch_and_few_flushed_ones(steps in steps(80)) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
            let high_watermark = partition.log.high_watermark();
            let (flushed, unflushed): (Vec<_>, Vec<_>) =
                partition.log.tail.from(0).partition(|b| b.last_offset < high_watermark);
            let bytes: usize = flushed.into_iter().map(|b| b.bytes.len()).sum();
            prop_assert!(bytes <= partition.config.tail_bytes);
            let wanted = partition.batches.iter().filter(|b| b.last_offset() >= high_watermark).count();
            prop_assert_eq!(unflushed.len(), wanted);
        }
    }

    #[test]
    fn the_producers_are_a_fold_over_the_batches(steps in steps(60)) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
        }
        let live: Producers = Producers::new(partition.log.producers().map(|(id, e)| (id, e.clone())).collect());
        let mut replayed = partition.replayed();
        replayed.flushed_to(i64::MAX);
        prop_assert_eq!(live, replayed);
    }

    #[test]
    fn a_reader_gets_every_batch_below_its_bound_and_delivers_what_is_committed(
        steps in steps(80),
        max_bytes in 0..1200usize,
    ) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
        }
        for isolation in BOTH {
            let upper = partition.log.readable_end(isolation);
            let below = |b: &&once_wire::batch::Batch| b.last_offset() < upper;
            let wanted: Vec<_> = partition.batches.iter().filter(below).cloned().collect();
            let (read, delivered) = partition.read_all(isolation, max_bytes);
            prop_assert_eq!(read, wanted);
            let data = match isolation {
                Isolation::ReadCommitted => model::committed(&partition.batches, upper),
                Isolation::ReadUncommitted => {
                    partition.batches.iter().filter(below).filter(|b| !b.is_control()).map(|b| b.base_offset()).collect()
                }
            };
            prop_assert_eq!(delivered, data);
        }
    }

    #[test]
    fn a_read_from_any_offset_begins_with_its_batch_and_keeps_to_the_limit(
        steps in steps(80),
        max_bytes in 0..1200usize,
        at_least_one: bool,
        pick in 0..1000i64,
    ) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
        }
        let from = pick * partition.log.end_offset() / 1000;
        for isolation in BOTH {
            let upper = partition.log.readable_end(isolation);
            let planned = partition.log.read(from, isolation, max_bytes, at_least_one).expect("in range");
            let read = partition.batches_of(&planned);
            let holding = partition.batches.iter().position(|b| b.last_offset() >= from).filter(|_| from < upper);
            let wanted = holding.map_or(&[][..], |n| &partition.batches[n..n + read.len()]);
            prop_assert_eq!(&read, wanted);
            prop_assert!(read.iter().all(|b| b.last_offset() < upper));
            let size: usize = read.iter().map(|b| b.size()).sum();
            prop_assert!(size <= max_bytes || (at_least_one && read.len() == 1), "{} bytes", size);
            let fits = holding.is_some_and(|n| at_least_one || partition.batches[n].size() <= max_bytes);
            prop_assert_eq!(!read.is_empty(), fits);
            let after = partition.log.readable_bytes_after(from, isolation).expect("in range");
            prop_assert_eq!(after > 0, from < upper);
        }
    }

    #[test]
    fn a_search_by_time_finds_the_first_record_that_late(steps in steps(80), ticks in -5..60i64) {
        let mut partition = Partition::new(small_config());
        for step in &steps {
            partition.run(step);
        }
        let timestamp = 1_000_000 + ticks;
        for isolation in BOTH {
            let upper = partition.log.readable_end(isolation);
            let mut records = partition.batches.iter().filter(|b| b.last_offset() < upper).flat_map(|b| {
                b.records(1 << 20).expect("decodes").map(|r| (r.expect("decodes"), b.leader_epoch()))
            });
            let wanted = records.find(|(r, _)| r.timestamp >= timestamp).map(|(r, leader_epoch)| {
                FoundTimestamp { timestamp: r.timestamp, offset: r.offset, leader_epoch }
            });
            let found = match partition.log.offset_for_timestamp(timestamp, isolation, None) {
                TimestampLookup::Found(found) => Some(found),
                TimestampLookup::NotFound => None,
                TimestampLookup::InFile(search) => partition.store.reader().find_timestamp(&search).expect("reads"),
            };
            prop_assert_eq!(found, wanted);
        }
    }
}
