//! Offsets that bound a log contradict each other or go back. (Our I5 and I6.)
//!
//! Fires when one poll saw, of one partition, a last stable offset above the high watermark, or a
//! record at or above the bound of its isolation, or led its consumer beyond that; and when a poll
//! saw a lower high watermark, last stable offset or log start than another poll that had ended
//! before it began: records that were deleted do not come back. The bounds must come from the answer
//! that brought the records. (A Kafka cluster may show a lower high watermark for a moment
//! after a leader changed; our broker must not.)

use super::{Anomaly, Scene};
use crate::facts::{Facts, Line, PartReads};
use crate::history::{Isolation, PartitionRead};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::Watermark;

/// The kinds of bound.
type Bound = (&'static str, fn(&PartitionRead) -> Option<i64>);

const BOUNDS: [Bound; 3] = [
    ("log start", |read| read.log_start),
    ("high watermark", |read| read.high_watermark),
    ("last stable offset", |read| read.last_stable),
];

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for reads in &facts.reads {
        within(facts, reads, report);
    }
    for bound in BOUNDS {
        regress(facts, bound, report);
    }
}

fn within(facts: &Facts<'_>, reads: &PartReads<'_>, report: &mut Report) {
    let read = reads.read;
    let place = &read.partition;
    if let (Some(stable), Some(end)) = (read.last_stable, read.high_watermark)
        && stable > end
    {
        report.add(RULE, || {
            let text = format!("{place}: last stable offset {stable}, high watermark {end}");
            Finding::new(RULE, text)
                .at(place, &[stable, end])
                .lines([facts.line_of(reads)])
        });
    }
    let bound = match reads.isolation {
        Isolation::ReadCommitted => read.last_stable.or(read.high_watermark),
        Isolation::ReadUncommitted => read.high_watermark,
    };
    let last = read.records.iter().map(|record| record.offset).max();
    // A position beyond the bound counts only if this poll led there.
    let led = read.position.filter(|position| Some(*position) > read.from);
    let last = last.max(led.map(|position| position.saturating_sub(1)));
    if let (Some(bound), Some(last)) = (bound, last)
        && last >= bound
    {
        report.add(RULE, || {
            let text =
                format!("offset {last} of {place} was passed, where readers may go to {bound}");
            Finding::new(RULE, text)
                .at(place, &[last, bound])
                .lines([facts.line_of(reads)])
        });
    }
}

fn regress(facts: &Facts<'_>, (name, bound): Bound, report: &mut Report) {
    let begin = |reads: &PartReads<'_>| facts.operations[reads.operation as usize].begin;
    let mut ended: Vec<(Line, &PartReads<'_>, i64)> = facts
        .reads
        .iter()
        .filter_map(|reads| Some((facts.line_of(reads), reads, bound(reads.read)?)))
        .collect();
    ended.sort_by_key(|(end, ..)| *end);
    let mut ended = ended.into_iter().peekable();
    let mut highest: Vec<Option<(i64, Line)>> = vec![None; facts.partitions.len()];
    for reads in &facts.reads {
        let began = begin(reads);
        while let Some((line, other, seen)) = ended.next_if(|(end, ..)| *end < began) {
            let known = &mut highest[other.partition as usize];
            if known.is_none_or(|(offset, _)| offset < seen) {
                *known = Some((seen, line));
            }
        }
        let known = highest[reads.partition as usize];
        if let (Some((before, line)), Some(now)) = (known, bound(reads.read))
            && now < before
        {
            report.add(RULE, || {
                let place = &reads.read.partition;
                let text = format!("the {name} of {place} went from {before} back to {now}");
                let finding = Finding::new(RULE, text).at(place, &[before, now]);
                finding.lines([line, began, facts.line_of(reads)])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Poll;
    use crate::testing::Story;

    #[test]
    fn bounds_that_grow_are_fine() {
        let mut story = Story::new();
        story
            .sent(1, 10, 0)
            .bounds(2, &[(0, 10)], 1, 2)
            .bounds(3, &[], 2, 2);
        assert_eq!(story.report().count(RULE), 0);
    }

    #[test]
    fn a_bound_that_went_back_is_found() {
        for (stable, end) in [(2, 3), (1, 4)] {
            let mut story = Story::new();
            story.sent(1, 10, 0).bounds(2, &[(0, 10)], 2, 4);
            story.bounds(3, &[], stable, end).finds(RULE);
        }
    }

    #[test]
    fn a_record_beyond_what_is_stable_is_found() {
        let mut story = Story::new();
        story.sent(1, 10, 0).bounds(2, &[(0, 10)], 0, 1).finds(RULE);
    }

    #[test]
    fn a_log_start_that_went_back_is_found() {
        let starts = |last| {
            let mut story = Story::new();
            for start in [1, 2, last] {
                let mut poll = Poll::new(Isolation::ReadCommitted);
                let mut read = PartitionRead::new(Story::partition());
                read.log_start = Some(start);
                poll.reads.push(read);
                story.done(3, poll);
            }
            story.report().count(RULE)
        };
        assert_eq!((starts(2), starts(1)), (0, 1));
    }

    #[test]
    fn what_is_stable_is_below_the_high_watermark() {
        let mut story = Story::new();
        story.bounds(2, &[], 2, 1).finds(RULE);
    }
}
