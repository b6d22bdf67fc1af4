//! What a seed draws before anything happens: who takes part, how the network and the disk
//! behave, and when what breaks.

use crate::client::Role;
use crate::mutant::Mutant;
use crate::queue::Micros;
use crate::random::Random;
use once_broker::FlushPolicy;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// How bad the world is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Profile {
    /// A good network and disk, and one crash.
    Calm,
    /// Everything happens now and then.
    Rough,
    /// Everything happens all the time.
    Cruel,
    /// The disk is the worst of it: power cuts, failed and slow flushes.
    Disk,
    /// The network is the worst of it: cuts, late requests, lost answers.
    Network,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Calm,
        Self::Rough,
        Self::Cruel,
        Self::Disk,
        Self::Network,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Cruel => "cruel",
            Self::Disk => "disk",
            Self::Network => "network",
        }
    }

    /// How often faults of the network happen, and of the disk.
    fn weights(self) -> (u64, u64) {
        match self {
            Self::Calm => (0, 0),
            Self::Rough => (1, 1),
            Self::Cruel => (4, 4),
            Self::Disk => (0, 5),
            Self::Network => (6, 1),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|profile| profile.name()).collect();
            format!("no profile {name:?}; there are {}", names.join(", "))
        })
    }
}

/// Faults of the network, as chances in ten thousand of each message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetPlan {
    /// A message takes up to this long.
    pub delay: Micros,
    /// A connection breaks when a request is sent on it; the request never arrives.
    pub cut: u64,
    /// As [`NetPlan::cut`], but what is under way arrives later, when its sender tries again
    /// already.
    pub late: u64,
    /// A connection breaks when an answer is sent on it; its effect stays.
    pub lose_answer: u64,
    /// A message takes a hundred times as long.
    pub slow: u64,
}

/// Faults of the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskPlan {
    /// A flush takes up to this long.
    pub flush: Micros,
    /// In ten thousand flushes, so many take a hundred times as long.
    pub slow: u64,
    /// In ten thousand groups, so many end in a failed flush, and so the process.
    pub fail_flush: u64,
    /// In ten thousand groups, so many end in a failed write, and so the process.
    pub fail_write: u64,
    /// In ten thousand groups, so many find that somebody else has filled the disk; it stays so for
    /// a while.
    pub full: u64,
    /// The disk has so many bytes, and more when they run short.
    pub room: Option<u64>,
}

/// How a broker's process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
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

/// What a crash waits for: fences show their worth where one log is flushed and another is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// Nothing.
    AtOnce,
    /// An answer has left while something was not flushed.
    AfterAnswer,
    /// A writer has flushed while another has written and not flushed.
    BetweenFlushes,
}

/// One crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrashPlan {
    /// Before this step of the run.
    pub step: u64,
    /// When, from that step on.
    pub trigger: Trigger,
    /// How.
    pub end: End,
    /// How long it stays down.
    pub down: Micros,
    /// The start after it ends at the n-th change of the disk.
    pub again: Option<u64>,
    /// The clock of the next start is so much later, or earlier, in milliseconds.
    pub clock: i64,
}

/// A run's plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: Profile,
    /// The flush policy.
    pub flush: FlushPolicy,
    /// A journal stands in front of the partitions' files: the atomic strategy, else the fenced one.
    pub journal: bool,
    /// Who takes part.
    pub clients: Vec<Role>,
    /// Operations of each client.
    pub operations: u32,
    /// Partitions of each topic of records.
    pub partitions: i32,
    /// `log.segment.bytes`.
    pub segment_bytes: i32,
    /// The network.
    pub net: NetPlan,
    /// The disk.
    pub disk: DiskPlan,
    /// The crashes, by step.
    pub crashes: Vec<CrashPlan>,
    /// The rule that is broken.
    pub mutant: Option<Mutant>,
}

/// What a minimised run leaves out of its plan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Clients that do not take part, by their place in the plan.
    pub without_clients: BTreeSet<usize>,
    /// Crashes that do not happen, by their place in the plan.
    pub without_crashes: BTreeSet<usize>,
    /// No faults of the network.
    pub calm_net: bool,
    /// No faults of the disk.
    pub calm_disk: bool,
    /// At most so many operations of each client.
    pub operations: Option<u32>,
}

