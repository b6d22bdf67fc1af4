//! What the network and the disk do to whoever uses them.

use super::profile::Profile;
use crate::queue::Micros;
use crate::random::Random;

/// Faults of the network, as chances in ten thousand of each message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NetPlan {
    /// A message takes up to this long.
    pub(crate) delay: Micros,
    /// A connection breaks when a request is sent on it; the request never arrives.
    pub(crate) cut: u64,
    /// As [`NetPlan::cut`], but what is under way arrives later, when its sender tries again
    /// already.
    pub(crate) late: u64,
    /// A connection breaks when an answer is sent on it; its effect stays.
    pub(crate) lose_answer: u64,
    /// A message takes a hundred times as long.
    pub(crate) slow: u64,
}

impl NetPlan {
    pub(super) fn draw(random: &mut Random, profile: Profile) -> Self {
        let (net, _) = profile.weights();
        Self {
            delay: *random.pick(&[50, 300, 2_000]),
            cut: net * random.below(40),
            late: net * random.below(40),
            lose_answer: net * random.below(40),
            slow: net * random.below(30),
        }
    }

    /// A network that only takes its time.
    pub(crate) fn calm(self) -> Self {
        Self {
            cut: 0,
            late: 0,
            lose_answer: 0,
            slow: 0,
            ..self
        }
    }
}

/// Faults of the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DiskPlan {
    /// A flush takes up to this long.
    pub(crate) flush: Micros,
    /// In ten thousand flushes, so many take a hundred times as long.
    pub(crate) slow: u64,
    /// In ten thousand groups, so many end in a failed flush, and so the process.
    pub(crate) fail_flush: u64,
    /// In ten thousand groups, so many end in a failed write, and so the process.
    pub(crate) fail_write: u64,
    /// In ten thousand groups, so many find that somebody else has filled the disk; it stays so for
    /// a while.
    pub(crate) full: u64,
    /// The disk has so many bytes, and more when they run short.
    pub(crate) room: Option<u64>,
}

impl DiskPlan {
    pub(super) fn draw(random: &mut Random, profile: Profile, room: Option<u64>) -> Self {
        let (_, disk) = profile.weights();
        Self {
            flush: *random.pick(&[100, 1_000, 10_000]),
            slow: disk * random.below(20),
            fail_flush: disk * random.below(6),
            fail_write: disk * random.below(3),
            full: disk * random.below(3),
            room,
        }
    }

    /// A disk that only takes its time.
    pub(crate) fn calm(self) -> Self {
        Self {
            slow: 0,
            fail_flush: 0,
            fail_write: 0,
            full: 0,
            room: None,
            ..self
        }
    }
}

/// A disk that is filled within the run, in one run of three.
pub(super) fn room(random: &mut Random) -> Option<u64> {
    let bytes = random.between(80_000, 300_000);
    (random.below(3) == 0).then_some(bytes)
}
