//! Whether a fetch that waits has enough, when one of its logs has moved: only that log is looked at.
//!
//! What counts is what could be read, of each partition at most what it wants, and not what an answer would bring: that
//! ends with a whole batch (Kafka: `DelayedFetch.tryComplete`).

use super::plan::{Plan, Target};
use crate::engine::LogId;
use once_log::{Isolation, PartitionLog, ReadError};

/// What a look found.
#[derive(Default)]
pub(super) struct Found {
    /// By log, while the fetch waits.
    pub(super) logs: Vec<FoundLog>,
    /// In all of them.
    pub(super) bytes: u64,
    /// How many are enough.
    enough: u64,
}

/// What a look found in one log.
pub(super) struct FoundLog {
    pub(super) log: LogId,
    /// The target's place in the plan.
    target: usize,
    bytes: u64,
}

impl Found {
    /// A log was looked at for a target.
    pub(super) fn add(&mut self, log: LogId, target: usize, bytes: u64) {
        self.logs.push(FoundLog { log, target, bytes });
        self.bytes += bytes;
    }

    /// To be asked by log from now on.
    pub(super) fn sorted(mut self, enough: u64) -> Self {
        self.logs.sort_unstable_by_key(|found| found.log);
        self.logs.shrink_to_fit();
        self.enough = enough;
        self
    }
}

impl Target {
    /// How much of what it wants could be read, by positions in the log.
    pub(super) fn readable(
        &self,
        log: &PartitionLog,
        isolation: Isolation,
    ) -> Result<u64, ReadError> {
        let most = u64::try_from(self.wanted.max_bytes).unwrap_or(0);
        let readable = log.readable_bytes_after(self.wanted.fetch_offset, isolation)?;
        Ok(readable.min(most))
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
        let Ok(bytes) = self.targets[in_log.target].readable(now, self.isolation) else {
            return true;
        };
        found.bytes = found.bytes - in_log.bytes + bytes;
        in_log.bytes = bytes;
        found.bytes >= found.enough
    }
}
