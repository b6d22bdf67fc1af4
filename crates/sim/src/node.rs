//! One broker: its disk, and its lives on it.
//!
//! What runs here is the production code: recovery, the places of logs, the writers of groups and
//! the engine. Only their calls come from the queue instead of threads.

use crate::plan::Plan;
use crate::random::Random;
use once_broker::config::Config;
use once_broker::engine::{Engine, Identity, LogId, Look, NodeAddress, Output, Seen};
use once_broker::storage::{
    Debts, JournalLimits, Journaling, Places, StorageError, Work, Writer, mark_clean, recover,
    settle,
};
use once_broker::{FlushPolicy, StartError};
use once_log::store::{
    DataDir, FakeDisk, Identity as DirIdentity, JournalSizes, ReadFailure, SegmentReader,
};
use once_wire::ids::Uuid;
use std::path::PathBuf;
use std::sync::Arc;

/// The simulation's first moment, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;

/// Files so small that they are used again soon.
const JOURNAL_SIZES: JournalSizes = JournalSizes {
    first: 4 << 10,
    next: 16 << 10,
};
const JOURNAL_LIMITS: JournalLimits = JournalLimits {
    checkpoint: 24 << 10,
    most: 256 << 10,
};

/// `once.disk.reserve.bytes`.
const RESERVE: u64 = 48 << 10;

/// A writer and what it is to do.
pub(crate) struct Hand {
    writer: Writer<FakeDisk>,
    queue: Vec<Work<FakeDisk>>,
    /// The journal in front of the files.
    journal: Option<Journaling<FakeDisk>>,
    /// What the journal has and the files do not.
    journalled: Vec<Work<FakeDisk>>,
    /// Flushes that the files are owed, below an entry of the journal.
    owed: Option<(u64, Debts<FakeDisk>)>,
    /// It has a group, or is about to take one.
    pub(crate) busy: bool,
}

impl Hand {
    /// Writes all that is queued: to the journal, flushed, or to the files.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn write(&mut self) -> Result<(), StorageError> {
        let group = std::mem::take(&mut self.queue);
        match &mut self.journal {
            None => self.writer.write(group),
            Some(journal) => {
                journal.commit(&group)?;
                self.journalled.extend(group);
                Ok(())
            }
        }
    }

    /// Whether the files are to be flushed behind the journal: what they are owed is put aside.
    pub(crate) fn begins_checkpoint(&mut self) -> bool {
        let wanted = self.journal.as_mut().and_then(Journaling::wants_checkpoint);
        let Some(below) = wanted else {
            return false;
        };
        self.owed = Some((below, self.writer.debts()));
        true
    }

    /// Flushes what was written.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn flush(&mut self) -> Result<Vec<(LogId, i64)>, StorageError> {
        self.writer.write(std::mem::take(&mut self.journalled))?;
        self.writer.flush()
    }

    /// Makes durable where logs start, after the flush.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn save_starts(&mut self) -> Result<Vec<(LogId, i64)>, StorageError> {
        self.writer.save_starts()
    }

    /// What was written and not yet flushed.
    pub(crate) fn written(&self) -> Vec<(LogId, i64)> {
        self.writer.written().to_vec()
    }

    /// Whether nothing is queued.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }
}

/// A running process.
pub(crate) struct Life {
    pub(crate) engine: Engine,
    places: Places<FakeDisk>,
    pub(crate) hands: Vec<Hand>,
    data: Arc<DataDir<FakeDisk>>,
    /// What recovery wrote is flushed: clients may come.
    pub(crate) listening: bool,
}

impl Life {
    /// Starts a broker on what the disk holds.
    ///
    /// # Errors
    /// As the broker's start.
    pub(crate) fn start(
        disk: &Arc<FakeDisk>,
        config: &Arc<Config>,
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
            .map(|journal| Journaling::new(journal, JOURNAL_LIMITS));
        let mut life = Self {
            engine: recovery.engine,
            places: Places::new(Arc::clone(disk), Arc::clone(&data), writers),
            hands: Vec::new(),
            data,
            listening: false,
        };
        for _ in 0..writers {
            // Few open files, so that closing and opening them again is met.
            life.hands.push(Hand {
                writer: Writer::new(flush, 3, life.places.starts()),
                queue: Vec::new(),
                journal: journal.take(),
                journalled: Vec::new(),
                owed: None,
                busy: false,
            });
        }
        for (hand, work) in life
            .places
            .recovered(recovery.stores, recovery.points, recovery.starts)
        {
            life.hands[hand].queue.push(work);
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
            self.hands[hand].queue.push(work);
            hand
        }))
    }

    /// Settles what the files are owed.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        for hand in &mut self.hands {
            if let Some((below, debts)) = hand.owed.take() {
                let ends = settle(debts).map_err(|error| error.to_string())?;
                let advanced = self.places.points().advance(&ends);
                advanced.map_err(|error| error.to_string())?;
                if let Some(journal) = &mut hand.journal {
                    journal.free(below);
                }
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
        self.engine.is_flushed() && self.hands.iter().all(|hand| !hand.busy && hand.is_idle())
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
            hand.write().map_err(|error| error.to_string())?;
            hand.flush().map_err(|error| error.to_string())?;
            hand.save_starts().map_err(|error| error.to_string())?;
            let mut of_hand = hand.writer.checkpoint().map_err(|e| e.to_string())?;
            ends.append(&mut of_hand);
        }
        let points = self.places.points().all(&ends);
        mark_clean(&self.data, &points).map_err(|error| error.to_string())
    }
}

/// Looks into files, as the shell's reading threads do.
pub(crate) fn look(reader: &SegmentReader<FakeDisk>, look: &Look) -> Result<Seen, ReadFailure> {
    match look {
        Look::Batches(range) => reader.read(range).map(Seen::Batches),
        Look::Record(search) => reader.find_timestamp(search).map(Seen::Record),
    }
}

/// The broker's settings in a plan.
pub(crate) fn config(plan: &Plan) -> Arc<Config> {
    let mut config = Config {
        flush: plan.flush,
        // Mutants of the fences are judged where there are fences.
        journal: (plan.journal && plan.mutant.is_none()).then_some(JOURNAL_SIZES),
        offsets_partitions: 2,
        transaction_partitions: 2,
        auto_create_topics: false,
        disk_reserve_bytes: RESERVE,
        group_min_session_timeout_ms: 100,
        group_consumer_session_timeout_ms: 3_000,
        group_consumer_heartbeat_interval_ms: 300,
        log_retention_check_interval_ms: 300,
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
