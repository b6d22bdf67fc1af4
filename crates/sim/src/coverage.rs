//! What runs have met: a run that meets nothing shows nothing.

use crate::node::Life;
use crate::plan::{End, Plan};
use once_broker::engine::Output;
use once_log::Write;
use once_wire::api::ApiKey;
use std::collections::BTreeMap;
use std::fmt;

/// What a dozen seeds meet.
const OFTEN: [&str; 17] = [
    "clean stop",
    "crash during recovery",
    "cut",
    "kill",
    "kill during a change of the disk",
    "late request",
    "lost answer",
    "power cut",
    "power cut during a change of the disk",
    "read from files",
    "records deleted by request",
    "records too old",
    "replay compared with live",
    "request while something is unflushed",
    "segments removed",
    "shadow crash",
    "slow message",
];

/// Counts by what was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    requests: BTreeMap<i16, u64>,
    faults: BTreeMap<&'static str, u64>,
    plans: BTreeMap<String, u64>,
}

impl Coverage {
    /// What must be met and was not, of what is met within a few seeds.
    #[must_use]
    pub fn unmet(&self) -> Vec<&'static str> {
        let met = |what: &&str| !self.faults.contains_key(what);
        OFTEN.iter().copied().filter(met).collect()
    }

    /// A fault, or something else that is rare, was met.
    pub(crate) fn fault(&mut self, what: &'static str) {
        *self.faults.entry(what).or_default() += 1;
    }

    /// A request reached the broker.
    pub(crate) fn request(&mut self, life: &Option<Life>, key: i16) {
        *self.requests.entry(key).or_default() += 1;
        if life.as_ref().is_some_and(|life| !life.engine.is_flushed()) {
            self.fault("request while something is unflushed");
        }
    }

    /// What a step wants done.
    pub(crate) fn outputs(&mut self, tick: bool, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Start { .. } if tick => self.fault("records too old"),
                Output::Start { .. } => self.fault("records deleted by request"),
                Output::Write { writes, .. } => {
                    let drop = |write: &Write| matches!(write, Write::DropSegments { .. });
                    if writes.iter().any(drop) {
                        self.fault("segments removed");
                    }
                }
                _ => {}
            }
        }
    }

    /// A process ended.
    pub(crate) fn end(&mut self, end: End) {
        self.fault(match end {
            End::Kill => "kill",
            End::KillAtChange(_) => "kill during a change of the disk",
            End::Power(_) => "power cut",
            End::PowerLosesAll => "power cut that loses all",
            End::PowerAtChange(..) => "power cut during a change of the disk",
            End::Stop => "stop",
        });
    }

    /// A plan was played.
    pub(crate) fn plan(&mut self, plan: &Plan) {
        for what in [
            format!("profile {}", plan.profile),
            format!("flush {:?}", plan.flush),
            format!("journal {}", plan.journal),
            format!("segments of {} bytes", plan.segment_bytes),
        ] {
            *self.plans.entry(what).or_default() += 1;
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.requests {
            *self.requests.entry(*key).or_default() += count;
        }
        for (what, count) in &other.faults {
            *self.faults.entry(what).or_default() += count;
        }
        for (what, count) in &other.plans {
            *self.plans.entry(what.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.plans {
            writeln!(f, "{count:>12}  {what}")?;
        }
        for (what, count) in &self.faults {
            writeln!(f, "{count:>12}  {what}")?;
        }
        for (key, count) in &self.requests {
            let name = ApiKey::from_key(*key).map_or("unknown", ApiKey::name);
            writeln!(f, "{count:>12}  {name}")?;
        }
        Ok(())
    }
}
