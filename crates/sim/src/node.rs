//! One broker: its disk, and its lives on it.
//!
//! What runs here is the production code: recovery, the places of logs, the writers of groups and
//! the engine. Only their calls come from the queue instead of threads.

use crate::hand::{Hand, Job};
use crate::plan::{Plan, Strategy};
use crate::random::Random;
use once_broker::config::Config;
use once_broker::engine::{Engine, Identity, LogId, Look, NodeAddress, NotCompacted, Output, Seen};
use once_broker::storage::{
    JournalLimits, Journaling, Places, StorageError, Work, mark_clean, recover,
};
use once_broker::{FlushPolicy, StartError};
use once_log::store::{DataDir, FakeDisk, Identity as DirIdentity, ReadFailure, SegmentReader};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The simulation's first moment, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;

/// `once.disk.reserve.bytes`.
const RESERVE: u64 = 48 << 10;

/// A running process.
pub(crate) struct Life {
    pub(crate) engine: Engine,
    places: Places<FakeDisk>,
    pub(crate) hands: Vec<Hand>,
    data: Arc<DataDir<FakeDisk>>,
    /// What recovery wrote is flushed: clients may come.
    pub(crate) listening: bool,
    /// What the cleaner is to do, by number.
    jobs: BTreeMap<u64, Job>,
    next_job: u64,
}

/// What came of a job of the cleaner.
pub(crate) enum Done {
    /// There is more to do.
    Next(Box<Job>),
    /// A hand is to swap segments.
    Swap(usize),
    /// The log stays as it is.
    Refused(LogId, NotCompacted),
}

impl Life {
    /// Starts a broker on what the disk holds.
    ///
    /// # Errors
    /// As the broker's start.
    pub(crate) fn start(
        disk: &Arc<FakeDisk>,
        (config, limits): (&Arc<Config>, JournalLimits),
        now: i64,
        random: &mut Random,
    ) -> Result<(Self, Vec<Output>), StartError> {
        let fresh = DirIdentity {
            cluster_id: "simulated-cluster-0000".to_owned(),
            node_id: config.node_id,
            directory_id: Uuid([7; 16]),
        };
        let path = PathBuf::from("/data");
        let data = Arc::new(DataDir::open(Arc::clone(disk), path, &fresh, None)?);
        let identity = Identity {
            cluster_id: data.identity().cluster_id.clone(),
            directory: data.identity().directory_id,
            node: NodeAddress {
                id: config.node_id,
                host: "simulated".to_owned(),
                port: 9092,
            },
        };
        let recovery = recover(
            disk,
            &data,
            Arc::clone(config),
            identity,
            now,
            random.wide(),
        )?;
        let writers = match (config.flush, &config.journal) {
            (FlushPolicy::Disk, None) => 4,
            (FlushPolicy::Disk, Some(_)) | (FlushPolicy::Os, _) => 1,
        };
        // Behind a journal nobody waits for the files' flushes.
        let flush = match config.journal {
            Some(_) => FlushPolicy::Os,
            None => config.flush,
        };
        let mut journal = recovery
            .journal
            .map(|journal| Journaling::new(journal, limits));
        let mut life = Self {
            engine: recovery.engine,
            places: Places::new(Arc::clone(disk), Arc::clone(&data), writers),
            hands: Vec::new(),
            data,
            listening: false,
            jobs: BTreeMap::new(),
            next_job: 0,
        };
        for _ in 0..writers {
            let points = (life.places.points(), life.places.starts());
            let hand = Hand::new(flush, journal.take(), limits.checkpoint, points);
            life.hands.push(hand);
        }
        let checkpoints = recovery.checkpoints;
        for (hand, work) in life.places.recovered(recovery.stores, checkpoints) {
            life.hands[hand].take(work);
        }
        Ok((life, recovery.outputs))
    }

