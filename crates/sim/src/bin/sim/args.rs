//! The command line.

use once_sim::{Mutant, Plan, Profile};

/// How it is used.
pub(crate) const USAGE: &str = "usage: sim [--seeds N] [--from S] [--profile NAME] [--threads N] \
     [--replay SEED [--minimised]] [--mutant NAME] [--mutants]";

/// Seeds that are played where nobody says how many.
const SEEDS: u64 = 100;
/// The same for the mutants: the longest take more than a thousand.
const SEEDS_OF_MUTANTS: u64 = 3_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) seeds: u64,
    pub(crate) from: u64,
    pub(crate) profile: Option<Profile>,
    pub(crate) threads: usize,
    pub(crate) replay: Option<u64>,
    /// What is replayed is made smaller first.
    pub(crate) minimised: bool,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) mutants: bool,
}

impl Args {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self {
            seeds: SEEDS,
            from: 0,
            profile: None,
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            replay: None,
            minimised: false,
            mutant: None,
            mutants: false,
        };
        let mut seeds = None;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--mutants" => {
                    args.mutants = true;
                    continue;
                }
                "--minimised" => {
                    args.minimised = true;
                    continue;
                }
                _ => {}
            }
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{word} {value}: no number"))
            };
            match word.as_str() {
                "--seeds" => seeds = Some(number()?),
                "--from" => args.from = number()?,
                "--replay" => args.replay = Some(number()?),
                "--threads" => args.threads = usize::try_from(number()?).unwrap_or(1).max(1),
                "--mutant" => {
                    let mutant = Mutant::named(&value).ok_or(format!("no mutant {value}"))?;
                    args.mutant = Some(mutant);
                }
                "--profile" => args.profile = Some(value.parse()?),
                _ => return Err(format!("{word} is not known")),
            }
        }
        if args.minimised && args.replay.is_none() {
            return Err("--minimised makes a seed smaller that --replay names".to_owned());
        }
        args.seeds = seeds.unwrap_or(if args.mutants {
            SEEDS_OF_MUTANTS
        } else {
            SEEDS
        });
        Ok(args)
    }

    /// The plan of a seed.
    pub(crate) fn plan(&self, seed: u64) -> Plan {
        let plan = Plan::draw(seed, self.profile);
        match self.mutant {
            Some(mutant) => plan.broken(mutant),
            None => plan,
        }
    }
}
