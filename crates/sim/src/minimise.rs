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
    smaller((plan.crashes.len(), plan.clients.len()), &play)
}

/// As [`minimise`], of a plan with so many crashes and clients, by what a run within some limits finds.
fn smaller((crashes, clients): (usize, usize), play: &dyn Fn(&Limits) -> Vec<String>) -> Minimised {
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
    for crash in 0..crashes {
        candidates.push(Box::new(move |limits| {
            limits.without_crashes.insert(crash);
        }));
    }
    for client in 0..clients {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_finding_does_not_need_is_left_out_and_what_it_needs_stays() {
        // It takes the second client, the third crash, the network, and six operations; the first client changes what
        // is found, and that would not do.
        let play = |limits: &Limits| {
            let needed = !limits.without_clients.contains(&1)
                && !limits.without_crashes.contains(&2)
                && !limits.calm_net
                && limits.operations.is_none_or(|most| most >= 6);
            match (needed, limits.without_clients.contains(&0)) {
                (false, _) => Vec::new(),
                (true, false) => vec!["record 17 is lost".to_owned()],
                (true, true) => vec!["offset 3 comes twice".to_owned()],
            }
        };
        let found = smaller((4, 3), &play);
        assert_eq!(found.findings, ["record 17 is lost"]);
        let expected = Limits {
            without_clients: [2].into(),
            without_crashes: [0, 1, 3].into(),
            calm_net: false,
            calm_disk: true,
            calm_clock: true,
            operations: Some(10),
        };
        assert_eq!(found.limits, expected);
    }

    #[test]
    fn a_run_without_findings_is_left_as_it_is() {
        let found = smaller((4, 3), &|_| Vec::new());
        assert_eq!(found.limits, Limits::default());
    }
}
