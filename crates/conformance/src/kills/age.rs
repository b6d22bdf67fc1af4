//! An age: the rounds over one load, on topics of its own, its history and its judgement.

use std::path::{Path, PathBuf};
use std::time::Duration;

use once_check::history::Name;
use once_check::{History, check};
use once_client::Confluent;
use once_verify::witness::{Counts, Load, LoadOptions, Recorder, Topics, drain, merge};

use super::Options;
use super::companion::Companion;
use super::tally::Tally;
use crate::error::Error;

const PARTITIONS: i32 = 4;
/// The clients' transactions time out by themselves long after a broker is back.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long clients may take for what they have under way when the load ends.
const PATIENCE: Duration = Duration::from_secs(90);
/// Numbers of clients: those of this process, of the companion, and of the last readers.
const COMPANION_PROCESSES: u32 = 1_000_000;
const LAST_PROCESSES: u32 = 2_000_000;
/// What the families are called in the names of topics.
const CONFLUENT: &str = "confluent";
const LIBRDKAFKA: &str = "librdkafka";

/// What all ages share.
pub(super) struct Site {
    /// The program with librdkafka's clients.
    pub(super) companion: Option<PathBuf>,
    pub(super) directory: PathBuf,
    pub(super) options: Options,
}

/// One load and what is known of it.
pub(super) struct Age {
    name: String,
    bootstrap: String,
    topics: Topics,
    groups: Vec<Name>,
    files: Files,
    recorder: Recorder,
    load: Option<Load>,
    companion: Option<Companion>,
    /// Rounds so far.
    pub(super) rounds: u32,
}

/// Where the histories of an age are.
struct Files {
    own: PathBuf,
    companion: PathBuf,
    whole: PathBuf,
    again: PathBuf,
}

impl Files {
    fn of(directory: &Path, name: &str) -> Self {
        let file = |what: &str| directory.join(format!("{name}{what}.history"));
        Self {
            own: file("-confluent"),
            companion: file("-librdkafka"),
            whole: file(""),
            again: file("-again"),
        }
    }
}

impl Age {
    pub(super) async fn begin(number: usize, bootstrap: &str, site: &Site) -> Result<Self, Error> {
        let name = format!("age-{}", number + 1);
        let families: &[&str] = match site.companion {
            Some(_) => &[CONFLUENT, LIBRDKAFKA],
            None => &[CONFLUENT],
        };
        let topics = Topics::named(&name, families, PARTITIONS);
        topics.create(bootstrap).await?;
        let files = Files::of(&site.directory, &name);
        let recorder = Recorder::create(&files.own, 0)?;
        let seed = site.options.seed.wrapping_mul(1_000) + number as u64;
        let options = load(bootstrap, &name, CONFLUENT, &topics, &site.options, seed);
        let mut groups: Vec<Name> = vec![options.group().into()];
        let load = Load::start(&Confluent, &options, &recorder);
        let companion = match &site.companion {
            None => None,
            Some(program) => {
                let own = self::load(bootstrap, &name, LIBRDKAFKA, &topics, &site.options, seed);
                let own = LoadOptions {
                    transactors: 1,
                    processors: 1,
                    ..own
                };
                groups.push(own.group().into());
                let log = site.directory.join("librdkafka.log");
                Some(Companion::start(
                    program,
                    &own,
                    (&files.companion, COMPANION_PROCESSES),
                    &log,
                )?)
            }
        };
        Ok(Self {
            name,
            bootstrap: bootstrap.to_owned(),
            topics,
            groups,
            files,
            recorder,
            load: Some(load),
            companion,
            rounds: 0,
        })
    }

    /// What each family of clients did so far.
    pub(super) fn counts(&self) -> Vec<Counts> {
        let companion = self.companion.as_ref().map(Companion::counts);
        std::iter::once(self.recorder.counts())
            .chain(companion)
            .collect()
    }

    /// A partition that has records, for who wants to see that readers are served.
    pub(super) fn input(&self) -> (&str, i32) {
        (&self.topics.input, 0)
    }

