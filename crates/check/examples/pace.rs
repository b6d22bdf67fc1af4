//! How long the judge takes: `cargo run --release -p once-check --example pace [EVENTS]`.
//!
//! The history is of transactions over three partitions, each of ten records and a group offset,
//! two readers of everything, and a fetch of the group's offset now and then.

use std::time::Instant;

use once_check::history::{
    FetchOffsets, History, Isolation, Op, Partition, PartitionRead, Poll, Producer, SendOffsets,
    SendRecord,
};
use once_check::{Verdict, check};

const PARTITIONS: usize = 3;

/// The history, and where each partition ends.
struct Load {
    history: History,
    ends: [i64; PARTITIONS],
    names: [Partition; PARTITIONS],
    values: u64,
}

impl Load {
    fn transaction(&mut self, txn: u64) {
        let producer = Producer::transactional("pace").with_epoch(1, 0);
        let mut fresh = vec![PartitionRead::new(self.names[0].clone()); PARTITIONS];
        for (read, (name, end)) in fresh.iter_mut().zip(self.names.iter().zip(self.ends)) {
            *read = PartitionRead::new(name.clone()).positions(end, end);
        }
        for record in 0..10 {
            let at = record % PARTITIONS;
            let (value, offset) = (self.values, self.ends[at]);
            let send = SendRecord::new(self.names[at].clone(), value).txn(txn);
            let send = send.by(producer.clone());
            let invoked = self.history.invoke(txn, 1, send.clone());
            self.history.ok_with(txn, invoked, send.at(offset));
            fresh[at] = fresh[at].clone().record(offset, value);
            (self.values, self.ends[at]) = (value + 1, offset + 1);
        }
        let offsets = SendOffsets {
            txn,
            producer: producer.clone(),
            group: "group".into(),
            offsets: [(self.names[0].clone(), txn as i64)].into(),
        };
        let invoked = self.history.invoke(txn, 1, offsets);
        self.history.ok(txn, invoked);
        let invoked = self.history.invoke(txn, 1, Op::commit(txn, producer));
        self.history.ok(txn, invoked);
        for (read, end) in fresh.iter_mut().zip(&mut self.ends) {
            *end += 1;
            read.position = Some(*end);
        }
        for reader in [2, 3] {
            let mut poll = Poll::new(Isolation::ReadCommitted);
            let invoked = self.history.invoke(txn, reader, poll.clone());
            poll.reads.clone_from(&fresh);
            self.history.ok_with(txn, invoked, poll);
        }
        if txn.is_multiple_of(10) {
            let mut fetch = FetchOffsets {
                group: "group".into(),
                require_stable: true,
                offsets: [(self.names[0].clone(), None)].into(),
            };
            let invoked = self.history.invoke(txn, 4, fetch.clone());
            fetch
                .offsets
                .insert(self.names[0].clone(), Some(txn as i64));
            self.history.ok_with(txn, invoked, fetch);
        }
    }
}

fn main() {
    let events = std::env::args().nth(1).and_then(|arg| arg.parse().ok());
    let events: usize = events.unwrap_or(1_000_000);
    let names = ["a", "b", "c"].map(|topic| Partition::new(topic, 0));
    let mut load = Load {
        history: History::new(),
        ends: [0; PARTITIONS],
        names,
        values: 0,
    };
    for txn in 0.. {
        if load.history.events().len() >= events {
            break;
        }
        load.transaction(txn);
    }
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        let began = Instant::now();
        let report = check(&load.history);
        least = least.min(began.elapsed().as_secs_f64());
        assert_eq!(report.verdict(), Verdict::Valid, "{report}");
    }
    println!("{events} events: {:.3} ms", least * 1000.0);
    let mut lines = Vec::new();
    load.history
        .write(&mut lines)
        .expect("memory does not fail");
    let began = Instant::now();
    let read = History::read(lines.as_slice()).expect("its own lines");
    let (size, took) = (lines.len() >> 20, began.elapsed().as_secs_f64());
    println!(
        "{} lines, {size} MiB: read in {took:.3} s",
        read.events().len()
    );
}
