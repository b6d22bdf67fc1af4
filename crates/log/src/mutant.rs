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
    /// A start takes a snapshot of the producers and not what was written after it.
    SnapshotWithoutReplay,
    /// What belongs together is in two entries of the journal, a flush for each.
    SplitEntry,
    /// What an earlier use of a journal file left passes for an entry.
    AcceptStaleEntry,
    /// The checksum of a journal's entry is not looked at.
    NoJournalChecksum,
    /// A journal file counts as free when it is full.
    FreeTooEarly,
    /// A start cuts from a partition's files what the journal does not have, whoever wrote it.
    CutUngovernedFile,
}

/// The rule that is broken, where one is: without the feature `mutants` never.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Broken {
    #[cfg(feature = "mutants")]
    mutant: Option<Mutant>,
}

impl Broken {
    /// This rule.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn of(mutant: Option<Mutant>) -> Self {
        Broken { mutant }
    }

    /// Whether a rule is broken on purpose.
    #[inline]
    #[must_use]
    pub fn breaks(self, mutant: Mutant) -> bool {
        #[cfg(feature = "mutants")]
        let broken = self.mutant == Some(mutant);
        #[cfg(not(feature = "mutants"))]
        let broken = {
            let _ = mutant;
            false
        };
        broken
    }
}
