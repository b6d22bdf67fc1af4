//! Acknowledged or committed, and not there. (Jepsen Kafka: `lost-write`; our I10.)
//!
//! Fires for a record that read_committed readers must see (an `ok` send that stands alone, or in a
//! transaction that is committed) and that none of them saw, although one read past its offset; or
//! that nobody at all saw, although a read_uncommitted reader read past it. A reader read past an
//! offset when it lies between the offset at which it began (the beginning of the log, if nobody
//! said where) and its last position. After `healed`, a `drained` partition shows all of it: a record
//! that was acknowledged or read before, and that this drain did not find, is lost, at whatever
//! offset, and even if others had read it: it went later.
//!
//! Not lost: sends of unknown outcome; what a `topic` event allows to be gone (deleted, compacted
//! away, expired). What no reader came to is [`super::unseen`].

use super::{Anomaly, Scene};
use crate::facts::NEVER;
use crate::history::Isolation;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::LostWrite;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for (id, send) in (0..).zip(&facts.sends) {
        let Some((line, isolation)) = scene.coverage.missing(id) else {
            continue;
        };
        report.add(RULE, || {
            let place = facts.partitions[send.partition as usize].name;
            let value = &send.op.value;
            let what = match facts.transaction_of(send) {
                Some(_) => "is committed",
                None => "was acknowledged",
            };
            let seen = match isolation {
                Isolation::ReadCommitted => send.first_committed,
                Isolation::ReadUncommitted => send.first_any,
            };
            let who = match (seen, isolation) {
                (NEVER, Isolation::ReadCommitted) => "no read_committed reader saw it",
                (NEVER, Isolation::ReadUncommitted) => "no reader saw it",
                _ => "in the end it was gone",
            };
            let at = send.offset.map(|offset| format!(" offset {offset}"));
            let at = at.unwrap_or_default();
            let text = format!("{value} {what} in {place}{at}; readers passed there, {who}");
            let commit = facts.transaction_of(send).map(|t| t.certain());
            Finding::new(RULE, text)
                .at(place, send.offset.as_slice())
                .send(send)
                .lines(commit)
                .lines([line])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, Op, Partition, Seek, Topic};
    use crate::testing::Story;

    #[test]
    fn what_lies_behind_the_last_read_is_not_lost() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 1).sent(1, 12, 2);
        story.read(2, &[(0, 10), (1, 11)]);
        assert_eq!(story.report().count(RULE), 0);
    }

    #[test]
    fn an_acknowledged_record_that_readers_passed_is_lost() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 1).sent(1, 12, 2);
        story.read(2, &[(0, 10), (2, 12)]);
        story.finds(RULE);
    }

    #[test]
    fn a_lost_beginning_is_found_unless_the_reader_was_sent_elsewhere() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 1);
        let mut sought = story.clone();
        story.read(2, &[(1, 11)]).finds(RULE);
        let seek = Seek {
            partition: Story::partition(),
            offset: Some(1),
        };
        sought.event(2, Kind::Ok, seek).read(2, &[(1, 11)]);
        assert_eq!(sought.report().count(RULE), 0);
    }

    #[test]
    fn a_send_of_unknown_outcome_is_not_lost() {
        let mut story = Story::new();
        story.sent(1, 10, 0).maybe_sent(1, 11).sent(1, 12, 2);
        story.read(2, &[(0, 10), (2, 12)]).valid();
    }

    #[test]
    fn the_tail_is_lost_when_a_drain_did_not_find_it() {
        for offset in [Some(1), None] {
            let mut story = Story::new();
            story.sent(1, 10, 0);
            match offset {
                Some(offset) => story.sent(1, 11, offset),
                None => story.sent_somewhere(1, 11),
            };
            story.event(0, Kind::Info, Op::Healed {});
            story.read(2, &[(0, 10)]).drained(2, 0, 1).finds(RULE);
        }
    }

    #[test]
    fn what_was_read_once_and_is_gone_in_the_end_is_lost() {
        let mut story = Story::new();
        story
            .sent(1, 10, 0)
            .sent(1, 11, 1)
            .read(2, &[(0, 10), (1, 11)]);
        story.event(0, Kind::Info, Op::Healed {});
        let mut whole = story.clone();
        whole.read(3, &[(0, 10), (1, 11)]).drained(3, 0, 2).valid();
        story.read(3, &[(0, 10)]).drained(3, 0, 1).finds(RULE);
    }

    #[test]
    fn what_was_deleted_or_compacted_away_is_not_lost() {
        for compacted in [false, true] {
            let mut story = Story::new();
            let mut topic = Topic::new(&*Story::partition().topic);
            topic.compacted = compacted;
            if !compacted {
                topic.deleted_below = [(0, 1)].into();
            }
            story
                .keyed(1, 10, 5, 0)
                .keyed(1, 11, 5, 1)
                .keyed(1, 12, 6, 2);
            story.event(0, Kind::Info, topic);
            story.read(2, &[(1, 11), (2, 12)]).valid();
        }
    }

    #[test]
    fn the_last_record_of_a_key_survives_compaction() {
        let mut story = Story::new();
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.compacted = true;
        story
            .keyed(1, 10, 5, 0)
            .keyed(1, 11, 5, 1)
            .keyed(1, 12, 6, 2);
        story.event(0, Kind::Info, topic);
        story.read(2, &[(2, 12)]).finds(RULE);
    }

    #[test]
    fn another_incarnation_is_another_partition() {
        let mut story = Story::new();
        story.sent(1, 10, 0);
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.deleted = true;
        story.event(0, Kind::Info, topic);
        let reborn: Partition = Story::partition().generation(1);
        story.sent_to(1, &reborn, 11, 0);
        story.read_of(2, &reborn, &[(0, 11)]).valid();
    }

    #[test]
    fn until_its_topic_is_deleted_a_record_is_there() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 1).read(2, &[(1, 11)]);
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.deleted = true;
        story.event(0, Kind::Info, topic).finds(RULE);
    }
}
