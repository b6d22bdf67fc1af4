//! A consumer was led backwards. (Jepsen Kafka: `int-nonmonotonic-poll` and `nonmonotonic-poll`.)
//!
//! Fires when a poll returns, after a record, one of the same or a lower offset of that partition;
//! or when a consumer gets a record below where it was, or below where it was told to go. A new
//! consumer, one that was moved or assigned anew, and one whose last poll did not end with `ok`, may
//! begin anywhere.

use super::{Anomaly, Scene};
use crate::facts::Before;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::NonmonotonicPoll;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for (reads, before) in facts.reads.iter().zip(&facts.before) {
        let line = facts.line_of(reads);
        let (mut least, mut since) = match before {
            Before::At(offset, line) => (*offset, *line),
            Before::New | Before::Moved => (i64::MIN, line),
        };
        for record in &reads.read.records {
            if record.offset < least {
                report.add(RULE, || {
                    let place = facts.partitions[reads.partition as usize].name;
                    let process = facts.operations[reads.operation as usize].process;
                    let text = format!(
                        "process {process} got offset {} of {place} when it was at {least}",
                        record.offset,
                    );
                    let mut finding = Finding::new(RULE, text).at(place, &[record.offset, least]);
                    finding.values.push(record.value.clone());
                    finding.lines([since, line])
                });
            }
            (least, since) = (record.offset.saturating_add(1), line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, Revoke};
    use crate::testing::Story;

    fn two() -> Story {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 3);
        story
    }

    #[test]
    fn forwards_is_fine_and_so_is_another_reader() {
        two()
            .read(2, &[(0, 10)])
            .read(2, &[(3, 11)])
            .read(3, &[(0, 10)])
            .valid();
    }

    #[test]
    fn backwards_within_a_poll_is_found() {
        two().read(2, &[(3, 11), (0, 10)]).finds(RULE);
    }

    #[test]
    fn a_record_that_comes_again_is_found() {
        two()
            .read(2, &[(0, 10)])
            .read(2, &[(0, 10), (3, 11)])
            .finds(RULE);
    }

    #[test]
    fn who_gets_a_partition_back_may_begin_again() {
        let revoke = Revoke {
            partitions: vec![Story::partition()],
        };
        let mut story = two();
        story
            .read(2, &[(0, 10), (3, 11)])
            .event(2, Kind::Ok, revoke);
        story.read(2, &[(0, 10), (3, 11)]).valid();
    }
}
