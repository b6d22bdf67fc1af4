//! Kill rounds: the broker is ended in the middle of exactly-once load and started again on what it
//! left, over and over, while its clients go on. What they did and saw is a history, and
//! `once-check` judges it: nothing acknowledged is lost, nothing is there twice or in part.
//!
//! The clients are those of two families, each for itself in one process: the Rust crate
//! `confluent-kafka`, and librdkafka. What ends the broker is SIGKILL, or storage that fails or
//! runs full.

mod age;
mod companion;
mod round;
mod storage;
mod tally;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::broker::BrokerCommand;
use crate::error::Error;
use crate::locate::{find_companion, find_once, find_shim};
use crate::rng::Rng;
use age::{Age, Site};
use round::{Fate, Stage};
use storage::{Shim, Volume};

pub use tally::Tally;

/// Which clients make the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Clients {
    /// Both families.
    Both,
    /// The Rust crate `confluent-kafka` alone: nothing but Rust is needed.
    Confluent,
}

/// What the broker's storage does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Storage {
    /// It runs full: a file system of its own, filled by the load and by others. Needs root.
    Full,
    /// Flushes and writes fail, fall short and take long.
    Failing,
}

/// How often the broker is ended, how, and under what load.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How often it is ended.
    #[arg(long, default_value_t = 50)]
    pub rounds: u32,
    /// What decides when.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// By what: SIGKILL, or its storage.
    #[arg(long, value_enum)]
    pub storage: Option<Storage>,
    /// Whose clients make the load.
    #[arg(long, value_enum, default_value = "both")]
    pub clients: Clients,
    /// Everything is judged after so many rounds, and the load begins anew on fresh topics.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub judge_every: u32,
    /// The most records of a processor's transaction.
    #[arg(long, default_value_t = 20)]
    pub batch: usize,
    /// Records a second of each idempotent sender, of which each family has one.
    #[arg(long, default_value_t = 300)]
    pub rate: u64,
    /// The longest that the broker lives under load before it is killed, in milliseconds.
    #[arg(long, default_value_t = 700)]
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
    /// Where the broker's data and log and the histories go, and stay; by default they are removed
    /// in the end unless something was found.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Runs the rounds, telling `tell` a line for each. An error is that they could not be run; what
/// was found wrong is in the tally.
///
/// # Errors
/// Something that they need is not there.
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
    let fate = fate(options, &directory)?;
    let command = BrokerCommand {
        once: find_once(options.once.as_deref())?,
        data: fate.data(&directory),
        log: directory.join("broker.log"),
        flush: options.flush.clone(),
        settings: options.settings.clone(),
        environment: Vec::new(),
    };
    let site = Site {
        companion: match options.clients {
            Clients::Both => Some(find_companion()?),
            Clients::Confluent => None,
        },
        directory: directory.clone(),
        options: options.clone(),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::io("start the clients"))?;
    let tally = runtime.block_on(rounds(&site, fate, command, &mut tell));
    // Clients that still try to reach a broker must not hold the end up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if tally.as_ref().is_ok_and(|tally| !tally.holds()) {
        temporary.disable_cleanup(true);
        tell(&format!(
            "its data, log and histories stay in {}",
            directory.display()
        ));
    }
    tally
}

fn fate(options: &Options, directory: &Path) -> Result<Fate, Error> {
    Ok(match options.storage {
        None => Fate::Killed {
            life_ms_max: options.life_ms_max,
        },
        Some(Storage::Failing) => Fate::Failing(Shim::new(find_shim()?, directory)),
        Some(Storage::Full) => Fate::Full(Volume::mount(directory)?),
    })
}

async fn rounds(
    site: &Site,
    fate: Fate,
    command: BrokerCommand,
    tell: &mut impl FnMut(&str),
) -> Result<Tally, Error> {
    let (started, options) = (Instant::now(), &site.options);
    let mut stage = Stage::open(command, Rng::new(options.seed), fate)?;
    let mut tally = Tally::default();
    let mut ages = Vec::new();
    while tally.rounds < options.rounds && tally.holds() {
        let mut age = Age::begin(ages.len(), stage.address(), site).await?;
        while tally.rounds < options.rounds && age.rounds < options.judge_every {
            match stage.round(&age, &mut tally).await {
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
    stage.nothing_happened(tally);
    if let Err(error) = stage.restart_cleanly() {
        tally.find(format!("a clean stop and start: {error}"));
        return;
    }
    for age in ages {
        age.judge_again(tally).await;
    }
    tell("after a clean stop and start, all of it was read and judged once more");
    for panic in stage.panics() {
        tally.find(format!("the broker panicked: {panic}"));
    }
}
