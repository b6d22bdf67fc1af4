//! Rules that can be broken on purpose, to show that the simulation would see it. Without the
//! feature `mutants` none ever is.

/// A rule of one partition's log, broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// A batch of an older epoch is appended.
    EpochCheck,
    /// A batch is appended whatever its sequence.
    SequenceCheck,
    /// Only a retry of the producer's last batch is known for what it is.
    DedupeWindow,
    /// A retry is appended once more.
    Dedupe,
    /// After a restart only the last batch of each producer is remembered, as on Kafka.
    WindowAfterRestart,
    /// Readers of committed data see what readers of uncommitted data see.
    HighWatermarkForLastStable,
    /// A transaction's end counts before its marker is flushed.
    UnflushedMarker,
    /// Readers are told of no aborted transactions.
    ForgetAborted,
    /// Compaction drops the marker of a transaction that still has data, at once.
    DropMarkerTooEarly,
    /// Of each key compaction keeps the first record of the dirty part, not the last one.
    CompactKeepsFirst,
    /// Compaction takes what is flushed, stable or not.
    CompactAboveLastStable,
    /// Compaction keeps no batch for its producer's sake.
    ForgetProducerOnCompaction,
}
