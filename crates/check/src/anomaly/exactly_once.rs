//! Consume, process, produce: an input is in no committed output, or in more than one. (KIP-98,
//! KIP-129; our I7.)
//!
//! Works by the input coordinates that output records carry. Fires when
//! - two outputs in one topic carry the same input, and both count: each was read by a read_committed
//!   reader, or its send is `ok` and stands alone or in a committed transaction;
//! - a group's transactions commit an offset of an input partition, and a record below it, which
//!   read_committed readers must see, is in no output that counts or might count, and was not
//!   deleted: a `topic` event says what may be gone.
//!
//! The second looks at the groups and input partitions of transactions that send both a group's
//! offset of the partition and an output that names it, from the lowest offset that such an output
//! names or such a transaction's process polled. Processors under judgement make one output per input
//! and output topic: who filters, or makes several, leaves the coordinates out.

use super::{Anomaly, Scene};
use crate::facts::{Facts, NEVER, NONE, Outcome, Send, Status, Transaction, Visibility};
use crate::hash::Map;
use crate::history::Op;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::ExactlyOnce;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    let mut outputs: Vec<(u32, i64, &str, u32)> = (0..)
        .zip(&facts.sends)
        .filter(|(_, send)| send.visibility != Visibility::MustNot)
        .filter_map(|(id, send)| {
            let (partition, offset) = send.input?;
            let topic = &*facts.partitions[send.partition as usize].name.topic;
            Some((partition, offset, topic, id))
        })
        .collect();
    if outputs.is_empty() {
        return;
    }
    outputs.sort_unstable();
    twice(facts, &outputs, report);
    never(scene, &outputs, report);
}

fn counts(send: &Send<'_>) -> bool {
    send.first_committed != NEVER
        || (send.visibility == Visibility::Must && send.outcome == Outcome::Ok)
}

fn twice(facts: &Facts<'_>, outputs: &[(u32, i64, &str, u32)], report: &mut Report) {
    let same =
        |a: &(u32, i64, &str, u32), b: &(u32, i64, &str, u32)| (a.0, a.1, a.2) == (b.0, b.1, b.2);
    for group in outputs.chunk_by(same) {
        let sends = group.iter().map(|output| &facts.sends[output.3 as usize]);
        let mut counting = sends.filter(|send| counts(send));
        let Some(first) = counting.next() else {
            continue;
        };
        for second in counting {
            let (input, offset, topic, _) = group[0];
            report.add(RULE, || {
                let place = facts.partitions[input as usize].name;
                let (a, b) = (&first.op.value, &second.op.value);
                let text = format!("{place} offset {offset} is in {topic} twice: {a} and {b}");
                let finding = Finding::new(RULE, text).at(place, &[offset]);
                let finding = finding.send(first).send(second);
                finding.lines([first.first_committed, second.first_committed])
            });
        }
    }
}

/// What is known of a group's way through an input partition.
#[derive(Clone, Copy)]
struct Way {
    from: i64,
    to: i64,
    /// The operation that committed `to`.
    by: u32,
}

fn never(scene: &Scene<'_, '_>, outputs: &[(u32, i64, &str, u32)], report: &mut Report) {
    let facts = scene.facts;
    let ways = ways(facts);
    for (partition, way) in (0..).zip(ways) {
        let Some(way) = way else {
            continue;
        };
        let place = &facts.partitions[partition as usize];
        for entry in place.order.between(way.from, way.to) {
            let input = &facts.sends[entry.send as usize];
            let first = outputs.partition_point(|o| (o.0, o.1) < (partition, entry.offset));
            let found = outputs.get(first).map(|o| (o.0, o.1));
            let must = input.visibility == Visibility::Must && input.offset == Some(entry.offset);
            let done = found == Some((partition, entry.offset));
            if !must || done || scene.coverage.may_be_gone(input) {
                continue;
            }
            report.add(RULE, || {
                let (name, value) = (place.name, &input.op.value);
                let text = format!(
                    "{value} at {name} offset {} is in no output, and offset {} is committed",
                    entry.offset, way.to,
                );
                let by = &facts.operations[way.by as usize];
                let finding = Finding::new(RULE, text).at(name, &[entry.offset]);
                finding.send(input).lines([by.begin, by.end])
            });
        }
    }
}

/// How far committed transactions say that inputs are done, per input partition.
fn ways(facts: &Facts<'_>) -> Vec<Option<Way>> {
    let mut ways: Vec<Option<Way>> = vec![None; facts.partitions.len()];
    let mut processors: Map<u32, ()> = Map::default();
    let mut judged: Map<(&str, u32), ()> = Map::default();
    each_offset(facts, |transaction, _, group, id, _| {
        let inputs = transaction
            .sends
            .iter()
            .map(|send| facts.sends[*send as usize].input);
        if inputs.flatten().any(|(partition, _)| partition == id) {
            judged.insert((group, id), ());
            processors.insert(transaction.process, ());
        }
    });
    each_offset(facts, |transaction, at, group, id, offset| {
        let certain = facts.operations[at as usize].outcome == Outcome::Ok;
        let committed = certain && transaction.status() == Status::Committed;
        if !committed || !judged.contains_key(&(group, id)) {
            return;
        }
        let way = ways[id as usize].get_or_insert(Way {
            from: i64::MAX,
            to: offset,
            by: at,
        });
        if offset > way.to {
            (way.to, way.by) = (offset, at);
        }
    });
    for send in facts.sends.iter().filter(|send| send.txn != NONE) {
        if let Some((partition, offset)) = send.input
            && let Some(way) = &mut ways[partition as usize]
        {
            way.from = way.from.min(offset);
        }
    }
    polled(facts, &processors, &mut ways);
    ways
}

/// Every offset that a transaction sends: by which operation, for which group and partition.
fn each_offset<'f, 'h>(
    facts: &'f Facts<'h>,
    mut each: impl FnMut(&'f Transaction<'h>, u32, &'h str, u32, i64),
) {
    for transaction in &facts.transactions {
        for &at in &transaction.offsets {
            if let Op::SendOffsets(sent) = facts.operations[at as usize].op {
                for (name, &offset) in &sent.offsets {
                    if let Some(id) = facts.partition(name) {
                        each(transaction, at, &sent.group, id, offset);
                    }
                }
            }
        }
    }
}

/// A processor answers for what it polled, once some output names the partition.
fn polled(facts: &Facts<'_>, processors: &Map<u32, ()>, ways: &mut [Option<Way>]) {
    for reads in &facts.reads {
        let process = facts.operations[reads.operation as usize].process;
        let first = reads.read.records.first().map(|record| record.offset);
        if let (Some(way), Some(first)) = (&mut ways[reads.partition as usize], first)
            && way.from != i64::MAX
            && processors.contains_key(&process)
        {
            way.from = way.from.min(first);
        }
    }
}

#[cfg(test)]
mod tests;
