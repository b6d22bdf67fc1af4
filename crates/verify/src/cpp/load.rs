//! The running load: one loader that writes numbered inputs, processors that turn them into
//! outputs, all going on through whatever faults are dealt to the cluster meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use once_client::{
    Admin, Compression, Confluent, Consumer, ConsumerConfig, Engine, Error as ClientError,
    Isolation, Kind, NewRecord, NewTopic, Producer, ProducerConfig, TopicPartition,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::processor::{Processor, ProcessorConfig, RECONNECT_MS, Source};
use super::tag::InputTag;
use crate::error::Error;
use crate::reader::Reader;

/// Inputs the loader sends before it waits for their acknowledgements.
const CHUNK: u64 = 100;

/// How long a client that could not be made is left before the next try.
const RESTART_PAUSE: Duration = Duration::from_millis(50);

/// What the load is.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The cluster.
    pub bootstrap: String,
    /// The input topic; made if it is not there.
    pub input: String,
    /// The output topics, likewise. With two or more a torn transaction shows.
    pub outputs: Vec<String>,
    /// Partitions of each topic.
    pub partitions: i32,
    /// The processors' group.
    pub group: String,
    /// How many processors share it. Their transactional ids are the group's name and a number.
    pub processors: usize,
    /// The most records of one transaction.
    pub batch: usize,
    /// Inputs a second; `None` is as fast as they are acknowledged.
    pub rate: Option<u64>,
    /// `transaction.timeout.ms` of the processors.
    pub transaction_timeout: Duration,
}

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// The numbers of the inputs whose append was acknowledged.
    pub acknowledged: BTreeSet<u64>,
    /// Transactions whose commit returned.
    pub commits: u64,
    /// Transactions aborted by their processor.
    pub aborts: u64,
    /// Clients thrown away and made anew.
    pub restarts: u64,
    /// Errors met, by their text.
    pub errors: BTreeMap<String, u64>,
}

/// A load under way. Dropping it stops everything at once.
pub struct Load {
    options: LoadOptions,
    report: Shared,
    load_until: watch::Sender<bool>,
    process_until: watch::Sender<bool>,
    loader: JoinHandle<()>,
    processors: Vec<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<LoadReport>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, LoadReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn met(&self, error: &ClientError) {
        *self.lock().errors.entry(error.to_string()).or_default() += 1;
    }
}

impl Load {
    /// Makes the topics and starts everything.
    pub async fn start(options: LoadOptions) -> Result<Self, Error> {
        create_topics(&options).await?;
        let report = Shared::default();
        let (load_until, loading) = watch::channel(false);
        let (process_until, processing) = watch::channel(false);
        let loader = tokio::spawn(run_loader(options.clone(), loading, report.clone()));
        let processors = (0..options.processors)
            .map(|n| {
                tokio::spawn(run_processor(
                    processor(&options, n),
                    processing.clone(),
                    report.clone(),
                ))
            })
            .collect();
        Ok(Self {
            options,
            report,
            load_until,
            process_until,
            loader,
            processors,
        })
    }

    /// What happened so far.
    pub fn report(&self) -> LoadReport {
        self.report.lock().clone()
    }

    /// Stops the loader, waits until the processors have committed every input, and stops them.
    pub async fn finish(mut self, patience: Duration) -> Result<LoadReport, Error> {
        let late = |what: &str| Error::Late {
            what: what.to_owned(),
            waited: patience,
        };
        let deadline = Instant::now() + patience;
        self.load_until.send_replace(true);
        let stopped = timeout_at(deadline, &mut self.loader).await;
        stopped
            .map_err(|_| late("the end of the loader"))?
            .map_err(panicked)?;
        let drained = timeout_at(deadline, drained(&self.options)).await;
        drained.map_err(|_| late("the processing of every input"))??;
        self.process_until.send_replace(true);
        for processor in &mut self.processors {
            let stopped = timeout_at(deadline, processor).await;
            stopped
                .map_err(|_| late("the end of a processor"))?
                .map_err(panicked)?;
        }
        Ok(self.report())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.loader.abort();
        self.processors.iter().for_each(JoinHandle::abort);
    }
}

fn panicked(error: tokio::task::JoinError) -> Error {
    Error::Processor(format!("panicked: {error}"))
}

fn processor(options: &LoadOptions, number: usize) -> ProcessorConfig {
    ProcessorConfig {
        bootstrap: options.bootstrap.clone(),
        source: Source::Group(options.input.clone()),
        outputs: options.outputs.clone(),
        group: options.group.clone(),
        transactional_id: format!("{}-{number}", options.group),
        batch: options.batch,
        transaction_timeout: options.transaction_timeout,
        commit_offsets: true,
    }
}

