//! Who owns the files of a name: a topic that was deleted keeps them until its deletion is durable,
//! and a topic made meanwhile under its name waits for them.
//!
//! Both logs have one directory. Did the new one write before the deletion is durable, a crash
//! between the two would leave the old topic in the catalog and its records nowhere. So what the
//! new logs want done to files is kept, in order, until the old files are gone; their high
//! watermarks and every answer that rests on them wait with it.

use super::ids::LogId;
use super::output::Output;
use std::collections::{BTreeMap, BTreeSet};

/// Deleted logs whose files are still there, and the logs that wait for their names.
#[derive(Default)]
pub(super) struct Succession {
    /// By log, the topic's name.
    leaving: BTreeMap<LogId, String>,
    heirs: BTreeMap<LogId, Heir>,
}

/// A log that has no directory yet.
struct Heir {
    waits_for: BTreeSet<LogId>,
    kept: Vec<Output>,
}

impl Succession {
    /// The deletion of a log's topic was decided.
    pub(super) fn leaves(&mut self, log: LogId, topic: String) {
        self.leaving.insert(log, topic);
    }

    /// A log was made; it waits if the topic's name still has files.
    pub(super) fn comes(&mut self, log: LogId, topic: &str) {
        let of_name = self.leaving.iter().filter(|(_, name)| *name == topic);
        let waits_for: BTreeSet<LogId> = of_name.map(|(old, _)| *old).collect();
        if !waits_for.is_empty() {
            let kept = Vec::new();
            self.heirs.insert(log, Heir { waits_for, kept });
        }
    }

    /// The files of a deleted log go now. What follows from that is to be done after it.
    pub(super) fn gone(&mut self, log: LogId) -> Vec<Output> {
        self.leaving.remove(&log);
        let mut ready = Vec::new();
        self.heirs.retain(|_, heir| {
            heir.waits_for.remove(&log);
            if heir.waits_for.is_empty() {
                ready.append(&mut heir.kept);
            }
            !heir.waits_for.is_empty()
        });
        ready
    }

    /// Keeps what must wait; the rest comes back, in order.
    pub(super) fn keep_back(&mut self, outputs: Vec<Output>) -> Vec<Output> {
        if self.heirs.is_empty() {
            return outputs;
        }
        let mut rest = Vec::with_capacity(outputs.len());
        for output in outputs {
            let heir = of_log(&output).and_then(|log| self.heirs.get_mut(&log));
            match heir {
                Some(heir) => heir.kept.push(output),
                None => rest.push(output),
            }
        }
        rest
    }
}

/// The log whose files an output concerns.
fn of_log(output: &Output) -> Option<LogId> {
    match output {
        Output::Open { log, .. }
        | Output::Write { log, .. }
        | Output::Start { log, .. }
        | Output::Compact { log, .. }
        | Output::Read { log, .. }
        | Output::Remove { log } => Some(*log),
        Output::Reply { .. } | Output::Close { .. } | Output::Measure | Output::Warn(_) => None,
    }
}