    /// Takes an output that concerns files; the hand that has work from it. `unique` names a
    /// directory on its way out.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn order(&mut self, output: Output, unique: Uuid) -> Result<Option<usize>, String> {
        let ordered = match output {
            Output::Open {
                log,
                topic,
                topic_id,
                partition,
            } => Some(self.places.open(log, topic, topic_id, partition)),
            Output::Write { log, writes, end } => {
                let hand = self.places.writer_of(log);
                hand.map(|hand| (hand, Work::Write(log, writes, end)))
            }
            Output::Compact { log, plan } => {
                let hand = self.places.writer_of(log);
                hand.map(|hand| (hand, Work::Compact(log, plan)))
            }
            Output::Start { log, start } => {
                let hand = self.places.writer_of(log);
                hand.map(|hand| (hand, Work::Start(log, start)))
            }
            Output::Remove { log } => self
                .places
                .remove(log, unique)
                .map_err(|error| error.to_string())?,
            Output::Reply { .. }
            | Output::Close { .. }
            | Output::Read { .. }
            | Output::Measure
            | Output::Warn(_) => None,
        };
        Ok(ordered.map(|(hand, work)| {
            self.hands[hand].take(work);
            hand
        }))
    }

    /// Settles what the files are owed.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        self.hands.iter_mut().try_for_each(Hand::settle)
    }

    /// One more job for the cleaner.
    pub(crate) fn take_job(&mut self, job: Job) -> u64 {
        self.next_job += 1;
        self.jobs.insert(self.next_job, job);
        self.next_job
    }

    /// The cleaner does a job.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn do_job(&mut self, number: u64) -> Result<Option<Done>, String> {
        let Some(job) = self.jobs.remove(&number) else {
            return Ok(None);
        };
        match job {
            Job::Begin(cleaning) => {
                // What the same hand was owed before is flushed before.
                self.settle()?;
                let begun = cleaning.begin(&self.places.points());
                Ok(Some(Done::Next(Box::new(Job::Run(begun.map_err(text)?)))))
            }
            Job::Run(begun) => {
                let log = begun.log();
                let swap = begun.run(&|| false).map_err(text)?;
                Ok(match swap {
                    Err(why) => Some(Done::Refused(log, why)),
                    Ok(swap) => self.places.writer_of(log).map(|hand| {
                        self.hands[hand].take(swap);
                        Done::Swap(hand)
                    }),
                })
            }
            Job::Finish(swapped) => {
                swapped.finish(&self.places.cleaned()).map_err(text)?;
                Ok(None)
            }
        }
    }

    /// What the cleaner still does when the process stops.
    fn stop_jobs(&mut self) -> Result<(), String> {
        for job in std::mem::take(&mut self.jobs).into_values() {
            match job {
                Job::Begin(cleaning) => {
                    cleaning.begin(&self.places.points()).map_err(text)?;
                }
                Job::Run(_) => {}
                Job::Finish(swapped) => swapped.finish(&self.places.cleaned()).map_err(text)?,
            }
        }
        for hand in &mut self.hands {
            let (jobs, swapped) = hand.cleaner_work();
            for job in jobs {
                if let Job::Begin(cleaning) = job {
                    cleaning.begin(&self.places.points()).map_err(text)?;
                }
            }
            for swapped in swapped {
                swapped.finish(&self.places.cleaned()).map_err(text)?;
            }
        }
        Ok(())
    }

    /// A reader of a log's files.
    pub(crate) fn reader(&self, log: LogId) -> Option<SegmentReader<FakeDisk>> {
        self.places.reader(log)
    }

    /// Whether everything that was appended is flushed and reported, and nobody writes.
    pub(crate) fn is_quiet(&self) -> bool {
        let rests = |hand: &Hand| !hand.busy && hand.is_idle() && !hand.filing && hand.is_filed();
        self.engine.is_flushed() && self.hands.iter().all(rests) && self.jobs.is_empty()
    }

    /// An orderly stop, as far as the process gets.
    ///
    /// # Errors
    /// The stop was not a clean one; the next start checks all files.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        for output in self.engine.close() {
            self.order(output, Uuid::ZERO)?;
        }
        self.settle()?;
        let mut ends = std::collections::BTreeMap::new();
        for hand in &mut self.hands {
            ends.append(&mut hand.stop().map_err(|error| error.to_string())?);
        }
        self.settle()?;
        self.stop_jobs()?;
        let points = self.places.points().all(&ends);
        mark_clean(&self.data, &points).map_err(|error| error.to_string())
    }
}

fn text(error: StorageError) -> String {
    error.to_string()
}

/// Looks into files, as the shell's reading threads do.
pub(crate) fn look(reader: &SegmentReader<FakeDisk>, look: &Look) -> Result<Seen, ReadFailure> {
    match look {
        Look::Batches(range) => reader.read(range).map(Seen::Batches),
        Look::Record(search) => reader.find_timestamp(search).map(Seen::Record),
    }
}

/// The broker's settings in a plan, when it is run so.
pub(crate) fn config(plan: &Plan, strategy: Strategy) -> Arc<Config> {
    let mut config = Config {
        flush: strategy.flush(),
        journal: (strategy == Strategy::Journal).then_some(plan.journal.0),
        offsets_partitions: 2,
        transaction_partitions: 2,
        auto_create_topics: false,
        disk_reserve_bytes: RESERVE,
        group_min_session_timeout_ms: 100,
        group_consumer_session_timeout_ms: 3_000,
        group_consumer_heartbeat_interval_ms: 300,
        log_retention_check_interval_ms: 300,
        log_cleaner_backoff_ms: 300,
        log_cleaner_min_cleanable_ratio: 0.1,
        ..Config::default()
    };
    // Smaller than an operator may set, so that segments roll.
    let small = [
        ("log.segment.bytes", plan.segment_bytes),
        ("log.index.interval.bytes", 300),
    ];
    for (key, value) in small {
        config.given.insert(key.to_owned(), value.to_string());
    }
    #[cfg(feature = "mutants")]
    {
        config.mutant = plan.mutant.and_then(crate::mutant::Mutant::of_broker);
    }
    Arc::new(config)
}
