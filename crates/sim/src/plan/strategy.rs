//! What a start of the broker promises, and how it keeps that.

use crate::mutant::Judged;
use crate::random::Random;
use once_broker::FlushPolicy;

/// One of the ways to run a broker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Strategy {
    /// `--flush os`: fences, and nothing is flushed before an answer leaves.
    Os,
    /// `--flush disk` without a journal: fences, and every partition's own file is flushed.
    Files,
    /// `--flush disk` as it is by default: one entry of the journal for each step.
    Journal,
}

impl Strategy {
    /// The policy that an operator sets.
    #[must_use]
    pub(crate) fn flush(self) -> FlushPolicy {
        match self {
            Self::Os => FlushPolicy::Os,
            Self::Files | Self::Journal => FlushPolicy::Disk,
        }
    }

    /// What is acknowledged survives the loss of power.
    #[must_use]
    pub(crate) fn survives_power(self) -> bool {
        self.flush() == FlushPolicy::Disk
    }

    /// One of all.
    pub(super) fn draw(random: &mut Random) -> Self {
        *random.pick(&[Self::Os, Self::Files, Self::Journal, Self::Journal])
    }

    /// The nearest one under which a broken rule shows.
    pub(super) fn judged(self, judged: Judged) -> Self {
        match (judged, self) {
            (Judged::Fenced, Self::Journal) => Self::Files,
            (Judged::Atomic, _) | (Judged::Changing, Self::Files) => Self::Journal,
            (Judged::Fenced | Judged::Changing, kept) => kept,
        }
    }
}
