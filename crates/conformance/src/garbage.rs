//! Garbage: ill-behaved clients of every kind at once with a well-behaved one, which must be served
//! as if they were not there, by a broker that lives and stays within its memory.

mod attack;
mod citizen;
mod files;
mod ground;
mod mutate;
mod phase;
mod report;
mod samples;
mod scene;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::{BrokerCommand, BrokerProcess};
use crate::error::Error;
use crate::locate::find_once;
use crate::memory::{Memory, mib};
use crate::rng::Rng;
use citizen::Citizen;
use phase::Phase;
use watch::Watch;

pub use report::Report;

/// How the garbage is thrown, and at whom.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The binary `once`; by default built by cargo, or the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
    /// A broker that runs already, instead of one of our own.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "once")]
    pub bootstrap: Option<String>,
    /// The process of that broker, whose memory is watched.
    #[arg(long, requires = "bootstrap")]
    pub pid: Option<u32>,
    /// How long, all together.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// What decides every choice.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The most memory the broker may ever hold.
    #[arg(long, default_value_t = 200)]
    pub max_rss_mib: u64,
    /// Connections that announce 100 MiB each.
    #[arg(long, default_value_t = 5_000)]
    pub connections: usize,
    /// Attacks to leave out: sweep, noise, lengths, mutants, slow, storm, announce, deaf.
    #[arg(long, value_name = "ATTACK")]
    pub skip: Vec<String>,
    /// `--flush` of the broker.
    #[arg(long, value_name = "disk|os")]
    pub flush: Option<String>,
    /// `--set` of the broker; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

/// The broker under attack.
struct Target {
    address: String,
    pid: Option<u32>,
    own: Option<(BrokerCommand, BrokerProcess)>,
    watch: Option<Watch>,
    /// Where our own broker keeps its data; removed in the end.
    _directory: Option<tempfile::TempDir>,
}

/// Throws it, telling `tell` a line for each phase.
pub fn run(options: &Options, mut tell: impl FnMut(&str)) -> Result<Report, Error> {
    let phases = phase::plan(options)?;
    files::allow(options.connections + 1_000)?;
    let mut target = Target::open(options)?;
    let (ground, served) = scene::set(&target.address, options.connections)?;
    let ground = Arc::new(ground);
    let runtime = tokio::runtime::Runtime::new().map_err(Error::io("start the attackers"))?;
    let citizen = Citizen::start(&target.address, &served);
    let started = Instant::now();
    let rng = Rng::new(options.seed);
    for (number, phase) in phases.iter().enumerate() {
        runtime.block_on(phase.run(&ground, &rng.stream(number as u64)));
        tell(&line(phase, &target, &citizen, &ground));
        if !target.is_alive() {
            break;
        }
    }
    let took = started.elapsed();
    let alive = target.is_alive();
    let peak = target.memory().map(|memory| mib(memory.peak_kib));
    let log_tail = target.log_tail();
    let findings = ground.findings().clone();
    Ok(Report {
        seed: options.seed,
        took,
        tally: ground.tally(),
        service: citizen.stop(),
        findings,
        peak_rss_mib: peak,
        max_rss_mib: options.max_rss_mib,
        alive: alive && target.is_alive(),
        panics: target.panics(),
        log_tail,
    })
}

fn line(phase: &Phase, target: &Target, citizen: &Citizen, ground: &ground::Ground) -> String {
    let (service, worst) = citizen.service();
    let tally = ground.tally();
    let memory = target.memory().map_or_else(
        || "unknown".to_owned(),
        |memory| {
            format!(
                "{} MiB, peak {} MiB",
                mib(memory.now_kib),
                mib(memory.peak_kib)
            )
        },
    );
    format!(
        "{:<10} memory {memory}; served {} (failed {}, worst {} ms lately); \
         {} connections, {} answered, {} refused, {} silent",
        phase.name,
        service.served,
        service.failures,
        worst.as_millis(),
        tally.connections,
        tally.answered,
        tally.refused,
        tally.silent
    )
}

impl Target {
    fn open(options: &Options) -> Result<Self, Error> {
        if let Some(bootstrap) = &options.bootstrap {
            return Ok(Self {
                address: bootstrap.clone(),
                pid: options.pid,
                own: None,
                watch: options.pid.map(Watch::start),
                _directory: None,
            });
        }
        let directory = tempfile::tempdir().map_err(Error::io("make a data directory"))?;
        let command = BrokerCommand {
            once: find_once(options.once.as_deref())?,
            data: directory.path().join("data"),
            log: directory.path().join("broker.log"),
            flush: options.flush.clone(),
            settings: options.settings.clone(),
            environment: Vec::new(),
        };
        let process = command.start("127.0.0.1:0")?;
        Ok(Self {
            address: process.address().to_owned(),
            pid: Some(process.pid()),
            watch: Some(Watch::start(process.pid())),
            own: Some((command, process)),
            _directory: Some(directory),
        })
    }

    /// The memory it holds, or held when it was last seen.
    fn memory(&self) -> Option<Memory> {
        self.watch.as_ref()?.seen()
    }

    /// Whether the process runs; where none is known, whether somebody listens.
    fn is_alive(&mut self) -> bool {
        match (&mut self.own, self.pid) {
            (Some((_, process)), _) => process.is_alive(),
            (None, Some(pid)) => Memory::alive(pid),
            (None, None) => {
                crate::link::Link::connect(&self.address, Duration::from_secs(5)).is_ok()
            }
        }
    }

    fn panics(&self) -> Vec<String> {
        let own = self.own.as_ref();
        own.map_or_else(Vec::new, |(command, _)| command.panics())
    }

    fn log_tail(&self) -> String {
        let own = self.own.as_ref();
        own.map_or_else(String::new, |(command, _)| command.log_tail())
    }
}
