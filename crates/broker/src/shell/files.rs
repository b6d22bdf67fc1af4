//! How many files may be open: partitions, their readers and connections share the process's limit, and a log
//! thread that cannot open its file has to end the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the standard streams, the lock, checkpoints and the runtime need.
const RESERVE: u64 = 128;
/// Files that one open partition has: records, two indexes, aborted transactions. Twice, for a debt holds those that
/// it is to flush, also when the partition was closed meanwhile.
const PER_PARTITION: u64 = 2 * 4;
/// Files that readers keep open, for each open partition.
const READ_PER_PARTITION: u64 = 2;

/// The process's files, divided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files {
    /// Partitions that all log threads together may keep open.
    pub(crate) partitions: usize,
    /// Files that readers may keep open.
    pub(crate) reads: usize,
    /// Connections that may be open.
    pub(crate) connections: usize,
}

impl Files {
    /// Raises the process's limit as far as it may be raised, and divides it: half for
    /// partitions and their readers, half for connections.
    pub(crate) fn divide() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let wanted = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        let current = match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        };
        Self::of(current.unwrap_or(1 << 20))
    }

    fn of(limit: u64) -> Self {
        let half = limit.saturating_sub(RESERVE) / 2;
        let count = |files: u64| usize::try_from(files.max(4)).unwrap_or(usize::MAX);
        let partitions = count(half / (PER_PARTITION + READ_PER_PARTITION)).min(4_096);
        Self {
            partitions,
            reads: partitions * READ_PER_PARTITION as usize,
            connections: count(half),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_connections_fit_into_the_limit_together() {
        for limit in [256, 1_024, 20_000, 1 << 20] {
            let files = Files::of(limit);
            let written = files.partitions as u64 * PER_PARTITION;
            let used = written + (files.reads + files.connections) as u64;
            assert!(used + RESERVE <= limit, "{limit}: {files:?}");
        }
    }
}
