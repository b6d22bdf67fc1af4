//! A read_committed reader got a record before its commit was even asked for. (Jepsen Kafka:
//! `precommitted-read`, where a transaction reads what it wrote itself; here any reader.)
//!
//! Fires when the poll had ended before the line that asks for the commit of the record's
//! transaction. Of a transaction that is aborted the rule is [`super::aborted_read`].

use super::{Anomaly, Scene};
use crate::facts::{NEVER, Status};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::PrecommittedRead;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for send in &facts.sends {
        let Some(transaction) = facts.transaction_of(send) else {
            continue;
        };
        let read = send.first_committed;
        if read == NEVER || read > transaction.commit || transaction.status() == Status::Aborted {
            continue;
        }
        report.add(RULE, || {
            let value = &send.op.value;
            let place = facts.partitions[send.partition as usize].name;
            let text = format!("{value} was read in {place} before anyone asked to commit it");
            Finding::new(RULE, text)
                .at(place, send.offset.as_slice())
                .send(send)
                .lines([read, transaction.commit])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Isolation;
    use crate::testing::Story;

    #[test]
    fn a_record_may_be_read_once_its_commit_is_under_way() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0);
        let commit = story.committing(1, 1);
        story.read(2, &[(0, 10)]).ok(commit).valid();
    }

    #[test]
    fn a_record_that_was_read_before_is_found() {
        let mut story = Story::new();
        story
            .in_txn(1, 1, 10, 0)
            .read(1, &[(0, 10)])
            .committed(1, 1);
        story.finds(RULE);
    }

    #[test]
    fn who_reads_uncommitted_data_may_see_it_early() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0);
        story.read_as(2, Isolation::ReadUncommitted, &[(0, 10)]);
        story.committed(1, 1).valid();
    }
}