    /// The errors that clients of this process met so far.
    pub(super) fn errors(&self) -> String {
        format!("{:?}", self.recorder.errors())
    }

    /// Lets the clients finish what they have under way, reads everything back, and judges it.
    pub(super) async fn end(&mut self, tally: &mut Tally, tell: &mut impl FnMut(&str)) {
        if let Some(load) = self.load.take()
            && let Err(error) = load.finish(PATIENCE).await
        {
            tally.find(format!(
                "{}: {error}; errors met: {}",
                self.name,
                self.errors()
            ));
        }
        if let Some(companion) = self.companion.take()
            && let Err(error) = companion.finish(PATIENCE, tally).await
        {
            tally.find(format!("{}: librdkafka's clients: {error}", self.name));
        }
        tally.met(&self.recorder.errors());
        let judged = match self.drain(&self.recorder).await {
            Ok(()) => self.judge(),
            Err(error) => Err(error),
        };
        match judged {
            Ok(report) => {
                let counts = report.counts;
                tell(&format!(
                    "{}: {}, {} sends, {} acknowledged, {} records read, {} transactions committed, {} aborted",
                    self.name,
                    report.verdict(),
                    counts.sends,
                    counts.acknowledged,
                    counts.reads,
                    counts.committed,
                    counts.aborted
                ));
                tally.add(&counts);
                tally.judged(&self.name, &report);
            }
            Err(error) => tally.find(format!("{} cannot be judged: {error}", self.name)),
        }
    }

    /// Judges it once more, after whatever came later: with what is read now.
    pub(super) async fn judge_again(&self, tally: &mut Tally) {
        let name = format!("{} at the very end", self.name);
        match self.read_again().await {
            Ok(report) => tally.judged(&name, &report),
            Err(error) => tally.find(format!("{name} cannot be judged: {error}")),
        }
    }

    async fn drain(&self, recorder: &Recorder) -> Result<(), Error> {
        drain(&self.bootstrap, &self.topics, &self.groups, recorder).await?;
        Ok(recorder.finish()?)
    }

    /// Puts the histories together, and keeps the whole.
    fn judge(&self) -> Result<once_check::Report, Error> {
        let mut history = read(&self.files.own)?;
        if self.files.companion.exists() {
            history = merge(&history, &read(&self.files.companion)?);
        }
        let whole = &self.files.whole;
        let file = std::fs::File::create(whole);
        let file = file.map_err(Error::io(format!("make {}", whole.display())))?;
        let written = history.write(std::io::BufWriter::new(file));
        written.map_err(|error| Error::Wrong(format!("write {}: {error}", whole.display())))?;
        Ok(check(&history))
    }

    async fn read_again(&self) -> Result<once_check::Report, Error> {
        let recorder = Recorder::create(&self.files.again, LAST_PROCESSES)?;
        self.drain(&recorder).await?;
        let history = merge(&read(&self.files.whole)?, &read(&self.files.again)?);
        Ok(check(&history))
    }
}

fn read(path: &Path) -> Result<History, Error> {
    let file = std::fs::File::open(path);
    let file = file.map_err(Error::io(format!("open {}", path.display())))?;
    let history = History::read(std::io::BufReader::new(file));
    history.map_err(|error| Error::Wrong(format!("read {}: {error}", path.display())))
}

/// The load of one family of clients.
fn load(
    bootstrap: &str,
    age: &str,
    family: &str,
    topics: &Topics,
    options: &Options,
    seed: u64,
) -> LoadOptions {
    let own = format!("{age}-{family}-");
    let outputs = topics.outputs.iter();
    LoadOptions {
        bootstrap: bootstrap.to_owned(),
        name: format!("{age}-{family}"),
        topics: topics.clone(),
        outputs: outputs
            .filter(|name| name.starts_with(&own))
            .cloned()
            .collect(),
        senders: 1,
        transactors: 2,
        processors: 2,
        readers: 2,
        rate: options.rate,
        batch: options.batch,
        transaction_timeout: TRANSACTION_TIMEOUT,
        seed,
    }
}
