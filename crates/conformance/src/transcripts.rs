//! Transcripts: what real clients of Java and of librdkafka ask an Apache Kafka, and what it answers, byte by byte.
//! The simulator's clients are held against them, so that they ask as real ones do, and so is our broker, which
//! has to answer as Kafka did.

mod exchange;
mod recorder;
mod scene;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use once_verify::proxy::Proxy;
use once_wire::{ApiKey, Uuid, VersionRange};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::broker::BrokerCommand;
use crate::calls::{Coordinates, insist};
use crate::error::Error;
use crate::link::Link;
use crate::locate::{find_companion, find_once};
use crate::tool::Tools;
use exchange::{Exchange, hex};
use recorder::Recorder;
use scene::{SCENES, Scene};
use stage::Stage;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How clients find their way, which says nothing about records.
const LEFT_OUT: [ApiKey; 2] = [ApiKey::ApiVersions, ApiKey::Metadata];

/// Where Kafka is, and where transcripts go.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// An Apache Kafka of one broker, at `transaction.version` 1, that nothing was written to yet.
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: String,
    /// Where Kafka's scripts are; by default on the path.
    #[arg(long, value_name = "DIR")]
    pub kafka_scripts: Option<PathBuf>,
    /// Where transcripts go.
    #[arg(long, value_name = "DIR", default_value = "crates/sim/transcripts")]
    pub to: PathBuf,
    /// Only scenes whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// The binary `once`, whose versions clients are held to; by default built by cargo, or the one beside this
    /// program.
    #[arg(long, value_name = "PATH")]
    pub once: Option<PathBuf>,
}

/// Records each scene, and says how much there was.
///
/// # Errors
/// A scene that cannot be played, or in which a connection that was to be cut was not.
pub fn run(options: &Options, mut tell: impl FnMut(&str)) -> Result<(), Error> {
    let scratch = tempfile::tempdir().map_err(Error::io("make a directory"))?;
    let recorder = Arc::new(Recorder::new(served(options)?));
    let runtime = Runtime::new().map_err(Error::io("start a runtime"))?;
    let _entered = runtime.enter();
    let proxy = Proxy::watched(&options.kafka, Arc::clone(&recorder) as Arc<_>)?;
    let stage = Stage {
        tools: Tools::new(options.kafka_scripts.as_deref(), scratch.path())?,
        scratch: scratch.path().to_owned(),
        companion: find_companion()?,
        recorded: proxy.bootstrap().to_owned(),
        kafka: options.kafka.clone(),
    };
    settle(&options.kafka)?;
    fs::create_dir_all(&options.to).map_err(Error::io("make a directory for transcripts"))?;
    for scene in &SCENES {
        if options
            .only
            .as_ref()
            .is_some_and(|only| !scene.name.contains(only.as_str()))
        {
            continue;
        }
        let said = play(scene, &stage, &recorder, options)?;
        tell(&format!("{}: {said}", scene.name));
    }
    Ok(())
}

/// Waits until coordinators answer: to make their topics is no part of any scene.
fn settle(kafka: &str) -> Result<(), Error> {
    let mut link = Link::connect(kafka, PATIENCE)?;
    insist(|| link.find_coordinator(Coordinates::Group, "settling"))?;
    insist(|| link.find_coordinator(Coordinates::Transactions, "settling"))?;
    insist(|| link.init_producer(Some("settling")))?;
    // They load what is there before they answer, one by one.
    std::thread::sleep(Duration::from_secs(3));
    Ok(())
}

/// The versions that `once` serves.
fn served(options: &Options) -> Result<BTreeMap<i16, VersionRange>, Error> {
    let directory = tempfile::tempdir().map_err(Error::io("make a directory"))?;
    let command = BrokerCommand {
        once: find_once(options.once.as_deref())?,
        data: directory.path().join("data"),
        log: directory.path().join("log"),
        flush: None,
        settings: Vec::new(),
        environment: Vec::new(),
    };
    let broker = command.start("127.0.0.1:0")?;
    Link::connect(broker.address(), PATIENCE)?.versions()
}

/// Plays one scene and writes what passed.
fn play(
    scene: &Scene,
    stage: &Stage,
    recorder: &Recorder,
    options: &Options,
) -> Result<String, Error> {
    let mut topics = Map::new();
    for (topic, partitions) in scene.topics {
        let mut link = Link::connect(&options.kafka, PATIENCE)?;
        let id = link.create_topic(topic, *partitions, &[])?;
        topics.insert((*topic).to_owned(), described(id, *partitions));
    }
    (scene.before)(stage)?;
    recorder.begin(scene.cuts);
    (scene.play)(stage)?;
    let (exchanges, unmade) = recorder.end();
    if unmade > 0 {
        return Err(Error::Wrong(format!(
            "{}: {unmade} answers that were to be lost were never asked for",
            scene.name
        )));
    }
    let heading = json!({
        "scene": scene.name,
        "what": scene.what,
        "topics": topics,
        "timed": scene.timed,
    });
    let mut lines = vec![heading.to_string()];
    let kept: Vec<&Exchange> = exchanges
        .iter()
        .filter(|exchange| is_kept(exchange))
        .collect();
    lines.extend(kept.iter().map(|exchange| exchange.line().to_string()));
    let path = options.to.join(format!("{}.jsonl", scene.name));
    let text = lines.join("\n") + "\n";
    fs::write(&path, text).map_err(Error::io(format!("write {}", path.display())))?;
    let clients: BTreeSet<&str> = kept.iter().map(|exchange| &*exchange.client).collect();
    Ok(format!("{} exchanges of {clients:?}", kept.len()))
}

fn described(id: Uuid, partitions: i32) -> Value {
    json!({"id": hex(&id.0), "partitions": partitions})
}

fn is_kept(exchange: &Exchange) -> bool {
    LEFT_OUT.iter().all(|api| api.key() != exchange.key)
}
