//! What lies on disk after a mixed load, under Kafka's eyes: its dump of log segments over every file, and a Kafka that
//! serves copies of the partitions.

mod copies;
mod dump;
mod load;
mod served;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::broker::{BrokerCommand, BrokerProcess};
use crate::error::Error;
use crate::locate::find_once;
use crate::rng::Rng;
use crate::tool::Tools;
use copies::Kafka;
use load::{Load, Topic};

pub(crate) use dump::is_complaint;

/// Compaction and retention come around all the time while the load goes on.
const BUSY: [&str; 2] = [
    "log.cleaner.backoff.ms=300",
    "log.retention.check.interval.ms=500",
];
/// And no more while the files are compared.
const CALM: [&str; 2] = [
    "log.cleaner.backoff.ms=600000",
    "log.retention.check.interval.ms=6000000",
];
/// What compaction and retention get to finish what the load left.
const REST: Duration = Duration::from_secs(3);
/// Transactions of each producer before the first kill, before the second, and before the stop.
const LIVES: [usize; 3] = [100, 100, 100];

/// Which files are looked at, and by whom.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where kafka-dump-log.sh is; by default on the path.
    #[arg(long, value_name = "DIR")]
    pub kafka_scripts: Option<PathBuf>,
    /// An Apache Kafka of one broker that is to serve copies of our files.
    #[arg(long, value_name = "HOST:PORT", requires_all = ["kafka_data", "kafka_stop", "kafka_start"])]
    pub kafka: Option<String>,
    /// Its log directory (`log.dirs`).
    #[arg(long, value_name = "DIR", requires = "kafka")]
    pub kafka_data: Option<PathBuf>,
    /// A command of the shell that stops it, cleanly.
    #[arg(long, value_name = "COMMAND", requires = "kafka")]
    pub kafka_stop: Option<String>,
    /// A command of the shell that starts it again on its files.
    #[arg(long, value_name = "COMMAND", requires = "kafka")]
    pub kafka_start: Option<String>,
    /// What chance the load begins from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The binary `once`; by default built by cargo, or the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
}

/// Makes the files and has them looked at. Returns how much was found wrong.
///
/// # Errors
/// The files could not be made or looked at, or the load has not met all that it is made for.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<usize, Error> {
    let directory = tempfile::tempdir().map_err(Error::io("make a directory"))?;
    let tools = Tools::new(options.kafka_scripts.as_deref(), directory.path())?;
    let once = find_once(options.once.as_deref())?;
    let command = |settings: &[&str]| BrokerCommand {
        once: once.clone(),
        data: directory.path().join("data"),
        log: directory.path().join("once.log"),
        flush: None,
        settings: settings
            .iter()
            .map(|setting| (*setting).to_owned())
            .collect(),
        environment: Vec::new(),
    };
    let topics = Topic::all();
    load(&command(&BUSY), &topics, options.seed, tell)?;
    let data = directory.path().join("data");
    let mut findings = dump::look(&tools, &data, &topics, tell)?;
    if let Some(kafka) = Kafka::of(options) {
        kafka.take(&data, &topics)?;
        let broker = command(&CALM).start("127.0.0.1:0")?;
        findings += compare(broker.address(), &kafka.address, &topics, tell)?;
        stop(broker)?;
    }
    Ok(findings)
}

/// The load: two lives that end in the middle of it, and one that ends cleanly.
fn load(
    command: &BrokerCommand,
    topics: &[Topic],
    seed: u64,
    tell: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let rng = Rng::new(seed);
    let mut sum = load::Sum::default();
    for (life, transactions) in LIVES.into_iter().enumerate() {
        let broker = command.start("127.0.0.1:0")?;
        let last = life + 1 == LIVES.len();
        let load = Load {
            address: broker.address().to_owned(),
            topics,
            rng: rng.stream(life as u64),
            transactions,
        };
        if life == 0 {
            load.prepare()?;
        }
        if last {
            sum.add(&load.to_the_end()?);
            load.delete_records()?;
            thread::sleep(REST);
            stop(broker)?;
        } else {
            sum.add(&load.until_killed(|| command.kill(broker))?);
        }
    }
    tell(&format!("the load: {sum}"));
    sum.met_all()
}

fn stop(broker: BrokerProcess) -> Result<(), Error> {
    let status = broker.stop()?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Broker(format!("the broker ended with {status}"))),
    }
}

/// What both serve of the topics, under both isolation levels.
fn compare(
    once: &str,
    kafka: &str,
    topics: &[Topic],
    tell: &mut dyn FnMut(&str),
) -> Result<usize, Error> {
    let mut findings = 0;
    for (topic, partition) in topics.iter().flat_map(Topic::places) {
        for committed in [false, true] {
            let ours = served::read(once, topic, partition, committed)?;
            let theirs = served::read(kafka, topic, partition, committed)?;
            let level = if committed {
                "read_committed"
            } else {
                "read_uncommitted"
            };
            match ours.differs(&theirs) {
                None => tell(&format!("same      {topic}-{partition} {level}: {ours}")),
                Some(how) => {
                    findings += 1;
                    tell(&format!("DIFFERENT {topic}-{partition} {level}: {how}"));
                }
            }
        }
    }
    Ok(findings)
}

/// The directory of a partition.
fn partition_dir(data: &Path, topic: &str, partition: i32) -> PathBuf {
    data.join(format!("{topic}-{partition}"))
}
