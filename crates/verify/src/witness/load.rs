//! The load: topics, and clients that go on through whatever happens to the cluster.

use std::time::Duration;

use once_check::history::Name;
use once_client::{
    Admin, Compression, Confluent, ConsumerConfig, Engine, Isolation, Kind, NewTopic,
    ProducerConfig, TopicPartition,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::chance::Chance;
use super::recorder::Recorder;
use super::{processor, reader, sender, transactor};
use crate::error::Error;

/// How soon a broker that went away is looked for again, at the latest. Kafka's second would leave
/// the load idle for most of a quick restart.
const RECONNECT_MS: &str = "100";
/// How long a client that could not go on is left before the next one.
pub(super) const RESTART_PAUSE: Duration = Duration::from_millis(50);

/// The topics of one load, named after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Of idempotent senders: the processors' input.
    pub input: String,
    /// Of transactional producers.
    pub transactions: String,
    /// Of processors: two for each family of clients, so that a transaction that is there in part
    /// shows, and no input is processed twice in one.
    pub outputs: Vec<String>,
    /// Partitions of each.
    pub partitions: i32,
}

/// What the load is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// The cluster.
    pub bootstrap: String,
    /// Begins the names of groups and transactional ids; no other load has it.
    pub name: String,
    /// Where its senders and transactional producers write, and its processors read.
    pub topics: Topics,
    /// Which of the outputs are its processors'.
    pub outputs: Vec<String>,
    /// Idempotent senders.
    pub senders: u64,
    /// Transactional producers.
    pub transactors: u64,
    /// Processors, in one group.
    pub processors: u64,
    /// Readers: every other one reads committed data only.
    pub readers: u64,
    /// Records a second of each sender.
    pub rate: u64,
    /// The most records of a processor's transaction.
    pub batch: usize,
    /// `transaction.timeout.ms`.
    pub transaction_timeout: Duration,
    /// What decides what clients do.
    pub seed: u64,
}

/// A load under way. Dropping it stops everything at once.
pub struct Load {
    stop: watch::Sender<bool>,
    clients: Vec<(String, JoinHandle<()>)>,
}

/// What a client has of the load.
#[derive(Clone)]
pub(super) struct Client<E> {
    pub(super) engine: E,
    pub(super) options: LoadOptions,
    pub(super) recorder: Recorder,
    /// Its number among its like.
    pub(super) number: u64,
    pub(super) chance: Chance,
    stop: watch::Receiver<bool>,
}

impl Topics {
    /// The topics of a load, with outputs for each family of clients.
    #[must_use]
    pub fn named(name: &str, families: &[&str], partitions: i32) -> Self {
        let outputs = families
            .iter()
            .flat_map(|family| ["a", "b"].map(|which| format!("{name}-{family}-{which}")));
        Self {
            input: format!("{name}-input"),
            transactions: format!("{name}-transactions"),
            outputs: outputs.collect(),
            partitions,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        [&self.input, &self.transactions]
            .into_iter()
            .chain(&self.outputs)
    }

    /// All partitions of all of them.
    #[must_use]
    pub fn partitions(&self) -> Vec<TopicPartition> {
        let of = |topic: &String| {
            let topic = topic.clone();
            (0..self.partitions).map(move |index| TopicPartition::new(topic.clone(), index))
        };
        self.all().flat_map(of).collect()
    }

    /// Makes them, and waits until they can be written.
    ///
    /// # Errors
    /// The cluster refused, or did not answer.
    pub async fn create(&self, bootstrap: &str) -> Result<(), Error> {
        let admin = Confluent.admin(bootstrap)?;
        for name in self.all() {
            let topic = NewTopic::new(name).partitions(self.partitions);
            match admin.create_topic(&topic).await {
                Err(error) if error.kind() != Kind::TopicExists => return Err(error.into()),
                _ => {}
            }
        }
        let patience = Duration::from_secs(30);
        Ok(admin.await_leaders(&self.partitions(), patience).await?)
    }
}

impl LoadOptions {
    /// The group of its processors.
    #[must_use]
    pub fn group(&self) -> String {
        format!("{}-group", self.name)
    }
}

impl Load {
    /// Starts the clients of an engine. The topics are there.
    pub fn start<E: Engine>(engine: &E, options: &LoadOptions, recorder: &Recorder) -> Self {
        let (stop, stopped) = watch::channel(false);
        let chance = Chance::new(options.seed);
        let client = |kind: u64, number| Client {
            engine: engine.clone(),
            options: options.clone(),
            recorder: recorder.clone(),
            number,
            chance: chance.stream((kind << 16) | number),
            stop: stopped.clone(),
        };
        let mut clients = Vec::new();
        for number in 0..options.senders {
            let sender = tokio::spawn(sender::run(client(1, number)));
            clients.push((format!("sender {number}"), sender));
        }
        for number in 0..options.transactors {
            let transactor = tokio::spawn(transactor::run(client(2, number)));
            clients.push((format!("transactional producer {number}"), transactor));
        }
        for number in 0..options.processors {
            let processor = tokio::spawn(processor::run(client(3, number)));
            clients.push((format!("processor {number}"), processor));
        }
        for number in 0..options.readers {
            let reader = tokio::spawn(reader::run(client(4, number)));
            clients.push((format!("reader {number}"), reader));
        }
        Self { stop, clients }
    }

    /// Lets every client finish what it has under way.
    ///
    /// # Errors
    /// One did not come to its end, or panicked.
    pub async fn finish(mut self, patience: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        self.stop.send_replace(true);
        for (name, client) in &mut self.clients {
            let ended = timeout_at(deadline, client)
                .await
                .map_err(|_| Error::Late {
                    what: format!("the end of {name}"),
                    waited: patience,
                })?;
            ended.map_err(|error| Error::Ended {
                what: name.clone(),
                why: error.to_string(),
            })?;
        }
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.clients.iter().for_each(|(_, client)| client.abort());
    }
}

impl<E: Engine> Client<E> {
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps, but not into the end.
    pub(super) async fn pause(&mut self, time: Duration) {
        let stopped = self.stop.wait_for(|stop| *stop);
        let _ = tokio::time::timeout(time, stopped).await;
    }

    /// A name of the load's own: of a group or a transactional id.
    pub(super) fn named(&self, what: &str) -> String {
        format!("{}-{what}", self.options.name)
    }

    pub(super) fn group(&self) -> Name {
        self.options.group().into()
    }

    pub(super) fn producer_config(&self) -> ProducerConfig {
        ProducerConfig::new(&self.options.bootstrap)
            .compression(Compression::Lz4)
            .set("delivery.timeout.ms", "300000")
            .set("reconnect.backoff.max.ms", RECONNECT_MS)
    }

    pub(super) fn consumer_config(&self, isolation: Isolation) -> ConsumerConfig {
        ConsumerConfig::new(&self.options.bootstrap)
            .isolation(isolation)
            .set("reconnect.backoff.max.ms", RECONNECT_MS)
    }
}
