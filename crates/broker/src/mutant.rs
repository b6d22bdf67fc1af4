//! Rules that can be broken on purpose, to show that the simulation would see it. Without the
//! feature `mutants` none ever is.

use once_log::mutant::Mutant as Log;

/// A rule, broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Of one partition's log.
    Log(Log),
    /// Answers leave before what they wrote is flushed.
    AnswerBeforeFlush,
    /// Answers wait for what they wrote, not for what they read.
    ForgetReads,
    /// The answer to a retry does not wait for the original's flush.
    AnswerRetryBeforeFlush,
    /// Markers are written before Prepare is flushed.
    MarkerBeforePrepare,
    /// A transaction is complete before its markers are flushed.
    CompleteBeforeMarkers,
    /// One of several partitions gets no marker.
    SkipMarker,
    /// An abort leaves a group's pending offsets as they are.
    ForgetPendingOnAbort,
    /// An abort makes a group's pending offsets real.
    CommitPendingOnAbort,
    /// A block of producer ids is used before it is durable.
    UseIdsBeforeDurable,
    /// Prepared transactions are not gone on with after a restart.
    ForgetPrepared,
    /// Data goes to a partition before it is durably a part of the transaction.
    DataBeforeAddition,
    /// A producer's epoch is not asked for when it writes.
    EpochCheck,
    /// What a deleted topic had is removed before the deletion is durable.
    RemoveBeforeDurable,
    /// A log starts later before that is durable.
    StartBeforeDurable,
    /// The files of deleted records are removed before it is durable that the log starts later.
    RemoveBeforeStart,
    /// The catalog's log after its snapshot is not read.
    CatalogWithoutReplay,
    /// What recovery found is taken for durable without a flush.
    TrustFoundBytes,
    /// Data is taken however little room there is on the disk.
    IgnoreFullDisk,
    /// Fetch sessions are numbered from 1 in each life of the broker.
    SessionIdsInOrder,
    /// What recovery brought from the journal into the partitions' files is not flushed before the
    /// journal is used again.
    SkipRecoveredFlush,
}

impl Mutant {
    /// What of it concerns one partition's log.
    #[must_use]
    pub fn of_log(self) -> Option<Log> {
        match self {
            Self::Log(log) => Some(log),
            Self::EpochCheck => Some(Log::EpochCheck),
            _ => None,
        }
    }
}
