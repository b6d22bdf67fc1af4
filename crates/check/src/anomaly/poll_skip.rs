//! A consumer was led past records that it had to see. (Jepsen Kafka: `int-poll-skip` and
//! `poll-skip`.)
//!
//! Fires when, between two records of one poll, or between where a consumer was and where its next
//! poll begins, lies a record that it must see: for read_committed readers a record that stands
//! alone and is acknowledged or was read, or one of a committed transaction; for read_uncommitted
//! readers any record known to be there. One finding per gap.
//!
//! No anomaly: what lies before the first read of a partition; a gap after `seek`, `assign`,
//! `revoke` and `subscribe` (up to the offset that they name, if they do); after a poll that did not
//! end with `ok`; gaps in which nothing is known to lie; what a `topic` event allows to be gone.

use super::{Anomaly, Scene};
use crate::facts::{Before, Facts, Line, NEVER, PartReads, Visibility};
use crate::history::Isolation;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::PollSkip;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for (reads, before) in facts.reads.iter().zip(&facts.before) {
        let line = facts.line_of(reads);
        let (mut at, mut since) = match (before, reads.read.from) {
            (Before::At(offset, line), _) => (Some(*offset), *line),
            (Before::New | Before::Moved, Some(from)) => (Some(from), line),
            (Before::New | Before::Moved, None) => (None, line),
        };
        let records = reads.read.records.iter().map(|record| record.offset);
        for offset in records.chain(reads.read.position) {
            if let Some(from) = at
                && from < offset
            {
                gap(facts, reads, from..offset, [since, line], report);
            }
            // A position is what comes next, a record what came last.
            at = Some(offset.saturating_add(1)).max(at);
            since = line;
        }
    }
}

fn gap(
    facts: &Facts<'_>,
    reads: &PartReads<'_>,
    offsets: std::ops::Range<i64>,
    lines: [Line; 2],
    report: &mut Report,
) {
    let partition = &facts.partitions[reads.partition as usize];
    let offsets = offsets.start.max(partition.deleted_below)..offsets.end;
    if !partition.keeps(offsets.start, lines[1]) {
        return;
    }
    let must = |entry: &&crate::order::Entry| {
        let send = &facts.sends[entry.send as usize];
        match reads.isolation {
            Isolation::ReadUncommitted => true,
            // At its first place: further ones are duplicates.
            Isolation::ReadCommitted => {
                send.visibility == Visibility::Must && send.offset == Some(entry.offset)
            }
        }
    };
    let between = partition.order.between(offsets.start, offsets.end);
    let mut skipped = between.iter().filter(must);
    let Some(first) = skipped.next() else {
        return;
    };
    let more = skipped.count();
    report.add(RULE, || {
        let send = &facts.sends[first.send as usize];
        let (value, place) = (&send.op.value, partition.name);
        let text = format!(
            "process {} went from offset {} to {} of {place} past {value} at {} and {more} more",
            facts.operations[reads.operation as usize].process,
            offsets.start,
            offsets.end,
            first.offset,
        );
        let certain = facts.transaction_of(send).map_or(NEVER, |t| t.certain());
        let finding = Finding::new(RULE, text).at(place, &[first.offset]);
        finding.send(send).lines(lines).lines([certain])
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Assign, Kind, Topic};
    use crate::testing::Story;

    fn three() -> Story {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 3).sent(1, 12, 5);
        story.read(9, &[(0, 10), (3, 11), (5, 12)]);
        story
    }

    #[test]
    fn one_record_after_the_other_is_no_skip() {
        let mut story = three();
        story
            .read(2, &[(0, 10), (3, 11)])
            .read(2, &[(5, 12)])
            .valid();
    }

    #[test]
    fn a_record_left_out_within_a_poll_is_found() {
        three().read(2, &[(0, 10), (5, 12)]).finds(RULE);
    }

    #[test]
    fn a_record_left_out_between_two_polls_is_found() {
        three().read(2, &[(0, 10)]).read(2, &[(5, 12)]).finds(RULE);
    }

    #[test]
    fn a_position_that_passes_a_record_is_a_skip() {
        three().read_span(2, 0, 4, &[(0, 10)]).finds(RULE);
        let mut empty = three();
        empty.read_span(2, 0, 4, &[(0, 10), (3, 11)]).valid();
    }

    #[test]
    fn who_was_assigned_elsewhere_skips_nothing() {
        let mut story = three();
        let assign = Assign::at([(Story::partition(), 5)]);
        story.read(2, &[(0, 10)]).event(2, Kind::Ok, assign);
        story.read(2, &[(5, 12)]).valid();
    }

    #[test]
    fn what_was_deleted_is_not_skipped_and_what_follows_it_is() {
        let mut story = three();
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.deleted_below = [(0, 5)].into();
        story.event(0, Kind::Info, topic.clone());
        let mut rest = story.clone();
        rest.read(2, &[(0, 10), (5, 12)]).valid();
        topic.deleted_below = [(0, 3)].into();
        let mut story = three();
        story.event(0, Kind::Info, topic);
        story.read(2, &[(0, 10), (5, 12)]).finds(RULE);
    }

    #[test]
    fn readers_of_committed_data_skip_what_is_aborted_and_others_do_not() {
        let mut story = Story::new();
        story.in_txn(1, 1, 10, 0).aborted(1, 1).sent(1, 11, 2);
        story.sent(1, 12, 3);
        let all = [(0, 10), (2, 11), (3, 12)];
        story.read_as(9, Isolation::ReadUncommitted, &all);
        story.read_span(2, 0, 4, &all[1..]).valid();
        story.read_span_as(3, Isolation::ReadUncommitted, 0, 4, &all[1..]);
        story.finds(RULE);
    }
}
