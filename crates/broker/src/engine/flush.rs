//! What follows when a log is flushed, or is gone.

use super::action::Action;
use super::core::Engine;
use super::ids::LogId;
use crate::api::Wake;

impl Engine {
    /// Whether everything that was appended is flushed.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.logs
            .iter()
            .all(|(_, p)| p.log.high_watermark() == p.log.end_offset())
    }

    /// A log is flushed up to `end`: its high watermark moves, and what waited for that goes on.
    pub(super) fn flushed(&mut self, log: LogId, end: i64) {
        let moved = match self.logs.get_mut(log) {
            Some(partition) => partition.log.flushed(end),
            None => {
                self.logs.flushed_leaving(log, end);
                false
            }
        };
        let released = self.fences.flushed(log, end);
        self.actions.extend(released);
        if moved {
            self.wake_watchers(log);
        }
    }

    /// What waited for `log` need not wait any more: it is durably gone.
    pub(super) fn log_is_gone(&mut self, log: LogId) {
        self.logs.left(log);
        let released = self.fences.forget(log);
        self.actions.extend(released);
    }

    /// Who watches a log is visited.
    pub(super) fn wake_watchers(&mut self, log: LogId) {
        let now = self.logs.get(log).map(|partition| &partition.log);
        for waiter in self.waiting.moved(log, now) {
            self.actions.push_back(Action::Wake(waiter, Wake::Moved));
        }
    }
}
