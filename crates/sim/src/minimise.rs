//! A failing seed made small: fewer clients, fewer crashes, fewer faults, fewer operations.

use crate::plan::{Limits, Plan};
use crate::trace::Keep;
use crate::world::run;

/// A smaller run that still fails.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// What can be left out.
    pub limits: Limits,
    /// What it finds.
    pub findings: Vec<String>,
}

type Candidate = Box<dyn Fn(&mut Limits)>;

/// Leaves out of a failing seed what can be left out.
#[must_use]
pub fn minimise(plan: &Plan) -> Minimised {
    let play = |limits: &Limits| run(plan.clone().within(limits), Keep::Hash).findings;
    let mut limits = Limits::default();
    let mut findings = play(&limits);
    let Some(first) = findings.first().map(|finding| kind(finding)) else {
        return Minimised { limits, findings };
    };
    let fails = |limits: &Limits| {
        let findings = play(limits);
        let same = findings.first().is_some_and(|found| kind(found) == first);
        same.then_some(findings)
    };
    let mut candidates: Vec<Candidate> = vec![
        Box::new(|limits| limits.calm_net = true),
        Box::new(|limits| limits.calm_disk = true),
        Box::new(|limits| limits.calm_clock = true),
    ];
    for crash in 0..plan.crashes.len() {
        candidates.push(Box::new(move |limits| {
            limits.without_crashes.insert(crash);
        }));
    }
    for client in 0..plan.clients.len() {
        candidates.push(Box::new(move |limits| {
            limits.without_clients.insert(client);
        }));
    }
    for operations in [40, 20, 10, 5, 2] {
        candidates.push(Box::new(move |limits| {
            let fewer = limits.operations.unwrap_or(u32::MAX).min(operations);
            limits.operations = Some(fewer);
        }));
    }
    for _ in 0..2 {
        for candidate in &candidates {
            let mut smaller = limits.clone();
            candidate(&mut smaller);
            if smaller != limits
                && let Some(found) = fails(&smaller)
            {
                (limits, findings) = (smaller, found);
            }
        }
    }
    Minimised { limits, findings }
}

/// What kind of finding it is: its first words, without what differs from run to run.
fn kind(finding: &str) -> String {
    let words = finding.split_whitespace();
    let words = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words.take(4).collect::<Vec<_>>().join(" ")
}
