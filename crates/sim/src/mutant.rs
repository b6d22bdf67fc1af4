//! Rules broken one at a time: each must be seen. Those of the engine are compiled in only with the
//! feature `mutants`; those of the shell around it are the simulation's own.

use once_broker::mutant::Mutant as Broker;
use once_log::mutant::Mutant as Log;
use std::fmt;

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// Of the engine, its logs or recovery.
    Broker(Broker),
    /// Directories are synced.
    DirectorySync,
    /// What is reported as flushed is flushed.
    FlushBeforeReport,
    /// A failed flush ends the process.
    FailedFlushEnds,
}

/// Where a broken rule shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Judged {
    /// Where fences order the flushes.
    Fenced,
    /// Where one entry of the journal holds what one step wrote.
    Atomic,
    /// Where starts change the flush policy.
    Changing,
}

use Judged::{Atomic, Changing, Fenced};

/// A broken rule: one row of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mutant {
    name: &'static str,
    pub(crate) rule: Rule,
    pub(crate) judged: Judged,
}

const fn broker(name: &'static str, mutant: Broker, judged: Judged) -> Mutant {
    let rule = Rule::Broker(mutant);
    Mutant { name, rule, judged }
}

const fn log(name: &'static str, mutant: Log, judged: Judged) -> Mutant {
    broker(name, Broker::Log(mutant), judged)
}

const fn shell(name: &'static str, rule: Rule, judged: Judged) -> Mutant {
    Mutant { name, rule, judged }
}

/// All of them.
const ALL: &[Mutant] = &[
    broker("answer-before-flush", Broker::AnswerBeforeFlush, Fenced),
    broker("answer-before-entry", Broker::AnswerBeforeFlush, Atomic),
    broker("forget-reads", Broker::ForgetReads, Fenced),
    broker("forget-reads-of-entry", Broker::ForgetReads, Atomic),
    broker(
        "answer-retry-before-flush",
        Broker::AnswerRetryBeforeFlush,
        Fenced,
    ),
    broker("marker-before-prepare", Broker::MarkerBeforePrepare, Fenced),
    broker(
        "complete-before-markers",
        Broker::CompleteBeforeMarkers,
        Fenced,
    ),
    broker("skip-marker", Broker::SkipMarker, Fenced),
    broker(
        "forget-pending-on-abort",
        Broker::ForgetPendingOnAbort,
        Fenced,
    ),
    broker(
        "commit-pending-on-abort",
        Broker::CommitPendingOnAbort,
        Fenced,
    ),
    broker(
        "use-ids-before-durable",
        Broker::UseIdsBeforeDurable,
        Fenced,
    ),
    broker("use-ids-before-entry", Broker::UseIdsBeforeDurable, Atomic),
    broker("forget-prepared", Broker::ForgetPrepared, Fenced),
    broker("data-before-addition", Broker::DataBeforeAddition, Fenced),
    broker("epoch-check", Broker::EpochCheck, Fenced),
    broker("remove-before-durable", Broker::RemoveBeforeDurable, Fenced),
    broker("start-before-durable", Broker::StartBeforeDurable, Fenced),
    broker(
        "remove-before-start-durable",
        Broker::RemoveBeforeStart,
        Fenced,
    ),
    broker("trust-found-bytes", Broker::TrustFoundBytes, Fenced),
    broker("ignore-full-disk", Broker::IgnoreFullDisk, Fenced),
    broker(
        "catalog-without-replay",
        Broker::CatalogWithoutReplay,
        Fenced,
    ),
    log("sequence-check", Log::SequenceCheck, Fenced),
    log("dedupe-window", Log::DedupeWindow, Fenced),
    log("dedupe", Log::Dedupe, Fenced),
    log("window-after-restart", Log::WindowAfterRestart, Fenced),
    log(
        "snapshot-without-replay",
        Log::SnapshotWithoutReplay,
        Fenced,
    ),
    log(
        "high-watermark-for-lso",
        Log::HighWatermarkForLastStable,
        Fenced,
    ),
    log("forget-aborted", Log::ForgetAborted, Fenced),
    log("drop-marker-too-early", Log::DropMarkerTooEarly, Fenced),
    log("compact-keeps-first", Log::CompactKeepsFirst, Fenced),
    log("compact-above-lso", Log::CompactAboveLastStable, Fenced),
    log(
        "forget-producer-on-compaction",
        Log::ForgetProducerOnCompaction,
        Fenced,
    ),
    broker("session-ids-in-order", Broker::SessionIdsInOrder, Fenced),
    shell("skip-directory-sync", Rule::DirectorySync, Fenced),
    shell("report-before-flush", Rule::FlushBeforeReport, Fenced),
    shell("retry-failed-flush", Rule::FailedFlushEnds, Fenced),
    log("split-entry", Log::SplitEntry, Atomic),
    log("accept-stale-entry", Log::AcceptStaleEntry, Atomic),
    log("no-journal-crc", Log::NoJournalChecksum, Atomic),
    log("free-too-early", Log::FreeTooEarly, Atomic),
    broker("skip-recovered-flush", Broker::SkipRecoveredFlush, Atomic),
    log("cut-ungoverned-file", Log::CutUngovernedFile, Changing),
];

impl Mutant {
    /// All of them, in the order of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().copied()
    }

    /// The mutant of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|mutant| mutant.name == name)
    }

    /// What of it the broker breaks.
    #[cfg(feature = "mutants")]
    pub(crate) fn of_broker(self) -> Option<Broker> {
        match self.rule {
            Rule::Broker(broker) => Some(broker),
            Rule::DirectorySync | Rule::FlushBeforeReport | Rule::FailedFlushEnds => None,
        }
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
