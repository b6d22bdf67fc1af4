//! G1a: a failed or aborted record was read. (Adya, G1a; Jepsen Kafka: `G1a`; our I5.)
//!
//! Fires when a read_committed reader got a record of a transaction that is aborted (an abort was
//! acknowledged, or nobody ever asked for a commit that may have been heard), or a record whose send
//! failed for certain; and when any reader got a record that stands alone and whose send failed for
//! certain. A read_uncommitted reader may see what is aborted. One finding per record.

use super::{Anomaly, Scene};
use crate::facts::{NEVER, NONE, Outcome, Visibility};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::AbortedRead;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for send in &facts.sends {
        if send.visibility != Visibility::MustNot {
            continue;
        }
        let read = if send.txn == NONE {
            send.first_any
        } else {
            send.first_committed
        };
        if read == NEVER {
            continue;
        }
        report.add(RULE, || {
            let value = &send.op.value;
            let place = facts.partitions[send.partition as usize].name;
            let transaction = facts.transaction_of(send);
            let why = match (transaction, send.outcome) {
                (_, Outcome::Fail) => "its send failed",
                (Some(transaction), _) if transaction.aborted != NEVER => "it is aborted",
                _ => "nobody asked to commit it",
            };
            let text = format!("{value} was read in {place}, and {why}");
            Finding::new(RULE, text)
                .at(place, send.offset.as_slice())
                .send(send)
                .lines(transaction.map(|transaction| transaction.aborted))
                .lines([read])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Isolation;
    use crate::testing::Story;

    #[test]
    fn readers_of_committed_data_do_not_see_aborted_data() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).aborted(1, 1);
        story.in_txn(1, 2, 11, 2).committed(1, 2);
        story.read(2, &[(2, 11)]).valid();
    }

    #[test]
    fn an_aborted_record_that_was_read_is_found() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).aborted(1, 1);
        story.read(2, &[(0, 10)]).finds(RULE);
    }

    #[test]
    fn who_reads_uncommitted_data_may_see_it() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).aborted(1, 1);
        story
            .read_as(2, Isolation::ReadUncommitted, &[(0, 10)])
            .valid();
    }

    #[test]
    fn a_failed_send_is_seen_by_nobody() {
        let mut story = Story::new();
        story.failed(1, 10);
        story
            .read_as(2, Isolation::ReadUncommitted, &[(0, 10)])
            .finds(RULE);
    }

    #[test]
    fn an_end_that_nobody_knows_may_have_been_a_commit() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).maybe_committed(1, 1);
        story.read(2, &[(0, 10)]).valid();
    }
}
