//! A group's offset went back, or nobody committed it. (A group's offset is a register; KIP-98,
//! KIP-447; our I7 and I10.)
//!
//! Every answer to `fetch_offsets` must be the value of a commit that
//! - was asked for before the fetch ended (for a transaction: its commit was), and did not fail or
//!   get aborted; and
//! - is not surely overwritten: no other commit took its place in the log after it, and was certain
//!   before the fetch began. A plain commit is certain when it is acknowledged. A transaction's
//!   offsets take their place when they are sent, and are certain when its commit is acknowledged or
//!   its records were read, but only for fetches that ask for stability: Kafka answers EndTxn before
//!   it writes the markers. A commit that alone explains an earlier fetch is certain from then on.
//!
//! At first a group has no offset. A topic that is deleted takes offsets with it at any time; what
//! else may remove them (expiry) must be recorded as a `commit_offsets` of `null` with type `info`.
//! Every commit of a group that is judged must be in the history, automatic ones too. An offset of
//! an aborted transaction is [`super::torn_transaction`].

use super::{Anomaly, Scene, torn_transaction};
use crate::facts::{Facts, GroupFacts, Line, NEVER, OffsetFetch, OffsetWrite, Status};
use crate::hash::Map;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::CommittedOffset;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    for group in &scene.facts.groups {
        if !group.fetches.is_empty() {
            Register::new(scene.facts, group).judge(report);
        }
    }
}

/// Places in the log: 0 is that of having no offset, before all lines.
fn place(line: Line) -> Line {
    line.saturating_add(1)
}

/// One group's offset of one partition.
struct Register<'f, 'h> {
    facts: &'f Facts<'h>,
    group: &'f GroupFacts<'h>,
    /// Writes by the line from which on they are certain, each with the latest place so far and the
    /// write that has it: for fetches with and without stability.
    certain: [Vec<(Line, Line, usize)>; 2],
    /// Per value its writes by the line from which on they may be visible, each with the end of the
    /// latest place so far.
    values: Map<Option<i64>, Vec<(Line, Line)>>,
}

impl<'f, 'h> Register<'f, 'h> {
    fn new(facts: &'f Facts<'h>, group: &'f GroupFacts<'h>) -> Self {
        let alive = |write: &&OffsetWrite| {
            let txn = write.txn.map(|id| facts.transactions[id as usize].status());
            txn != Some(Status::Aborted)
        };
        let writes: Vec<&OffsetWrite> = group.writes.iter().filter(alive).collect();
        let certain = [true, false].map(|stable| {
            let line = |w: &OffsetWrite| if stable { w.certain_stable } else { w.certain };
            let all = writes.iter().enumerate();
            let mut all: Vec<(Line, Line, usize)> = all
                .filter(|(_, write)| line(write) != NEVER)
                .map(|(at, write)| (line(write), place(write.placed.0), at))
                .collect();
            all.sort_unstable();
            for at in 1..all.len() {
                let before = all[at - 1];
                if before.1 > all[at].1 {
                    (all[at].1, all[at].2) = (before.1, before.2);
                }
            }
            all
        });
        let mut values: Map<Option<i64>, Vec<(Line, Line)>> = Map::default();
        values.insert(None, vec![(0, 0)]);
        for write in &writes {
            let places = values.entry(write.offset).or_default();
            places.push((write.visible_from, place(write.placed.1)));
        }
        let mut register = Self {
            facts,
            group,
            certain,
            values,
        };
        for write in &writes {
            register.settle(write.offset);
        }
        register
    }

    fn settle(&mut self, value: Option<i64>) {
        let Some(places) = self.values.get_mut(&value) else {
            return;
        };
        if places.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1) {
            return;
        }
        places.sort_unstable();
        let mut latest = 0;
        for (_, end) in places {
            latest = latest.max(*end);
            *end = latest;
        }
    }

    fn judge(&self, report: &mut Report) {
        for fetch in &self.group.fetches {
            let certain = &self.certain[usize::from(!fetch.stable)];
            let known = certain.partition_point(|(line, ..)| *line < fetch.begin);
            let newest = certain[..known].last();
            let least = newest.map_or(0, |(_, place, _)| *place);
            let places = self
                .values
                .get(&fetch.offset)
                .map_or(&[][..], Vec::as_slice);
            let visible = places.partition_point(|(from, _)| *from < fetch.end.max(1));
            let latest = places[..visible].last().map(|(_, end)| *end);
            if latest.is_none_or(|latest| latest < least) && !self.of_aborted(fetch) {
                report.add(RULE, || self.finding(fetch, newest.map(|newest| newest.2)));
            }
        }
    }

    /// Whether only an aborted transaction wrote it: another rule's.
    fn of_aborted(&self, fetch: &OffsetFetch) -> bool {
        let write = self.group.only_write(fetch);
        let txn = write.and_then(|write| write.txn);
        let status = txn.map(|id| self.facts.transactions[id as usize].status());
        status == Some(Status::Aborted)
    }

    fn finding(&self, fetch: &OffsetFetch, newest: Option<usize>) -> Finding {
        let show = |offset: Option<i64>| offset.map_or("none".to_owned(), |o| o.to_string());
        let (group, place) = (self.group.group, self.group.partition);
        let got = show(fetch.offset);
        let alive = |write: &&OffsetWrite| {
            let txn = write
                .txn
                .map(|id| self.facts.transactions[id as usize].status());
            txn != Some(Status::Aborted)
        };
        let newest = newest.and_then(|at| self.group.writes.iter().filter(alive).nth(at));
        let (why, line) = match newest {
            Some(write) => {
                let by = write.txn.map(|id| {
                    let name = torn_transaction::name(&self.facts.transactions[id as usize]);
                    format!(" by {name}")
                });
                let by = by.unwrap_or_default();
                let why = format!("although {} was committed{by}", show(write.offset));
                (why, write.placed.0)
            }
            None => ("which nobody committed".to_owned(), NEVER),
        };
        let text = format!("group {group} was told offset {got} of {place}, {why}");
        Finding::new(RULE, text)
            .at(place, fetch.offset.as_slice())
            .lines([line, fetch.begin, fetch.end])
    }
}

#[cfg(test)]
mod tests;
