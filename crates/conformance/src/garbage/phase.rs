//! The order of things: each attack alone, then all together, then quiet again.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Options;
use super::attack::Attack;
use super::ground::Ground;
use crate::error::Error;
use crate::rng::Rng;

/// A time in which some attacks go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    attacks: Vec<Attack>,
    lasts: Duration,
}

/// Phases and their shares of the time. The sweep takes what it takes.
const SHARES: [(Attack, u32); 8] = [
    (Attack::Sweep, 0),
    (Attack::Noise, 8),
    (Attack::Lengths, 6),
    (Attack::Mutants, 30),
    (Attack::Slow, 10),
    (Attack::Storm, 6),
    (Attack::Announce, 16),
    (Attack::Deaf, 10),
];
const CALM: u32 = 3;
const ALL: u32 = 8;

/// The phases that fill the time asked for.
pub(super) fn plan(options: &Options) -> Result<Vec<Phase>, Error> {
    let known: Vec<&str> = Attack::ALL.iter().map(|attack| attack.name()).collect();
    if let Some(unknown) = options
        .skip
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        let known = known.join(", ");
        return Err(Error::Usage(format!(
            "there is no attack {unknown}; there are {known}"
        )));
    }
    let skipped = |attack: &Attack| options.skip.iter().any(|name| name == attack.name());
    let shares: Vec<_> = SHARES.iter().filter(|(a, _)| !skipped(a)).collect();
    let whole = shares.iter().map(|(_, share)| share).sum::<u32>() + 2 * CALM + ALL;
    let lasting = |share: u32| Duration::from_secs(options.seconds) * share / whole;
    let phase = |name, attacks, share| Phase {
        name,
        attacks,
        lasts: lasting(share),
    };
    let mut phases = vec![phase("before", Vec::new(), CALM)];
    phases.extend(
        shares
            .iter()
            .map(|(attack, share)| phase(attack.name(), vec![*attack], *share)),
    );
    let all = shares
        .iter()
        .map(|(attack, _)| *attack)
        .filter(|attack| *attack != Attack::Sweep);
    phases.push(phase("all", all.collect(), ALL));
    phases.push(phase("after", Vec::new(), CALM));
    Ok(phases)
}

impl Phase {
    /// Attacks, for as long as this phase lasts.
    pub(super) async fn run(&self, ground: &Arc<Ground>, rng: &Rng) {
        let until = Instant::now() + self.lasts;
        let mut attacks = JoinSet::new();
        for (number, attack) in self.attacks.iter().enumerate() {
            attacks.spawn(attack.run(Arc::clone(ground), rng.stream(number as u64), until));
        }
        while let Some(ended) = attacks.join_next().await {
            ended.expect("an attack does not panic");
        }
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(skip: &[&str]) -> Options {
        Options {
            once: None,
            bootstrap: None,
            pid: None,
            seconds: 60,
            seed: 1,
            max_rss_mib: 200,
            connections: 10,
            skip: skip.iter().map(|name| (*name).to_owned()).collect(),
            flush: None,
            settings: Vec::new(),
        }
    }

    #[test]
    fn the_phases_fill_the_time_and_end_quietly() {
        for skip in [&[][..], &["announce", "sweep"]] {
            let phases = plan(&options(skip)).expect("these are known");
            let took: Duration = phases.iter().map(|phase| phase.lasts).sum();
            assert!(took <= Duration::from_secs(60) && took > Duration::from_secs(59));
            assert_eq!(phases.len(), 11 - skip.len());
            assert_eq!(phases.last().expect("there are some").attacks, []);
            let attacked = phases.iter().flat_map(|phase| &phase.attacks);
            assert!(
                attacked
                    .into_iter()
                    .all(|attack| !skip.contains(&attack.name()))
            );
        }
    }

    #[test]
    fn an_unknown_attack_is_refused() {
        let error = plan(&options(&["rain"])).expect_err("nobody knows it");
        assert!(
            error.to_string().contains("rain") && error.to_string().contains("deaf"),
            "{error}"
        );
    }
}
