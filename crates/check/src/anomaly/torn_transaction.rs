//! A part of a transaction counts, and the rest does not. (Atomicity over partitions and group
//! offsets: KIP-98; our I3 and I7.)
//!
//! Fires when
//! - of a transaction that is committed, read_committed readers (or a fetch of group offsets) saw
//!   something and, of the records that were acknowledged, miss something, as [`super::lost_write`]
//!   says what is missing;
//! - a group's offset was fetched that only an aborted transaction sent;
//! - one transaction's end was answered as a commit and as an abort.
//!
//! That a commit's offsets are missing while its records are there is found by
//! [`super::committed_offset`], which names the transaction.

use super::{Anomaly, Scene};
use crate::facts::{Facts, NEVER, Status, Transaction};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::TornTransaction;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for transaction in &facts.transactions {
        if transaction.committed != NEVER && transaction.aborted != NEVER {
            report.add(RULE, || {
                let name = name(transaction);
                Finding::new(
                    RULE,
                    format!("{name} was answered as committed and as aborted"),
                )
                .lines([transaction.committed, transaction.aborted])
            });
        }
        if transaction.seen != NEVER && transaction.status() == Status::Committed {
            parts(scene, transaction, report);
        }
    }
    offsets(facts, report);
}

/// Records that are missing of a transaction of which something was seen.
fn parts(scene: &Scene<'_, '_>, transaction: &Transaction<'_>, report: &mut Report) {
    let facts = scene.facts;
    let sends = || {
        transaction
            .sends
            .iter()
            .map(|id| &facts.sends[*id as usize])
    };
    let missing = |id: &u32| Some((*id, scene.coverage.missing(*id)?.0));
    let Some((lost, witness)) = transaction.sends.iter().find_map(missing) else {
        return;
    };
    let lost = &facts.sends[lost as usize];
    report.add(RULE, || {
        let seen = sends().find(|send| send.first_committed != NEVER);
        let part = match seen {
            Some(send) => format!("its record {}", send.op.value),
            None => "its group offset".to_owned(),
        };
        let text = format!(
            "{}: {part} was read, its record {} in {} is missing",
            name(transaction),
            lost.op.value,
            facts.partitions[lost.partition as usize].name,
        );
        let place = facts.partitions[lost.partition as usize].name;
        let finding = Finding::new(RULE, text).at(place, lost.offset.as_slice());
        let finding = finding.send(lost).lines([witness]);
        finding.lines([transaction.seen, transaction.commit])
    });
}

/// Offsets of aborted transactions that count.
fn offsets(facts: &Facts<'_>, report: &mut Report) {
    for group in &facts.groups {
        for fetch in &group.fetches {
            let Some(write) = group.only_write(fetch) else {
                continue;
            };
            let Some(transaction) = write.txn.map(|id| &facts.transactions[id as usize]) else {
                continue;
            };
            if transaction.status() != Status::Aborted {
                continue;
            }
            report.add(RULE, || {
                let (name, who) = (name(transaction), group.group);
                let offset = fetch.offset.unwrap_or(-1);
                let text = format!("{name} is aborted, and its offset {offset} of {who} counts");
                Finding::new(RULE, text)
                    .at(group.partition, fetch.offset.as_slice())
                    .lines([write.placed.0, transaction.aborted, fetch.end])
            });
        }
    }
}

/// A transaction's name for people.
pub(super) fn name(transaction: &Transaction<'_>) -> String {
    let Transaction {
        process, number, ..
    } = transaction;
    match transaction.transactional_id {
        Some(id) => format!("transaction {number} of {id} (process {process})"),
        None => format!("transaction {number} of process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Partition;
    use crate::testing::Story;

    fn two_partitions() -> (Story, Partition, Partition) {
        let mut story = Story::new();
        let [a, b] = [0, 1].map(|index| Partition::new("orders", index));
        story.in_txn_to(1, 1, &a, 10, 0).in_txn_to(1, 1, &b, 11, 0);
        (story, a, b)
    }

    #[test]
    fn a_whole_transaction_is_whole_in_every_partition() {
        let (mut story, a, b) = two_partitions();
        story.maybe_committed(1, 1).sent_to(3, &b, 12, 2);
        story.read_of(2, &a, &[(0, 10)]);
        story.read_of(2, &b, &[(0, 11), (2, 12)]).valid();
    }

    #[test]
    fn a_transaction_that_is_there_in_one_partition_only_is_torn() {
        let (mut story, a, b) = two_partitions();
        story.maybe_committed(1, 1).sent_to(3, &b, 12, 2);
        story.read_of(2, &a, &[(0, 10)]);
        story.read_of(2, &b, &[(2, 12)]).finds(RULE);
    }

    #[test]
    fn a_partition_that_nobody_read_so_far_says_nothing() {
        let (mut story, a, _) = two_partitions();
        story.maybe_committed(1, 1).read_of(2, &a, &[(0, 10)]);
        assert_eq!(story.report().count(RULE), 0);
    }

    #[test]
    fn offsets_that_count_without_their_records_are_torn() {
        let (mut story, _, b) = two_partitions();
        story.offsets_in_txn(1, 1, 5).maybe_committed(1, 1);
        story.fetched(3, Some(5)).sent_to(3, &b, 12, 2);
        story.read_of(2, &b, &[(2, 12)]).finds(RULE);
    }

    #[test]
    fn offsets_of_an_aborted_transaction_that_count_are_torn() {
        let mut story = Story::new();
        story.offsets_in_txn(1, 1, 5).aborted(1, 1);
        let mut good = story.clone();
        good.fetched(3, None);
        assert_eq!(good.report().anomalies.len(), 0);
        story.fetched(3, Some(5)).finds(RULE);
    }

    #[test]
    fn an_end_has_one_answer() {
        let (mut story, ..) = two_partitions();
        story.committed(1, 1).aborted(1, 1).finds(RULE);
    }
}
