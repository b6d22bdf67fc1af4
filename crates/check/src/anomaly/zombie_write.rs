//! A fenced producer's work counts. (KIP-98 and KIP-360; our I2 and I9.)
//!
//! An `init` of a transactional id that succeeded fences every transaction of that id that runs
//! under an earlier `init`. A transaction runs under the last successful `init` of its process that
//! had ended when the transaction began. An `init` is later than another if it was invoked after the
//! other had ended, or, when they overlap, if it got the same producer id and a higher epoch. Fires
//! when, after the line on which the fencing `init` ended,
//! - a commit of a fenced transaction was asked for, and the transaction is committed; or
//! - a record of it was sent, and was acknowledged or read by anyone;
//!
//! and when, in a partition, a transaction's record lies behind one of the same producer id and a
//! higher epoch.
//!
//! Not a zombie: a commit or a send that was under way when the `init` ended, for nobody knows which
//! came first.

use super::{Anomaly, Scene, torn_transaction};
use crate::facts::{Facts, Line, NEVER, NONE, Outcome, Send, Status, Transaction};
use crate::hash::Map;
use crate::history::{Op, Producer};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::ZombieWrite;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    let inits = inits(facts);
    if !inits.is_empty() {
        for transaction in &facts.transactions {
            let inits = transaction.transactional_id.and_then(|id| inits.get(id));
            if let Some(fence) = inits.and_then(|inits| fence(transaction, inits)) {
                judge(facts, transaction, fence, report);
            }
        }
    }
    epochs(facts, report);
}

/// A producer's start that succeeded.
struct Start<'h> {
    process: u32,
    begin: Line,
    end: Line,
    producer: &'h Producer,
}

/// By transactional id, in the order of their invocations.
fn inits<'h>(facts: &Facts<'h>) -> Map<&'h str, Vec<Start<'h>>> {
    let mut inits: Map<&'h str, Vec<Start<'h>>> = Map::default();
    for operation in &facts.operations {
        if let (Op::Init(init), Outcome::Ok) = (operation.op, operation.outcome)
            && let Some(id) = &init.producer.transactional_id
        {
            inits.entry(id).or_default().push(Start {
                process: operation.process,
                begin: operation.begin,
                end: operation.end,
                producer: &init.producer,
            });
        }
    }
    inits
}

/// The line from which on a transaction is fenced.
fn fence(transaction: &Transaction<'_>, inits: &[Start<'_>]) -> Option<Line> {
    let known = inits.partition_point(|start| start.begin < transaction.first);
    let own = inits[..known]
        .iter()
        .rev()
        .find(|start| start.process == transaction.process && start.end < transaction.first);
    let (from, since) = match own {
        Some(own) => (
            inits.partition_point(|start| start.begin <= own.begin),
            own.end,
        ),
        None => (known, transaction.first),
    };
    // Those that overlap our own may have been invoked before it.
    let overlapping = inits[..from].iter().filter(|start| {
        own.is_some_and(|own| start.end > own.begin && outranks(start.producer, own.producer))
    });
    let later = inits[from..].iter().filter(|start| {
        start.begin > since || own.is_some_and(|own| outranks(start.producer, own.producer))
    });
    overlapping.chain(later).map(|start| start.end).min()
}

fn outranks(one: &Producer, other: &Producer) -> bool {
    let same = one.producer_id.is_some() && one.producer_id == other.producer_id;
    same && other.epoch.is_some() && one.epoch > other.epoch
}

fn judge(facts: &Facts<'_>, transaction: &Transaction<'_>, fence: Line, report: &mut Report) {
    let committed = transaction.status() == Status::Committed;
    if committed && transaction.commit > fence && transaction.commit != NEVER {
        report.add(RULE, || {
            let text = format!(
                "{} was fenced, asked for its commit after that, and is committed",
                torn_transaction::name(transaction)
            );
            let lines = [
                fence,
                transaction.commit,
                transaction.committed,
                transaction.seen,
            ];
            Finding::new(RULE, text).lines(lines)
        });
        return;
    }
    let late = |send: &&Send<'_>| {
        let there = send.outcome == Outcome::Ok || send.first_any != NEVER;
        send.begin > fence && there
    };
    let mut sends = transaction
        .sends
        .iter()
        .map(|id| &facts.sends[*id as usize]);
    if let Some(send) = sends.find(late) {
        report.add(RULE, || {
            let (value, name) = (&send.op.value, torn_transaction::name(transaction));
            let place = facts.partitions[send.partition as usize].name;
            let text = format!("{name} was fenced, sent {value} to {place}, and it is there");
            Finding::new(RULE, text)
                .at(place, send.offset.as_slice())
                .send(send)
                .lines([fence, send.first_any])
        });
    }
}

/// Within a partition a producer's epoch only grows.
fn epochs(facts: &Facts<'_>, report: &mut Report) {
    let mut newest: Map<(u32, i64), (i16, u32)> = Map::default();
    for (partition, place) in (0..).zip(&facts.partitions) {
        for entry in place.order.entries() {
            let send = &facts.sends[entry.send as usize];
            let producer = send.op.producer.as_ref().filter(|_| send.txn != NONE);
            let Some((id, epoch)) = producer.and_then(|p| p.producer_id.zip(p.epoch)) else {
                continue;
            };
            if send.offset != Some(entry.offset) {
                continue;
            }
            let known = newest.entry((partition, id)).or_insert((epoch, entry.send));
            if epoch >= known.0 {
                *known = (epoch, entry.send);
                continue;
            }
            let (newer, other) = (known.0, &facts.sends[known.1 as usize]);
            report.add(RULE, || {
                let (value, first) = (&send.op.value, &other.op.value);
                let text = format!(
                    "{value} of epoch {epoch} of producer {id} lies in {} behind {first} of epoch {newer}",
                    place.name,
                );
                let offsets = [other.offset.unwrap_or(-1), entry.offset];
                let finding = Finding::new(RULE, text).at(place.name, &offsets);
                finding.send(other).send(send)
            });
        }
    }
}

#[cfg(test)]
mod tests;
