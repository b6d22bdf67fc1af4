//! Kill rounds: the broker is ended by SIGKILL in the middle of consume-process-produce load and
//! started again on what it left, over and over, while the clients go on. What was acknowledged
//! must be there exactly once.

mod age;
mod round;
mod tally;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::broker::BrokerCommand;
use crate::error::Error;
use crate::locate::find_once;
use crate::rng::Rng;
use age::Age;
use round::Stage;

pub use tally::Tally;

/// How often the broker is killed, and under what load.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How often it is killed.
    #[arg(long, default_value_t = 50)]
    pub rounds: u32,
    /// What decides when.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Everything is judged after so many rounds, and the load begins anew on fresh topics.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub judge_every: u32,
    /// Processors of the group.
    #[arg(long, default_value_t = 2)]
    pub processors: usize,
    /// The most records of one transaction.
    #[arg(long, default_value_t = 20)]
    pub batch: usize,
    /// Inputs a second.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u64,
    /// The longest the broker lives under load before it is killed, in milliseconds.
    #[arg(long, default_value_t = 1_500)]
    pub life_ms_max: u64,
    /// The binary `once`; by default built by cargo, or the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
    /// `--flush` of the broker.
    #[arg(long, value_name = "disk|os")]
    pub flush: Option<String>,
    /// `--set` of the broker; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Where the broker's data and log go, and stay; by default they are removed in the end unless
    /// something was found.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Runs the rounds, telling `tell` a line for each. An error is that they could not be run; what
/// was found wrong is in the tally.
pub fn run(options: &Options, mut tell: impl FnMut(&str)) -> Result<Tally, Error> {
    let mut temporary = tempfile::tempdir().map_err(Error::io("make a data directory"))?;
    let directory = match &options.keep {
        Some(kept) => {
            let made = std::fs::create_dir_all(kept);
            made.map_err(Error::io(format!("make {}", kept.display())))?;
            kept.clone()
        }
        None => temporary.path().to_owned(),
    };
    let command = BrokerCommand {
        once: find_once(options.once.as_deref())?,
        data: directory.join("data"),
        log: directory.join("broker.log"),
        flush: options.flush.clone(),
        settings: options.settings.clone(),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::io("start the clients"))?;
    let tally = runtime.block_on(rounds(options, command, &mut tell));
    // Clients that still try to reach a broker must not hold the end up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if tally.as_ref().is_ok_and(|tally| !tally.holds()) {
        temporary.disable_cleanup(true);
        tell(&format!("its data and log stay in {}", directory.display()));
    }
    tally
}

async fn rounds(
    options: &Options,
    command: BrokerCommand,
    tell: &mut impl FnMut(&str),
) -> Result<Tally, Error> {
    let started = Instant::now();
    let mut stage = Stage::open(command, Rng::new(options.seed), options.life_ms_max)?;
    let mut tally = Tally::default();
    let mut ages = Vec::new();
    while tally.rounds < options.rounds && tally.holds() {
        let mut age = Age::begin(ages.len(), stage.address(), options).await?;
        while tally.rounds < options.rounds && age.rounds < options.judge_every {
            match stage.round(&age).await {
                Ok(line) => tell(&format!("round {:>3}: {line}", tally.rounds + 1)),
                Err(error) => {
                    tally.find(format!("round {}: {error}", tally.rounds + 1));
                    break;
                }
            }
            tally.rounds += 1;
            age.rounds += 1;
        }
        age.end(&mut tally, tell).await;
        ages.push(age);
    }
    finish(&mut stage, &ages, &mut tally, tell).await;
    tally.took = started.elapsed();
    Ok(tally)
}

/// Stops the broker cleanly, starts it once more, and judges all that it ever stored.
async fn finish(stage: &mut Stage, ages: &[Age], tally: &mut Tally, tell: &mut impl FnMut(&str)) {
    if let Err(error) = stage.restart_cleanly() {
        tally.find(format!("a clean stop and start: {error}"));
        return;
    }
    for age in ages {
        age.judge_again(tally).await;
    }
    tell("after a clean stop and start, all of it was judged once more");
    for panic in stage.panics() {
        tally.find(format!("the broker panicked: {panic}"));
    }
}