impl Plan {
    /// Draws the plan of a seed. Without a profile, that is drawn too.
    #[must_use]
    pub fn draw(seed: u64, profile: Option<Profile>) -> Self {
        let mut random = Random::stream(seed, "plan");
        let drawn = *random.pick(&Profile::ALL);
        let profile = profile.unwrap_or(drawn);
        let (net, disk) = profile.weights();
        let flush = if random.below(4) == 0 {
            FlushPolicy::Os
        } else {
            FlushPolicy::Disk
        };
        let clients = Role::draw(&mut random);
        Self {
            seed,
            profile,
            flush,
            journal: flush == FlushPolicy::Disk && Random::stream(seed, "journal").below(3) > 0,
            operations: u32::try_from(random.between(60, 110)).expect("small"),
            partitions: i32::try_from(random.between(1, 3)).expect("small"),
            segment_bytes: *random.pick(&[2_000, 8_000, 1 << 20]),
            net: NetPlan {
                delay: *random.pick(&[50, 300, 2_000]),
                cut: net * random.below(40),
                late: net * random.below(40),
                lose_answer: net * random.below(40),
                slow: net * random.below(30),
            },
            disk: DiskPlan {
                flush: *random.pick(&[100, 1_000, 10_000]),
                slow: disk * random.below(20),
                fail_flush: disk * random.below(4),
                fail_write: disk * random.below(2),
                full: disk * random.below(2),
                room: room(&mut Random::stream(seed, "room")),
            },
            crashes: crashes(&mut Random::stream(seed, "crashes"), flush, profile),
            clients,
            mutant: None,
        }
    }

    /// The plan without what `limits` leave out. Streams of chance stay where they were.
    #[must_use]
    pub fn within(mut self, limits: &Limits) -> Self {
        for index in &limits.without_clients {
            if let Some(role) = self.clients.get_mut(*index) {
                *role = Role::Absent;
            }
        }
        let mut place = 0;
        self.crashes.retain(|_| {
            place += 1;
            !limits.without_crashes.contains(&(place - 1))
        });
        if limits.calm_net {
            self.net = NetPlan {
                cut: 0,
                late: 0,
                lose_answer: 0,
                slow: 0,
                ..self.net
            };
        }
        if limits.calm_disk {
            self.disk = DiskPlan {
                slow: 0,
                fail_flush: 0,
                fail_write: 0,
                full: 0,
                room: None,
                ..self.disk
            };
        }
        if let Some(most) = limits.operations {
            self.operations = self.operations.min(most);
        }
        self
    }
}

/// A disk that is filled within the run, in one run of three.
fn room(random: &mut Random) -> Option<u64> {
    let bytes = random.between(120_000, 400_000);
    (random.below(3) == 0).then_some(bytes)
}

fn crashes(random: &mut Random, flush: FlushPolicy, profile: Profile) -> Vec<CrashPlan> {
    let count = match profile {
        Profile::Calm => 1,
        Profile::Rough | Profile::Network => random.between(1, 3),
        Profile::Cruel | Profile::Disk => random.between(2, 6),
    };
    let mut step = 0;
    let mut crashes = Vec::new();
    for _ in 0..count {
        // The first one comes early, so that no run ends without it.
        step += random.between(20, if step == 0 { 600 } else { 1_500 });
        let end = match (flush, random.below(7)) {
            (_, 0) => End::Kill,
            (_, 1) | (FlushPolicy::Os, 2 | 3) => End::KillAtChange(random.between(1, 40)),
            (_, 6) => End::Stop,
            (FlushPolicy::Os, _) => End::Kill,
            (FlushPolicy::Disk, 2) => End::PowerLosesAll,
            (FlushPolicy::Disk, 3) => End::Power(random.bits()),
            (FlushPolicy::Disk, _) => End::PowerAtChange(random.between(1, 40), random.bits()),
        };
        let again = (random.below(4) == 0).then(|| random.between(1, 60));
        let clock = match random.below(5) {
            0 => 3_600_000,
            1 => -60_000,
            _ => 0,
        };
        crashes.push(CrashPlan {
            step,
            trigger: *random.pick(&[
                Trigger::AtOnce,
                Trigger::AfterAnswer,
                Trigger::BetweenFlushes,
            ]),
            end,
            down: random.between(100, 300_000),
            again,
            clock,
        });
    }
    crashes
}
