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
    /// What is to be done beside the hands, by number, and for which hand.
    jobs: BTreeMap<u64, (usize, Job)>,
    next_job: u64,
}

/// What came of a job.
pub(crate) enum Done {
    /// There is more to do.
    Next(usize, Box<Job>),
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
        let data = Arc::new(DataDir::open(Arc::clone(disk), path, &fresh)?);
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
            places: Places::new(Arc::clone(disk), Arc::clone(&data), writers, 3),
            hands: Vec::new(),
            data,
            listening: false,
            jobs: BTreeMap::new(),
            next_job: 0,
        };
        for _ in 0..writers {
            let points = (life.places.points(), life.places.kept());
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
            Output::Remove { log } => self.places.remove(log, unique),
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

    /// One more job beside a hand's own work.
    pub(crate) fn take_job(&mut self, hand: usize, job: Job) -> u64 {
        self.next_job += 1;
        self.jobs.insert(self.next_job, (hand, job));
        self.next_job
    }

    /// A job is done, and before it those flushes that were asked for earlier: one thread makes them, in
    /// order.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn do_job(&mut self, number: u64) -> Result<Vec<Done>, String> {
        match self.jobs.get(&number) {
            Some((_, Job::Settle(..) | Job::Begin(_))) => self.settle(number),
            Some((_, Job::Run(_) | Job::Finish(_) | Job::Clear(_))) => {
                let job = self.jobs.remove(&number).map(|(_, job)| job);
                Ok(self.clean(job)?.into_iter().collect())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Flushes what files are owed, up to a job.
    fn settle(&mut self, upto: u64) -> Result<Vec<Done>, String> {
        let mut done = Vec::new();
        let is_flush = |job: &Job| matches!(job, Job::Settle(..) | Job::Begin(_));
        let flushes = self.jobs.extract_if(..=upto, |_, (_, job)| is_flush(job));
        for (_, (hand, job)) in flushes.collect::<Vec<_>>() {
            match job {
                Job::Settle(below, debts) => {
                    self.hands[hand].settle(below, debts).map_err(text)?;
                }
                Job::Begin(cleaning) => {
                    let begun = cleaning.begin(&self.places.points()).map_err(text)?;
                    done.push(Done::Next(hand, Box::new(Job::Run(begun))));
                }
                Job::Run(_) | Job::Finish(_) | Job::Clear(_) => {}
            }
        }
        Ok(done)
    }

    /// What the cleaner's thread does, and the remover's.
    fn clean(&mut self, job: Option<Job>) -> Result<Option<Done>, String> {
        match job {
            Some(Job::Run(begun)) => {
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
            Some(Job::Finish(swapped)) => {
                swapped.finish(&self.places.cleaned()).map_err(text)?;
                Ok(None)
            }
            Some(Job::Clear(aside)) => {
                // What is left is taken away at the next start.
                let _ = aside.clear();
                Ok(None)
            }
            Some(Job::Settle(..) | Job::Begin(_)) | None => Ok(None),
        }
    }

    /// Whether the cleaner has something to do.
    pub(crate) fn is_cleaning(&self) -> bool {
        let mut jobs = self.jobs.values();
        jobs.any(|(_, job)| !matches!(job, Job::Settle(..) | Job::Clear(_)))
    }

    /// What is still done beside the hands when the process stops.
    fn stop_jobs(&mut self) -> Result<(), String> {
        for hand in 0..self.hands.len() {
            for job in self.hands[hand].jobs() {
                self.take_job(hand, job);
            }
            for swapped in self.hands[hand].swapped() {
                self.take_job(hand, Job::Finish(swapped));
            }
        }
        self.settle(u64::MAX)?;
        for (_, job) in std::mem::take(&mut self.jobs).into_values() {
            if let Job::Finish(_) | Job::Clear(_) = job {
                self.clean(Some(job))?;
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
        self.engine.is_flushed() && self.hands.iter().all(rests) && !self.is_cleaning()
    }

    /// An orderly stop, as far as the process gets.
    ///
    /// # Errors
    /// The stop was not a clean one; the next start checks all files.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        for output in self.engine.close() {
            self.order(output, Uuid::ZERO)?;
        }
        self.settle(u64::MAX)?;
        let mut ends = std::collections::BTreeMap::new();
        for hand in &mut self.hands {
            ends.append(&mut hand.stop().map_err(|error| error.to_string())?);
        }
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
        metadata_snapshot_bytes: 1_500,
        log_cleaner_min_cleanable_ratio: 0.1,
        log_cleaner_dedupe_buffer_bytes: plan.compaction.key_bytes,
        offsets_segment_bytes: plan.segment_bytes,
        transaction_segment_bytes: plan.segment_bytes,
        ..Config::default()
    };
    // Topics take these from the broker's own words.
    let tombstones = plan.compaction.tombstones_ms.to_string();
    for (key, value) in [
        ("log.cleaner.min.cleanable.ratio", "0.1"),
        ("log.cleaner.delete.retention.ms", &tombstones),
        ("log.index.interval.bytes", "300"),
    ] {
        config.given.insert(key.to_owned(), value.to_owned());
    }
    #[cfg(feature = "mutants")]
    {
        config.mutant = plan.mutant.and_then(crate::mutant::Mutant::of_broker);
    }
    Arc::new(config)
}
