//! Transactions that read each other in a circle. (Adya, G1c; Jepsen Kafka: `G1c`, with write–read
//! edges only: Kafka does not isolate writes, so circles over write–write edges are normal.)
//!
//! An edge leads from the transaction that sent a record to another that read it, by polls that say
//! that they belong to it (`txn`) and are read_committed. One finding per strongly connected
//! component, with its shortest circle. What a transaction reads of itself is
//! [`super::precommitted_read`].

use super::{Anomaly, Scene, torn_transaction};
use crate::facts::{Facts, NONE};
use crate::graph::Graph;
use crate::history::{Isolation, Value};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::G1c;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    let mut graph = Graph::default();
    edges(facts, |from, to, _, _| graph.add(from, to));
    for cycle in graph.cycles() {
        report.add(RULE, || finding(facts, &cycle));
    }
}

/// Every write–read edge, with its record's value and the line of the read.
fn edges<'h>(facts: &Facts<'h>, mut each: impl FnMut(u32, u32, &'h Value, u32)) {
    for reads in &facts.reads {
        if reads.txn == NONE || reads.isolation != Isolation::ReadCommitted {
            continue;
        }
        for &id in facts.sends_of(reads) {
            if let Some(send) = facts.sends.get(id as usize)
                && send.txn != NONE
                && send.txn != reads.txn
            {
                each(send.txn, reads.txn, &send.op.value, facts.line_of(reads));
            }
        }
    }
}

fn finding(facts: &Facts<'_>, cycle: &[u32]) -> Finding {
    let name = |id: u32| torn_transaction::name(&facts.transactions[id as usize]);
    let steps = || cycle.iter().zip(cycle.iter().cycle().skip(1));
    let mut witnesses = vec![None; cycle.len()];
    edges(facts, |from, to, value, line| {
        if let Some(at) = steps().position(|step| step == (&from, &to)) {
            witnesses[at].get_or_insert((value, line));
        }
    });
    let mut finding = Finding::new(RULE, "");
    let mut parts = Vec::new();
    for ((from, to), (value, line)) in steps().zip(witnesses.into_iter().flatten()) {
        parts.push(format!("{} read {value} of {}", name(*to), name(*from)));
        finding.values.push(value.clone());
        finding = finding.lines([line]);
    }
    finding.text = parts.join(", ");
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Partition;
    use crate::testing::Story;

    #[test]
    fn a_chain_is_no_circle() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).committed(1, 1);
        story
            .read_in_txn(2, 1, &[(0, 10)])
            .in_txn(2, 1, 11, 2)
            .committed(2, 1);
        story
            .read_in_txn(1, 2, &[(0, 10), (2, 11)])
            .committed(1, 2)
            .valid();
    }

    #[test]
    fn two_transactions_that_read_each_other_are_found() {
        let mut story = Story::new();
        let other = Partition::new("orders", 1);
        story.in_txn(1, 1, 10, 0).in_txn_to(2, 1, &other, 11, 0);
        let [a, b] = [story.committing(1, 1), story.committing(2, 1)];
        story.read_in_txn(2, 1, &[(0, 10)]);
        story.read_in_txn_of(1, 1, &other, &[(0, 11)]);
        story.ok(a).ok(b);
        let report = story.finds(RULE);
        assert_eq!(report.findings[0].values.len(), 2, "{report}");
    }
}
