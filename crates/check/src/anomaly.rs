//! The rules, one file each. A rule says precisely when it fires, and what it takes for unknown.

mod aborted_read;
mod committed_offset;
mod duplicate;
mod exactly_once;
mod g1c;
mod inconsistent_offsets;
mod lost_write;
mod lso_stall;
mod nonmonotonic_poll;
mod nonmonotonic_send;
mod observation;
mod phantom;
mod poll_skip;
mod precommitted_read;
mod torn_transaction;
mod unseen;
mod watermark;
mod zombie_write;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::facts::Facts;
use crate::report::Report;

/// What can be wrong with a history. `docs/history.md` defines each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// Two values at one offset.
    InconsistentOffsets,
    /// Acknowledged or committed, and not there.
    LostWrite,
    /// One value at two offsets.
    Duplicate,
    /// G1a: a failed or aborted record was read.
    AbortedRead,
    /// A record was read before its commit was asked for.
    PrecommittedRead,
    /// A part of a transaction without the rest.
    TornTransaction,
    /// A consumer was led past records.
    PollSkip,
    /// A consumer was led backwards.
    NonmonotonicPoll,
    /// Records lie in another order than they were sent in.
    NonmonotonicSend,
    /// Transactions that read each other in a circle.
    G1c,
    /// A fenced producer's work counts.
    ZombieWrite,
    /// A group's offset went back, or nobody committed it.
    CommittedOffset,
    /// An input is in no output, or in more than one.
    ExactlyOnce,
    /// A transaction is never decided, and holds its readers back.
    LsoStall,
    /// A record that nobody sent.
    Phantom,
    /// Offsets that bound a log contradict each other or go back.
    Watermark,
    /// A number that must not go down went down.
    Observation,
    /// Acknowledged, and nobody read so far: alone it makes the verdict unknown.
    Unseen,
}

impl Anomaly {
    /// Whether one finding of it makes a history invalid.
    pub fn proves(self) -> bool {
        self != Self::Unseen
    }

    /// What it is, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InconsistentOffsets => "Two values at one offset.",
            Self::LostWrite => "Acknowledged or committed, and not there.",
            Self::Duplicate => "One value of an idempotent producer at two offsets.",
            Self::AbortedRead => "A failed or aborted record was read (G1a).",
            Self::PrecommittedRead => "A record was read before its commit was asked for.",
            Self::TornTransaction => "A part of a transaction counts, and the rest does not.",
            Self::PollSkip => "A consumer was led past records that it had to see.",
            Self::NonmonotonicPoll => "A consumer was led backwards.",
            Self::NonmonotonicSend => "Records lie in another order than they were sent in.",
            Self::G1c => "Transactions read each other in a circle.",
            Self::ZombieWrite => "A fenced producer's work counts.",
            Self::CommittedOffset => "A group's offset went back, or nobody committed it.",
            Self::ExactlyOnce => "An input is in no committed output, or in more than one.",
            Self::LsoStall => "A transaction is never decided and holds its readers back.",
            Self::Phantom => "A record was read that nobody sent there.",
            Self::Watermark => "Offsets that bound a log contradict each other or went back.",
            Self::Observation => "A number that must not go down went down.",
            Self::Unseen => "Acknowledged, and no reader came so far.",
        }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InconsistentOffsets => "inconsistent offsets",
            Self::LostWrite => "lost write",
            Self::Duplicate => "duplicate",
            Self::AbortedRead => "aborted read",
            Self::PrecommittedRead => "precommitted read",
            Self::TornTransaction => "torn transaction",
            Self::PollSkip => "poll skip",
            Self::NonmonotonicPoll => "non-monotonic poll",
            Self::NonmonotonicSend => "non-monotonic send",
            Self::G1c => "G1c",
            Self::ZombieWrite => "zombie write",
            Self::CommittedOffset => "committed offset",
            Self::ExactlyOnce => "exactly once",
            Self::LsoStall => "LSO stall",
            Self::Phantom => "phantom",
            Self::Watermark => "watermark",
            Self::Observation => "observation",
            Self::Unseen => "unseen",
        })
    }
}

/// What every rule is given.
pub(crate) struct Scene<'f, 'h> {
    pub(crate) facts: &'f Facts<'h>,
    pub(crate) coverage: Coverage<'f, 'h>,
}

/// Every rule; their order is that of the findings.
const RULES: [fn(&Scene<'_, '_>, &mut Report); 18] = [
    inconsistent_offsets::find,
    lost_write::find,
    duplicate::find,
    aborted_read::find,
    precommitted_read::find,
    torn_transaction::find,
    poll_skip::find,
    nonmonotonic_poll::find,
    nonmonotonic_send::find,
    g1c::find,
    zombie_write::find,
    committed_offset::find,
    exactly_once::find,
    lso_stall::find,
    phantom::find,
    watermark::find,
    observation::find,
    unseen::find,
];

/// Applies every rule.
pub(crate) fn find(facts: &Facts<'_>, report: &mut Report) {
    let coverage = Coverage::new(facts);
    let scene = Scene { facts, coverage };
    for rule in RULES {
        rule(&scene, report);
    }
}
