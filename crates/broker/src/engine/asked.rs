//! File reads that are under way: how much they take, and what becomes of one that came too late.

use super::action::Action;
use super::core::Engine;
use super::ids::{LogId, ReadId};
use super::input::Seen;
use super::output::Look;
use crate::api::Wake;
use once_log::FileRange;
use once_log::store::ReadFailure;
use std::collections::BTreeMap;

/// A read.
struct Read {
    log: LogId,
    range: FileRange,
    bytes: usize,
}

/// All reads.
#[derive(Default)]
pub(super) struct Asked {
    reads: BTreeMap<ReadId, Read>,
    /// What they may bring together.
    bytes: usize,
    /// Their segments have moved, and the engine has not heard yet where to.
    moved: Vec<(ReadId, LogId, ReadFailure)>,
}

impl Asked {
    pub(super) fn insert(&mut self, read: ReadId, log: LogId, look: &Look) {
        let (range, bytes) = match look {
            Look::Batches(range) => (*range, range.max_bytes),
            Look::Record(search) => (search.range, 0),
        };
        self.reads.insert(read, Read { log, range, bytes });
        self.bytes += bytes;
    }

    fn remove(&mut self, read: ReadId) -> Option<Read> {
        let asked = self.reads.remove(&read)?;
        self.bytes -= asked.bytes;
        Some(asked)
    }

    /// What they may bring.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Engine {
    /// A file read ended. One whose segment was swapped for a compacted one waits until the log's state knows
    /// the new one: planned again before, it would only meet the same.
    pub(super) fn read_came(&mut self, read: ReadId, result: Result<Seen, ReadFailure>) {
        let asked = self.asked.remove(read);
        if let (Err(failure @ ReadFailure::Moved(_)), Some(Read { log, range, .. })) =
            (&result, asked)
            && self
                .logs
                .get(log)
                .is_some_and(|p| p.log.has_segment(&range))
        {
            return self.asked.moved.push((read, log, failure.clone()));
        }
        self.tell_reader(read, result);
    }

    /// The log's state knows its new segments, or the log is gone: who read the old ones goes on.
    pub(super) fn tell_moved(&mut self, log: LogId) {
        let moved = std::mem::take(&mut self.asked.moved);
        let (known, unknown) = moved.into_iter().partition(|(_, of, _)| *of == log);
        self.asked.moved = unknown;
        let known: Vec<(ReadId, LogId, ReadFailure)> = known;
        for (read, _, failure) in known {
            self.tell_reader(read, Err(failure));
        }
    }

    fn tell_reader(&mut self, read: ReadId, result: Result<Seen, ReadFailure>) {
        if let Some(waiter) = self.waiting.read_came(read) {
            let wake = Wake::Read(read, result);
            self.actions.push_back(Action::Wake(waiter, wake));
        }
    }
}
