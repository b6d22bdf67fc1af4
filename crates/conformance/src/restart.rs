//! How long a broker that was killed under load takes to its first answer, with much on its disk.

mod fill;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::broker::{BrokerCommand, BrokerProcess};
use crate::error::Error;
use crate::link::Link;
use crate::locate::find_once;
use crate::memory::Memory;

const TOPIC: &str = "restart";
/// How long an answer may take, the first one after a start too.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the load goes on until the kill in the middle of it.
const UNDER_LOAD: Duration = Duration::from_secs(3);
/// What the kernel is told to drop its page cache with (`man 5 proc`).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
const GIGABYTE: u64 = 1_000_000_000;

/// How much is on the disk, and how often it is started on.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Records of 1 KiB, together so many GB.
    #[arg(long, default_value_t = 10)]
    pub gigabytes: u64,
    /// In so many partitions.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
    /// Transactional ids.
    #[arg(long, default_value_t = 100_000)]
    pub ids: u32,
    /// Starts with a warm page cache, each after a kill under load.
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Where the data goes; by default where temporary files go.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The binary `once`; by default built by cargo, or the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
}

/// Fills, kills, starts and times.
///
/// # Errors
/// A broker that does not start, or refuses a request.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let parent = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let directory = tempfile::tempdir_in(parent).map_err(Error::io("make a data directory"))?;
    let command = BrokerCommand {
        once: find_once(options.once.as_deref())?,
        data: directory.path().join("data"),
        log: directory.path().join("once.log"),
        flush: None,
        settings: Vec::new(),
        environment: Vec::new(),
    };
    let mut broker = command.start("127.0.0.1:0")?;
    Link::connect(broker.address(), PATIENCE)?.create_topic(TOPIC, options.partitions, &[])?;
    let written = fill::records(broker.address(), options, &|so_far| {
        so_far >= options.gigabytes * GIGABYTE
    })?;
    fill::ids(broker.address(), options.ids)?;
    tell(&format!(
        "{:.1} GB in {} partitions, {} transactional ids",
        written as f64 / GIGABYTE as f64,
        options.partitions,
        options.ids
    ));
    for _ in 0..options.rounds {
        kill_under_load(&command, broker, options)?;
        broker = start(&command, "warm", tell)?;
    }
    kill_under_load(&command, broker, options)?;
    match drop_caches() {
        Ok(()) => drop(start(&command, "cold", tell)?),
        Err(error) => tell(&format!("no cold start: {error}")),
    }
    Ok(())
}

/// Kills the broker while records are on their way.
fn kill_under_load(
    command: &BrokerCommand,
    broker: BrokerProcess,
    options: &Options,
) -> Result<(), Error> {
    let (address, killed) = (broker.address().to_owned(), AtomicBool::new(false));
    thread::scope(|scope| {
        let load =
            scope.spawn(|| fill::records(&address, options, &|_| killed.load(Ordering::Relaxed)));
        thread::sleep(UNDER_LOAD);
        let ended = load.is_finished();
        let status = command.kill(broker);
        killed.store(true, Ordering::Relaxed);
        match (ended, load.join()) {
            (false, Ok(Ok(_) | Err(Error::Io { .. }))) => status,
            (_, Ok(Err(error))) => Err(error),
            _ => Err(Error::Wrong("the load ended before the kill".into())),
        }
    })
}

/// Starts the broker and times its first answer.
fn start(
    command: &BrokerCommand,
    cache: &str,
    tell: &mut dyn FnMut(&str),
) -> Result<BrokerProcess, Error> {
    let began = Instant::now();
    let broker = command.start("127.0.0.1:0")?;
    Link::connect(broker.address(), PATIENCE)?.versions()?;
    let took = began.elapsed().as_secs_f64();
    let memory = Memory::of(broker.pid())?;
    tell(&format!(
        "{cache} start: first answer after {took:.2} s; resident memory {} MiB, at the most {} MiB",
        memory.now_kib / 1024,
        memory.peak_kib / 1024
    ));
    Ok(broker)
}

fn drop_caches() -> Result<(), Error> {
    rustix::fs::sync();
    fs::write(Path::new(DROP_CACHES), "3").map_err(Error::io(format!("write {DROP_CACHES}")))
}
