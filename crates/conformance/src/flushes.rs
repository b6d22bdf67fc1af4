//! What a flush costs: transactions and produce with fsync and without, Apache Kafka if there is one, and a probe of
//! the disk, all in alternation within one run, because machines and disks change their speed within minutes.
//!
//! The clients speak the protocol by hand, one request at a time, so that the brokers are what is measured.

mod probe;
mod produce;
mod table;
mod transactions;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::broker::{BrokerCommand, BrokerProcess};
use crate::calls::insist;
use crate::error::Error;
use crate::link::Link;
use crate::locate::find_once;
use table::{Row, Table};

/// How many producers commit at the same time.
const PRODUCERS: [u32; 3] = [1, 8, 64];
/// To how many partitions records are produced.
const PARTITIONS: [u32; 3] = [1, 32, 256];
/// How long the probe flushes, before and after each broker with fsync.
const PROBE: Duration = Duration::from_millis(300);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long, how often, and against whom.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// How long each time, in milliseconds.
    #[arg(long, default_value_t = 2_000)]
    pub millis: u64,
    /// An Apache Kafka of one broker, at `transaction.version` 1.
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// Where the data goes, and so which disk is measured; by default where temporary files go.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The binary `once`; by default built by cargo, or the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
}

/// One broker that is measured.
struct Rival {
    name: &'static str,
    address: String,
    /// It flushes before it answers: the disk is probed around it.
    flushes: bool,
}

/// What is measured: its title, how many of what, and how.
struct Workload {
    title: String,
    run: fn(&Rival, &str, u32, Duration) -> Result<Row, Error>,
    count: u32,
}

/// Measures, and returns the table that says what was found.
///
/// # Errors
/// A broker that does not start, or refuses a request.
pub fn run(options: &Options, mut tell: impl FnMut(&str)) -> Result<String, Error> {
    let parent = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let directory = tempfile::tempdir_in(parent).map_err(Error::io("make a data directory"))?;
    let once = find_once(options.once.as_deref())?;
    let start = |flush| start(&once, directory.path(), flush);
    let (disk, os) = (start("disk")?, start("os")?);
    let rival = |name, address: &str, flushes| Rival {
        name,
        address: address.to_owned(),
        flushes,
    };
    let mut rivals = vec![
        rival("once --flush disk", disk.address(), true),
        rival("once --flush os", os.address(), false),
    ];
    let kafka = options.kafka.as_deref();
    rivals.extend(kafka.map(|address| rival("Kafka, no fsync", address, false)));
    let mut table = Table::default();
    for round in 0..options.rounds {
        for workload in workloads() {
            for rival in &rivals {
                // Kafka may have those of an earlier run.
                let (run, title) = (std::process::id(), workload.title.replace(' ', "-"));
                let topic = format!("flushes-{run}-{round}-{title}");
                let mut probed = Vec::new();
                if rival.flushes {
                    probed.extend(probe::flushes(directory.path(), PROBE)?);
                }
                let length = Duration::from_millis(options.millis);
                let row = (workload.run)(rival, &topic, workload.count, length)?;
                if rival.flushes {
                    probed.extend(probe::flushes(directory.path(), PROBE)?);
                }
                table.add(&workload.title, rival.name, row, probed);
                thread::sleep(Duration::from_millis(100));
            }
        }
        tell(&format!("round {} of {}", round + 1, options.rounds));
    }
    Ok(table.to_string())
}

/// Makes a topic, and waits until the leader of each partition answers.
fn make_topic(rival: &Rival, topic: &str, partitions: u32) -> Result<(), Error> {
    let mut link = Link::connect(&rival.address, PATIENCE)?;
    let partitions = i32::try_from(partitions).unwrap_or(1);
    link.create_topic(topic, partitions, &[])?;
    (0..partitions).try_for_each(|partition| insist(|| link.end(topic, partition)).map(drop))
}

fn start(once: &Path, directory: &Path, flush: &str) -> Result<BrokerProcess, Error> {
    let command = BrokerCommand {
        once: once.to_owned(),
        data: directory.join(flush),
        log: directory.join(format!("{flush}.log")),
        flush: Some(flush.to_owned()),
        settings: Vec::new(),
        environment: Vec::new(),
    };
    command.start("127.0.0.1:0")
}

fn workloads() -> Vec<Workload> {
    let commits = PRODUCERS.map(|count| Workload {
        title: format!("transactions of {count} producers"),
        run: transactions::measure,
        count,
    });
    let produces = PARTITIONS.map(|count| Workload {
        title: format!("produce to {count} partitions"),
        run: produce::measure,
        count,
    });
    commits.into_iter().chain(produces).collect()
}
