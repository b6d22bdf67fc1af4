//! When the broker's process ends, how, and how it is started again.

use super::profile::Profile;
use super::strategy::Strategy;
use crate::coverage::REQUESTS;
use crate::queue::Micros;
use crate::random::Random;
use once_wire::api::ApiKey;

/// How a broker's process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It is killed: what it wrote is in the page cache.
    Kill,
    /// It is killed at its n-th change of the disk from then on.
    KillAtChange(u64),
    /// The power goes: what was not flushed survives as the seed says.
    Power(u64),
    /// The power goes, and nothing that was not flushed survives.
    PowerLosesAll,
    /// The power goes during the n-th change of the disk from then on.
    PowerAtChange(u64, u64),
    /// It is stopped as an operator stops it.
    Stop,
}

impl End {
    /// The nearest end that is promised to be survived when the loss of power is not.
    #[must_use]
    pub(crate) fn without_power(self) -> Self {
        match self {
            Self::Power(_) | Self::PowerLosesAll => Self::Kill,
            Self::PowerAtChange(n, _) => Self::KillAtChange(n),
            Self::Kill | Self::KillAtChange(_) | Self::Stop => self,
        }
    }

    fn draw(random: &mut Random) -> Self {
        let change = if random.coin() { 4 } else { 40 };
        let change = random.between(1, change);
        match random.below(7) {
            0 => Self::Kill,
            1 => Self::KillAtChange(change),
            2 => Self::PowerLosesAll,
            3 => Self::Power(random.bits()),
            6 => Self::Stop,
            _ => Self::PowerAtChange(change, random.bits()),
        }
    }
}

/// What a crash waits for: fences show their worth where one log is flushed and another is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trigger {
    /// Nothing.
    AtOnce,
    /// An answer has left while something was not flushed.
    AfterAnswer,
    /// A writer has flushed while another has written and not flushed.
    BetweenFlushes,
    /// The journal goes on in another file.
    NextFile,
    /// The files are about to be flushed behind the journal.
    Checkpoint,
    /// Segments are about to be swapped, or were.
    Swap,
    /// A request of this kind is under way.
    Asked(ApiKey),
}

impl Trigger {
    fn draw(random: &mut Random) -> Self {
        match random.below(9) {
            0 => Self::AtOnce,
            1 => Self::AfterAnswer,
            2 | 3 => Self::BetweenFlushes,
            4 => Self::NextFile,
            5 => Self::Checkpoint,
            6 => Self::Swap,
            _ => Self::Asked(*random.pick(&REQUESTS)),
        }
    }
}

/// One crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CrashPlan {
    /// Before this step of the run.
    pub(crate) step: u64,
    /// When, from that step on.
    pub(crate) trigger: Trigger,
    /// How. Where the loss of power is not promised to be survived it is the nearest end that is.
    pub(crate) end: End,
    /// How long it stays down.
    pub(crate) down: Micros,
    /// The start after it ends at the n-th change of the disk.
    pub(crate) again: Option<u64>,
    /// The clock of the next start is so much later, or earlier, in milliseconds.
    pub(crate) clock: i64,
    /// How the broker is run from then on.
    pub(crate) strategy: Strategy,
}

/// Draws the crashes of a run; `strategies` says how each start after them runs.
pub(super) fn crashes(
    random: &mut Random,
    profile: Profile,
    mut strategies: impl FnMut() -> Strategy,
) -> Vec<CrashPlan> {
    let (least, most) = profile.crashes();
    let count = random.between(least, most);
    let mut step = 0;
    let mut crashes = Vec::new();
    for _ in 0..count {
        // The first one comes early, so that no run ends without it.
        step += random.between(20, if step == 0 { 400 } else { 700 });
        crashes.push(CrashPlan {
            step,
            trigger: Trigger::draw(random),
            end: End::draw(random),
            down: random.between(100, 300_000),
            again: (random.below(4) == 0).then(|| random.between(1, 60)),
            clock: match random.below(5) {
                0 => 3_600_000,
                1 => -60_000,
                _ => 0,
            },
            strategy: strategies(),
        });
    }
    crashes
}

/// A jump of the clock while the broker runs, as after the sleep of a whole machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Jump {
    /// Before this step of the run.
    pub(crate) step: u64,
    /// So much later it is then, in milliseconds.
    pub(crate) ms: i64,
}

/// Draws the jumps of a run: none in most.
pub(super) fn jumps(random: &mut Random) -> Vec<Jump> {
    let count = if random.below(3) == 0 {
        random.between(1, 3)
    } else {
        0
    };
    let jump = |_| Jump {
        step: random.between(20, 3_000),
        ms: *random.pick(&[50, 2_000, 30_000, 600_000]),
    };
    let mut jumps: Vec<Jump> = (0..count).map(jump).collect();
    jumps.sort_unstable_by_key(|jump| jump.step);
    jumps
}