async fn create_topics(options: &LoadOptions) -> Result<(), Error> {
    let admin = Confluent.admin(&options.bootstrap)?;
    for name in std::iter::once(&options.input).chain(&options.outputs) {
        match admin
            .create_topic(&NewTopic::new(name).partitions(options.partitions))
            .await
        {
            Err(error) if error.kind() != Kind::TopicExists => return Err(error.into()),
            _ => {}
        }
        let partitions: Vec<TopicPartition> = (0..options.partitions)
            .map(|p| TopicPartition::new(name, p))
            .collect();
        admin
            .await_leaders(&partitions, Duration::from_secs(30))
            .await?;
    }
    Ok(())
}

/// Waits until the group has committed the input up to its end.
async fn drained(options: &LoadOptions) -> Result<(), Error> {
    let reader = Reader::new(&options.bootstrap)?;
    let ends = reader
        .ends(&options.input, Isolation::ReadUncommitted)
        .await?;
    let partitions: Vec<TopicPartition> = ends.keys().cloned().collect();
    let config = ConsumerConfig::new(&options.bootstrap).group(&options.group);
    let mut watcher = Confluent.consumer(&config)?;
    loop {
        let committed = watcher.committed(&partitions).await?;
        if ends
            .iter()
            .all(|(p, end)| committed.get(p).copied().unwrap_or(0) >= *end)
        {
            watcher.close().await?;
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Writes inputs until told to stop. An input whose append failed is not written again: whether it
/// is stored is open, so its number is used up.
async fn run_loader(options: LoadOptions, stop: watch::Receiver<bool>, report: Shared) {
    let config = ProducerConfig::new(&options.bootstrap)
        .compression(Compression::Lz4)
        .set("delivery.timeout.ms", "300000")
        .set("reconnect.backoff.max.ms", RECONNECT_MS);
    let started = Instant::now();
    let mut next = 0;
    while !*stop.borrow() {
        let Ok(producer) = Confluent
            .producer(&config)
            .inspect_err(|error| report.met(error))
        else {
            sleep(RESTART_PAUSE).await;
            continue;
        };
        while !*stop.borrow() {
            if let Err(error) = load_chunk(&producer, &options.input, &mut next, &report).await {
                report.met(&error);
                report.lock().restarts += 1;
                break;
            }
            if let Some(rate) = options.rate {
                let due = started + Duration::from_micros(next * 1_000_000 / rate.max(1));
                tokio::time::sleep_until(due).await;
            }
        }
        if let Err(error) = producer.close(Duration::from_secs(5)).await {
            report.met(&error);
        }
    }
}

async fn load_chunk(
    producer: &impl Producer,
    topic: &str,
    next: &mut u64,
    report: &Shared,
) -> Result<(), ClientError> {
    let mut acks = Vec::new();
    for sequence in *next..*next + CHUNK {
        *next = sequence + 1;
        let record =
            NewRecord::new(topic, format!("value-{sequence}")).key(format!("key-{sequence}"));
        acks.push((
            sequence,
            producer.send(InputTag { sequence }.write(record)).await?,
        ));
    }
    for (sequence, ack) in acks {
        ack.await?;
        report.lock().acknowledged.insert(sequence);
    }
    Ok(())
}

/// Runs a processor until told to stop, and makes it anew whenever it cannot go on.
async fn run_processor(config: ProcessorConfig, stop: watch::Receiver<bool>, report: Shared) {
    while !*stop.borrow() {
        let outcome = match Processor::start(config.clone()).await {
            Err(error) => Err(error),
            Ok(mut processor) => {
                let outcome = process_until(&mut processor, &stop, &report).await;
                processor.close().await;
                outcome
            }
        };
        if let Err(error) = outcome {
            report.met(&error);
            report.lock().restarts += 1;
            sleep(RESTART_PAUSE).await;
        }
    }
}

/// The loop of an exactly-once application, and its rule for errors: what can be aborted is
/// aborted and read again; anything else ends this incarnation.
async fn process_until(
    processor: &mut Processor,
    stop: &watch::Receiver<bool>,
    report: &Shared,
) -> Result<(), ClientError> {
    while !*stop.borrow() {
        let batch = processor.poll(Duration::from_millis(100)).await?;
        if batch.is_empty() {
            continue;
        }
        let outcome = match processor.produce(&batch).await {
            Ok(_) => processor.commit().await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => report.lock().commits += 1,
            Err(error @ ClientError::Abort(_)) => {
                report.met(&error);
                processor.abort().await?;
                report.lock().aborts += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
