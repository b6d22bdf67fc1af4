//! What an append asks of the files: plain data, carried from the pure state to whoever owns the files.

use bytes::Bytes;

use crate::aborted::AbortedEntry;
use crate::epochs::EpochEntry;
use crate::index::IndexEntry;
use crate::time_index::TimeIndexEntry;

/// One change to a partition's files. Order matters: they are carried out as they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// `leader-epoch-checkpoint` now reads so.
    LeaderEpochs(Vec<EpochEntry>),
    /// The last entry of a segment's time index, when the segment or the log is closed.
    TimeIndex {
        /// The segment's base offset.
        segment: i64,
        /// Its largest timestamp.
        entry: TimeIndexEntry,
    },
    /// A snapshot of the producers.
    Snapshot(SnapshotWrite),
    /// A new segment: the one before it is complete.
    Roll {
        /// Its base offset, the log's end so far.
        base: i64,
    },
    /// The log is closed for now: its last segment's index files are complete.
    Close,
    /// A batch at the end of the last segment.
    Batch(BatchWrite),
    /// The files of all segments below this one's base go, and the snapshots below it: the log starts there or
    /// later, durably.
    DropSegments {
        /// The base offset of the first segment that stays.
        below: i64,
    },
    /// What the log's records have made so far, for a log that is bounded so; durable when it is carried out.
    State(StateWrite),
    /// Such snapshots go that stand for less.
    DropStates {
        /// Those stay that stand for all records below this offset, and for more.
        below: i64,
    },
}

/// A snapshot of the state that a log's records below `end` make, for `<end>-<epoch>.checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    /// It stands for all records below this offset.
    pub end: i64,
    /// The epoch of the last of them.
    pub epoch: i32,
    /// Its batches: a snapshot header, the state's records, a snapshot footer.
    pub bytes: Bytes,
}

/// The producer table below `end`, for `<end>.snapshot` and `<end>.window`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotWrite {
    /// The table covers every batch below this offset.
    pub end: i64,
    /// Kafka's form.
    pub producers: Bytes,
    /// Ours; see [`crate::snapshot`].
    pub window: Option<Bytes>,
}

/// One batch with its offsets, and the index entries that fall due with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchWrite {
    /// The base offset of its segment.
    pub segment: i64,
    /// Where it begins in the segment's file: the file's length so far, asserted by the store.
    pub position: u64,
    /// The offset after its last record.
    pub end: i64,
    /// The batch.
    pub bytes: Bytes,
    /// An entry for the offset index.
    pub index: Option<IndexEntry>,
    /// An entry for the time index.
    pub time_index: Option<TimeIndexEntry>,
    /// An entry for the aborted index: the batch is an abort marker.
    pub aborted: Option<AbortedEntry>,
}
