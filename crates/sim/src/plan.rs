//! What a seed draws before anything happens: who takes part, how the network and the disk
//! behave, and when what breaks.

mod crash;
mod faults;
mod profile;
mod strategy;

pub(crate) use crash::{CrashPlan, End, Jump, Trigger};
pub(crate) use faults::{DiskPlan, NetPlan};
pub use profile::Profile;
pub(crate) use strategy::Strategy;

use crate::client::Role;
use crate::mutant::{Judged, Mutant};
use crate::random::Random;
use once_broker::storage::JournalLimits;
use once_log::store::JournalSizes;
use std::collections::BTreeSet;

/// One run in so many changes how the broker is run, at each of its starts.
const CHANGING: u64 = 4;
/// Operations of all clients together, at least; each is one or several in the history.
const OPERATIONS: u64 = 440;

/// A run's plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The profile.
    pub profile: Profile,
    /// How the broker is run from its first start on.
    pub(crate) strategy: Strategy,
    /// How long the journal's files are, so small that they are used again soon.
    pub journal: (JournalSizes, JournalLimits),
    /// Who takes part.
    pub clients: Vec<Role>,
    /// Operations of each client.
    pub operations: u32,
    /// Partitions of each topic of records.
    pub partitions: i32,
    /// `internal.segment.bytes`.
    pub segment_bytes: i32,
    /// How logs are compacted.
    pub(crate) compaction: CompactionPlan,
    /// In so many parts of a transaction, one in which data does not wait for its addition.
    pub eager: u64,
    /// The network.
    pub(crate) net: NetPlan,
    /// The disk.
    pub(crate) disk: DiskPlan,
    /// The crashes, by step.
    pub(crate) crashes: Vec<CrashPlan>,
    /// The jumps of the clock, by step.
    pub(crate) jumps: Vec<Jump>,
    /// The rule that is broken.
    pub mutant: Option<Mutant>,
}

/// How logs are compacted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CompactionPlan {
    /// `delete.retention.ms`.
    pub(crate) tombstones_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`: so little that a compaction often ends early.
    pub(crate) key_bytes: usize,
}

impl CompactionPlan {
    fn draw(random: &mut Random) -> Self {
        Self {
            tombstones_ms: *random.pick(&[1, 500, 20_000, 86_400_000]),
            key_bytes: *random.pick(&[200, 1 << 20, 1 << 20]),
        }
    }
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
    /// No jumps of the clock.
    pub calm_clock: bool,
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
        let clients = Role::draw(&mut random);
        let mut strategies = Random::stream(seed, "strategies");
        let strategy = Strategy::draw(&mut strategies);
        let changing = strategies.below(CHANGING) == 0;
        let next = || match changing {
            true => Strategy::draw(&mut strategies),
            false => strategy,
        };
        let room = faults::room(&mut Random::stream(seed, "room"));
        Self {
            seed,
            profile,
            strategy,
            operations: operations(&mut random, clients.len()),
            clients,
            partitions: i32::try_from(random.between(1, 3)).expect("small"),
            segment_bytes: *random.pick(&[2_000, 8_000, 1 << 20]),
            compaction: CompactionPlan::draw(&mut Random::stream(seed, "compaction")),
            eager: *random.pick(&[3, 8, 8]),
            net: NetPlan::draw(&mut random, profile),
            disk: DiskPlan::draw(&mut random, profile, room),
            journal: journal(&mut Random::stream(seed, "journal")),
            crashes: crash::crashes(&mut Random::stream(seed, "crashes"), profile, next),
            jumps: crash::jumps(&mut Random::stream(seed, "jumps")),
            mutant: None,
        }
    }

    /// Whether no clock jumps.
    pub(crate) fn steady_clock(&self) -> bool {
        self.jumps.is_empty() && self.crashes.iter().all(|crash| crash.clock == 0)
    }

    /// The plan with a rule broken, run as the rule's worth shows.
    #[must_use]
    pub fn broken(mut self, mutant: Mutant) -> Self {
        self.mutant = Some(mutant);
        self.strategy = self.strategy.judged(mutant.judged);
        let mut changes = Random::stream(self.seed, "changes");
        for crash in &mut self.crashes {
            crash.strategy = match mutant.judged {
                Judged::Fenced | Judged::Atomic => self.strategy,
                Judged::Changing => Strategy::draw(&mut changes).judged(mutant.judged),
            };
        }
        self
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
            self.net = self.net.calm();
        }
        if limits.calm_disk {
            self.disk = self.disk.calm();
        }
        if limits.calm_clock {
            self.jumps.clear();
            self.crashes.iter_mut().for_each(|crash| crash.clock = 0);
        }
        if let Some(most) = limits.operations {
            self.operations = self.operations.min(most);
        }
        self
    }
}

/// Operations of each of so many clients. No run is a toy: few clients do more.
fn operations(random: &mut Random, clients: usize) -> u32 {
    let least = OPERATIONS / (clients as u64);
    let drawn = random.between(20, 40).max(least);
    u32::try_from(drawn).expect("small")
}

/// Journal files so small that they are used again soon.
fn journal(random: &mut Random) -> (JournalSizes, JournalLimits) {
    let next = *random.pick(&[2 << 10, 4 << 10, 16 << 10]);
    let sizes = JournalSizes {
        first: *random.pick(&[2 << 10, 4 << 10]),
        next,
    };
    let limits = JournalLimits {
        checkpoint: next + next / 2,
        most: 8 * next,
    };
    (sizes, limits)
}
