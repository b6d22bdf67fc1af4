//! All that the engine wants done. Outputs of one step are carried out in order.

use super::ids::{ConnectionId, LogId, ReadId};
use bytes::Bytes;
use once_log::{CompactionPlan, FileRange, TimestampSearch, Write};
use once_wire::ids::Uuid;

/// What to look for in a log's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// The batches of a range.
    Batches(FileRange),
    /// The first record at or after a time.
    Record(TimestampSearch),
}

/// Something to do outside.
#[derive(Debug)]
pub enum Output {
    /// Send the pieces of one response frame. No pieces at all finish a request that gets no
    /// answer (acks=0): nothing is sent, but what it held is free.
    Reply {
        /// The connection.
        connection: ConnectionId,
        /// The frame in pieces, its length prefix included.
        frames: Vec<Bytes>,
    },
    /// Close a connection.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// Why, for the log.
        reason: String,
    },
    /// A log came into being; nothing is on disk until its first write.
    Open {
        /// The log.
        log: LogId,
        /// The topic's name.
        topic: String,
        /// The topic's id.
        topic_id: Uuid,
        /// The partition.
        partition: i32,
    },
    /// Write to a log and flush it; then say [`super::Input::Flushed`] with `end`.
    Write {
        /// The log.
        log: LogId,
        /// What to write, in order.
        writes: Vec<Write>,
        /// The end offset that is flushed when all of it is.
        end: i64,
    },
    /// Make it durable that a log starts at `start`, after all that was written before is flushed;
    /// then say [`super::Input::Started`]. Starts of many logs may be written down together.
    Start {
        /// The log.
        log: LogId,
        /// Its first offset.
        start: i64,
    },
    /// Compact closed segments of a log; then say [`super::Input::Compacted`].
    Compact {
        /// The log.
        log: LogId,
        /// Which, and how.
        plan: Box<CompactionPlan>,
    },
    /// Look into a log's files; then say [`super::Input::Read`].
    Read {
        /// Names the read.
        read: ReadId,
        /// The log.
        log: LogId,
        /// What to look for.
        look: Look,
    },
    /// Look how much room the disk has; then say [`super::Input::Space`]. Until that is said
    /// nobody asks again; never said, nothing is ever refused for lack of room.
    Measure,
    /// A log's topic was deleted: its files go.
    Remove {
        /// The log.
        log: LogId,
    },
    /// Something the operator should know.
    Warn(String),
}
