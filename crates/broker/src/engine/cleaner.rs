//! Which log is compacted, and when: one at a time, the filthiest first (Kafka: `LogCleanerManager`).
//!
//! The engine plans and hears of the end; the work is done outside. From the plan on no segment of the log
//! may be removed; what is read meanwhile is read from the old segments, and planned again if they have moved.

use super::core::Engine;
use super::ids::LogId;
use super::output::Output;
use super::timers::Alarm;
use once_log::Compacted;
use std::collections::BTreeSet;

/// Why a compaction came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCompacted {
    /// What happened.
    pub text: String,
    /// It may come to something later.
    pub again: bool,
}

/// What the engine knows of compactions.
#[derive(Default)]
pub(super) struct Cleaner {
    running: Option<LogId>,
    /// Logs that somebody must see to first.
    uncleanable: BTreeSet<LogId>,
}

impl Engine {
    /// Sets the next look: `log.cleaner.backoff.ms` from now.
    pub(super) fn schedule_cleaning(&mut self) {
        // At the time itself it would ring for ever.
        let wait = self.config.log_cleaner_backoff_ms.max(1);
        let at = self
            .config
            .log_cleaner_enable
            .then(|| self.now.saturating_add(wait));
        self.timers.set(Alarm::Clean, at);
    }

    /// Begins to compact the log that wants it most, if none is being compacted.
    pub(super) fn clean(&mut self) {
        self.schedule_cleaning();
        if self.cleaner.running.is_some() {
            return;
        }
        let (now, cleaner) = (self.now, &self.cleaner);
        let logs = self
            .logs
            .iter()
            .filter(|(id, _)| !cleaner.uncleanable.contains(id));
        let dirty = logs.filter_map(|(id, partition)| Some((partition.log.filth(now)?, id)));
        // The new segments stand beside the old ones until they take their places.
        let dirty = dirty.filter(|(filth, _)| self.has_spare(filth.bytes()));
        let Some((_, log)) = dirty.max() else {
            return;
        };
        let partition = self.logs.get_mut(log);
        if let Some(plan) = partition.and_then(|p| p.log.plan_compaction(now)) {
            self.cleaner.running = Some(log);
            let plan = Box::new(plan);
            self.outputs.push(Output::Compact { log, plan });
        }
    }

    /// A compaction has ended. Who read segments that have moved goes on; the next log is looked for, at once if
    /// this one was compacted.
    pub(super) fn compacted(&mut self, log: LogId, outcome: Result<Compacted, NotCompacted>) {
        // A log whose topic was deleted meanwhile has no place in the list any more.
        if self.cleaner.running != Some(log) {
            return;
        }
        self.cleaner.running = None;
        let Some(partition) = self.logs.get_mut(log) else {
            return;
        };
        let writes = match &outcome {
            Ok(compacted) => partition.log.compacted(compacted),
            Err(_) => partition.log.not_compacted(),
        };
        let end = partition.log.end_offset();
        if !writes.is_empty() {
            self.outputs.push(Output::Write { log, writes, end });
        }
        match outcome {
            Ok(_) => {
                self.tell_moved(log);
                self.clean();
            }
            Err(NotCompacted { text, again }) => {
                let (topic, index) = (partition.topic.clone(), partition.index);
                let until = if again {
                    "for now"
                } else {
                    "until the next start"
                };
                if !again {
                    self.cleaner.uncleanable.insert(log);
                }
                self.warn(format!("{topic}-{index} is not compacted {until}: {text}"));
            }
        }
    }

    /// A log is gone, and what is under way for it is in vain.
    pub(super) fn forget_cleaning(&mut self, log: LogId) {
        self.tell_moved(log);
        self.cleaner.uncleanable.remove(&log);
        if self.cleaner.running == Some(log) {
            self.cleaner.running = None;
        }
    }
}
