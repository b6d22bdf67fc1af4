//! Names that the engine gives to things, unique within one run.

/// One partition's log, ours or a user's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LogId(pub u64);

impl LogId {
    /// The log of `__cluster_metadata`, which exists before any topic.
    pub const METADATA: LogId = LogId(0);
}

/// One client connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u64);

/// One read of a file, asked for by an output and answered by an input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReadId(pub u64);
