//! Records that go: by age and size, and by request.
//!
//! A log's start moves when it is durable and not before ([`once_log::Deletion`]): the engine asks for
//! that, hears of it, and only then has files removed.

use super::core::Engine;
use super::ids::LogId;
use super::output::Output;
use super::timers::Alarm;
use crate::mutant::Mutant;
use once_log::{DeleteError, Deletion, Write};

/// The first look comes so long after the start at the latest (Kafka's `log.initial.task.delay.ms`).
pub(super) const RETENTION_AFTER_START_MS: i64 = 30_000;

impl Engine {
    /// Looks at every log for what has become too old, or too much.
    pub(super) fn retain(&mut self) {
        let now = self.now;
        let deletions: Vec<(LogId, Deletion)> = self
            .logs
            .iter_mut()
            .filter_map(|(log, partition)| Some((log, partition.log.retain(now)?)))
            .collect();
        for (log, deletion) in deletions {
            self.order_start(log, deletion);
        }
        self.schedule_retention(i64::MAX);
    }

    /// Sets the next look: after the interval between two, or sooner.
    pub(super) fn schedule_retention(&mut self, most_ms: i64) {
        let wait = self.config.log_retention_check_interval_ms.min(most_ms);
        self.timers
            .set(Alarm::Retain, Some(self.now.saturating_add(wait)));
    }

    /// Deletes a log's records below an offset; says where it starts when that is done.
    ///
    /// # Panics
    /// `log` names no log: callers look it up first, within the same step.
    pub(super) fn delete_records(&mut self, log: LogId, offset: i64) -> Result<i64, DeleteError> {
        let partition = self.logs.get_mut(log);
        let partition = partition.expect("the caller found this log in this step");
        let (start, deletion) = partition.log.delete_records(offset)?;
        if let Some(deletion) = deletion {
            self.order_start(log, deletion);
        }
        Ok(start)
    }

    /// Asks for what a deletion needs.
    pub(super) fn order_start(&mut self, log: LogId, deletion: Deletion) {
        let Deletion { start, writes } = deletion;
        if !writes.is_empty() {
            let end = self.end_of(log).end;
            self.outputs.push(Output::Write { log, writes, end });
        }
        if self.config.breaks(Mutant::RemoveBeforeStart) {
            self.remove_early(log, start);
        }
        self.outputs.push(Output::Start { log, start });
        if self.config.breaks(Mutant::StartBeforeDurable) {
            self.started(log, start);
        }
    }

    /// What a mutant does: files go while the log still has them.
    fn remove_early(&mut self, log: LogId, start: i64) {
        let end = self.end_of(log).end;
        let segments = self.logs.get(log).map(|partition| partition.log.segments());
        let bases = segments.into_iter().flatten().map(|segment| segment.base);
        if let Some(below) = bases.filter(|base| *base <= start).max() {
            let writes = vec![Write::DropSegments { below }];
            self.outputs.push(Output::Write { log, writes, end });
        }
    }

    /// A log's start is durable: it moves, files go, and whoever waited for it goes on.
    pub(super) fn started(&mut self, log: LogId, start: i64) {
        let Some(partition) = self.logs.get_mut(log) else {
            return;
        };
        let writes = partition.log.starts_at(start);
        let end = partition.log.end_offset();
        if !writes.is_empty() {
            self.outputs.push(Output::Write { log, writes, end });
        }
        if log == self.catalog.log {
            self.catalog_started(start);
        }
        self.wake_watchers(log);
    }
}
