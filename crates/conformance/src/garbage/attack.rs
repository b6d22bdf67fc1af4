//! The attacks. Each goes on until its time is over, and then lets go of all it holds.

mod announce;
mod deaf;
mod lengths;
mod mutants;
mod noise;
mod slow;
mod storm;
mod sweep;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ground::Ground;
use crate::rng::Rng;

/// One kind of ill behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// A valid request of every API and version: none of it is hostile yet.
    Sweep,
    /// Random bytes.
    Noise,
    /// Absurd and negative lengths, and other protocols.
    Lengths,
    /// Valid requests, spoilt.
    Mutants,
    /// Byte by byte.
    Slow,
    /// Connections made and reset at once.
    Storm,
    /// Thousands of connections that each announce 100 MiB.
    Announce,
    /// Requests without end, and no answer read.
    Deaf,
}

impl Attack {
    pub(crate) const ALL: [Attack; 8] = [
        Attack::Sweep,
        Attack::Noise,
        Attack::Lengths,
        Attack::Mutants,
        Attack::Slow,
        Attack::Storm,
        Attack::Announce,
        Attack::Deaf,
    ];

    /// Its name, as `--skip` takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Attack::Sweep => "sweep",
            Attack::Noise => "noise",
            Attack::Lengths => "lengths",
            Attack::Mutants => "mutants",
            Attack::Slow => "slow",
            Attack::Storm => "storm",
            Attack::Announce => "announce",
            Attack::Deaf => "deaf",
        }
    }

    /// Attacks until then.
    pub(crate) async fn run(self, ground: Arc<Ground>, rng: Rng, until: Instant) {
        match self {
            Attack::Sweep => sweep::run(ground).await,
            Attack::Noise => noise::run(ground, rng, until).await,
            Attack::Lengths => lengths::run(ground, rng, until).await,
            Attack::Mutants => mutants::run(ground, rng, until).await,
            Attack::Slow => slow::run(ground, rng, until).await,
            Attack::Storm => storm::run(ground, rng, until).await,
            Attack::Announce => announce::run(ground, rng, until).await,
            Attack::Deaf => deaf::run(ground, until).await,
        }
    }
}

/// Runs `attacker` so many times at once, each with chances of its own, and waits for all.
async fn crowd<F>(
    size: usize,
    ground: &Arc<Ground>,
    rng: &Rng,
    attacker: impl Fn(usize, Arc<Ground>, Rng) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut crowd = JoinSet::new();
    for number in 0..size {
        crowd.spawn(attacker(
            number,
            Arc::clone(ground),
            rng.stream(number as u64),
        ));
    }
    while let Some(ended) = crowd.join_next().await {
        ended.expect("an attacker does not panic");
    }
}
