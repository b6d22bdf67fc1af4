//! Whether a fetch that waits has enough, when one of its logs has moved: only that log is looked at.

use super::plan::Plan;
use crate::engine::LogId;
use once_log::{PartitionLog, Source};

/// What a look found.
#[derive(Default)]
pub(super) struct Found {
    /// By log, while the fetch waits.
    pub(super) logs: Vec<FoundLog>,
    /// In all of them.
    pub(super) bytes: usize,
    /// How many are enough.
    enough: usize,
}

/// What a look found in one log.
pub(super) struct FoundLog {
    pub(super) log: LogId,
    /// The target's place in the plan.
    target: usize,
    bytes: usize,
}

impl Found {
    /// A log was looked at for a target; the place to add to what is found in it.
    pub(super) fn log(&mut self, log: LogId, target: usize) -> usize {
        self.logs.push(FoundLog {
            log,
            target,
            bytes: 0,
        });
        self.logs.len() - 1
    }

    pub(super) fn add(&mut self, place: usize, bytes: usize) {
        self.logs[place].bytes += bytes;
        self.bytes += bytes;
    }

    /// To be asked by log from now on.
    pub(super) fn sorted(mut self, enough: usize) -> Self {
        self.logs.sort_unstable_by_key(|found| found.log);
        self.logs.shrink_to_fit();
        self.enough = enough;
        self
    }
}

impl Plan {
    /// Whether there is enough now, or an error to be told, since this log has moved.
    pub(super) fn is_stirred(&mut self, log: LogId, now: &PartitionLog) -> bool {
        // Then it waits for its reads.
        if !self.reading.is_empty() {
            return false;
        }
        let found = &mut self.found;
        let Ok(place) = found.logs.binary_search_by_key(&log, |found| found.log) else {
            return true;
        };
        let in_log = &mut found.logs[place];
        let wanted = &self.targets[in_log.target].wanted;
        let most = usize::try_from(wanted.max_bytes).unwrap_or(0);
        let most = most.min(found.enough);
        let Ok(read) = now.read(wanted.fetch_offset, self.isolation, most, true) else {
            return true;
        };
        let bytes = match read.source {
            Source::Empty => 0,
            Source::Memory(batches) => batches.iter().map(bytes::Bytes::len).sum(),
            Source::File(range) => range.max_bytes,
        };
        found.bytes = found.bytes - in_log.bytes + bytes;
        in_log.bytes = bytes;
        found.bytes >= found.enough
    }
}
