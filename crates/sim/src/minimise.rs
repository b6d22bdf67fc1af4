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
    let fails = |limits: &Limits| {
        let findings = run(plan.clone().within(limits), Keep::Hash).findings;
        (!findings.is_empty()).then_some(findings)
    };
    let mut limits = Limits::default();
    let mut findings = fails(&limits).unwrap_or_default();
    if findings.is_empty() {
        return Minimised { limits, findings };
    }
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
