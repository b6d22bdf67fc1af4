//! Rules broken one at a time: each must be seen. Those of the engine are compiled in only with the
//! feature `mutants`; those of the shell around it are the simulation's own.

use once_broker::mutant::Mutant as Broker;
use once_log::mutant::Mutant as Log;
use std::fmt;

/// A broken rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Of the engine, its logs or recovery.
    Broker(Broker),
    /// Directories are not synced.
    SkipDirectorySync,
    /// What is written is reported as flushed.
    ReportBeforeFlush,
    /// A failed flush is tried again.
    RetryFailedFlush,
}

macro_rules! table {
    ($($name:literal => $mutant:expr),* $(,)?) => {
        /// All mutants by name.
        const ALL: &[(&str, Mutant)] = &[$(($name, $mutant)),*];
    };
}

const fn broker(mutant: Broker) -> Mutant {
    Mutant::Broker(mutant)
}

const fn log(mutant: Log) -> Mutant {
    Mutant::Broker(Broker::Log(mutant))
}

table! {
    "answer-before-flush" => broker(Broker::AnswerBeforeFlush),
    "forget-reads" => broker(Broker::ForgetReads),
    "answer-retry-before-flush" => broker(Broker::AnswerRetryBeforeFlush),
    "marker-before-prepare" => broker(Broker::MarkerBeforePrepare),
    "complete-before-markers" => broker(Broker::CompleteBeforeMarkers),
    "skip-marker" => broker(Broker::SkipMarker),
    "forget-pending-on-abort" => broker(Broker::ForgetPendingOnAbort),
    "commit-pending-on-abort" => broker(Broker::CommitPendingOnAbort),
    "use-ids-before-durable" => broker(Broker::UseIdsBeforeDurable),
    "forget-prepared" => broker(Broker::ForgetPrepared),
    "data-before-addition" => broker(Broker::DataBeforeAddition),
    "epoch-check" => broker(Broker::EpochCheck),
    "remove-before-durable" => broker(Broker::RemoveBeforeDurable),
    "start-before-durable" => broker(Broker::StartBeforeDurable),
    "remove-before-start-durable" => broker(Broker::RemoveBeforeStart),
    "trust-found-bytes" => broker(Broker::TrustFoundBytes),
    "ignore-full-disk" => broker(Broker::IgnoreFullDisk),
    "sequence-check" => log(Log::SequenceCheck),
    "dedupe-window" => log(Log::DedupeWindow),
    "dedupe" => log(Log::Dedupe),
    "window-after-restart" => log(Log::WindowAfterRestart),
    "high-watermark-for-lso" => log(Log::HighWatermarkForLastStable),
    "forget-aborted" => log(Log::ForgetAborted),
    "skip-directory-sync" => Mutant::SkipDirectorySync,
    "report-before-flush" => Mutant::ReportBeforeFlush,
    "retry-failed-flush" => Mutant::RetryFailedFlush,
}

impl Mutant {
    /// All of them, with their names.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        ALL.iter().copied()
    }

    /// The mutant of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, m)| *m)
    }

    /// What of it the broker breaks.
    #[cfg(feature = "mutants")]
    pub(crate) fn of_broker(self) -> Option<Broker> {
        match self {
            Self::Broker(broker) => Some(broker),
            Self::SkipDirectorySync | Self::ReportBeforeFlush | Self::RetryFailedFlush => None,
        }
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ALL.iter().find(|(_, mutant)| mutant == self);
        f.write_str(name.map_or("unnamed", |(name, _)| name))
    }
}
