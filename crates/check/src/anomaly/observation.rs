//! A number that must not go down went down. (Every reply rests on what is durable; our I6 and I10
//! for metadata.)
//!
//! Fires when an `observe` returned a lower number than another of the same thing that had ended
//! before it began.

use super::{Anomaly, Scene};
use crate::facts::{Line, Operation, Outcome};
use crate::hash::Map;
use crate::history::{Name, Op};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::Observation;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let seen = |operation: &Operation<'_>| operation.outcome == Outcome::Ok;
    let all: Vec<(Line, Line, &Name, i64)> = scene
        .facts
        .operations
        .iter()
        .filter_map(|operation| match operation.op {
            Op::Observe(observe) if seen(operation) => Some((
                operation.begin,
                operation.end,
                &observe.what,
                observe.number,
            )),
            _ => None,
        })
        .collect();
    let mut ended = all.clone();
    ended.sort_by_key(|(_, end, ..)| *end);
    let mut ended = ended.into_iter().peekable();
    let mut highest: Map<&Name, (i64, Line)> = Map::default();
    for (begin, end, what, number) in all {
        while let Some((_, line, of, seen)) = ended.next_if(|(_, end, ..)| *end < begin) {
            let known = highest.entry(of).or_insert((seen, line));
            if known.0 < seen {
                *known = (seen, line);
            }
        }
        if let Some((before, line)) = highest.get(what).copied()
            && number < before
        {
            report.add(RULE, || {
                let text = format!("{what} went from {before} back to {number}");
                Finding::new(RULE, text).lines([line, begin, end])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;

    #[test]
    fn what_grows_is_fine_and_so_is_what_overlaps() {
        let mut story = Story::new();
        story.observed(1, 3);
        let slow = story.observing(2);
        story.observed(1, 4).saw(slow, 3).observed(1, 4);
        assert_eq!(story.report().count(RULE), 0);
    }

    #[test]
    fn what_went_down_is_found() {
        Story::new().observed(1, 3).observed(2, 2).finds(RULE);
    }
}
