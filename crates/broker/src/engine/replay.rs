//! Recovery: an engine from what the disk holds.
//!
//! Readable without the happy path: the catalog is folded from `__cluster_metadata`; every
//! partition it names gets its recovered log, or an empty one; each shard is folded from its
//! internal partition; prepared transactions write their markers again. Only then may the shell
//! listen.

use super::action::Action;
use super::core::Engine;
use super::identity::Identity;
use super::ids::LogId;
use super::logs::{Logs, Partition};
use super::output::Output;
use super::retention::RETENTION_AFTER_START_MS;
use super::topics::LEADER_EPOCH;
use crate::config::Config;
use crate::mutant::Mutant;
use once_coordinator::catalog::{self, Catalog, CatalogConfig};
use once_coordinator::group;
use once_coordinator::machine::{LogRecord, Machine, Millis, ProducerIdentity};
use once_log::{LogConfig, Marker, PartitionLog, Recovered};
use once_wire::batch::Batch;
use once_wire::control::ControlType;
use once_wire::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name of the log of the catalog.
pub(crate) const METADATA_TOPIC: &str = "__cluster_metadata";
/// Its topic id, as in Kafka (`Uuid.METADATA_TOPIC_ID`).
pub(crate) const METADATA_TOPIC_ID: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// The largest record area of an internal batch that is unpacked.
const UNPACKED_BYTES: usize = 64 << 20;

/// Reads a recovered log's batches, oldest first.
pub trait Batches {
    /// Calls `visit` with each batch.
    ///
    /// # Errors
    /// What `visit` returned, or why the log cannot be read.
    fn each(
        &self,
        visit: &mut dyn FnMut(&Batch) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError>;
}

/// A partition that recovery found on disk.
pub struct RecoveredLog {
    /// Topic name, from the directory.
    pub topic: String,
    /// Topic id, from `partition.metadata`.
    pub topic_id: Uuid,
    /// Partition, from the directory.
    pub partition: i32,
    /// Its state.
    pub recovered: Recovered,
    /// Its batches.
    pub batches: Box<dyn Batches>,
    /// Of the catalog's log: a snapshot stands for all below this offset; 0 if there is none.
    pub snapshot: i64,
}

/// The disk holds something that cannot be folded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place} at offset {offset}: {problem}")]
pub struct ReplayError {
    /// Which partition.
    pub place: String,
    /// Where in it.
    pub offset: i64,
    /// What is wrong.
    pub problem: String,
}

/// The ids of the topics that a catalog's log leaves.
///
/// # Errors
/// The log is damaged.
pub(crate) fn live_topics(catalog: &dyn Batches) -> Result<BTreeSet<Uuid>, ReplayError> {
    let mut machine = Catalog::new(CatalogConfig::default());
    fold("the catalog", catalog, &mut machine, |_, _, _| {})?;
    Ok(machine.topics().map(|topic| topic.id).collect())
}

/// A recovered engine.
pub struct Replayed {
    /// The engine, ready for its first input.
    pub engine: Engine,
    /// What must be done before that input.
    pub outputs: Vec<Output>,
    /// The log that each recovered partition became, by its place in the list; `None` for a
    /// directory that no topic owns any more: it is set aside, never deleted.
    pub adopted: Vec<Option<LogId>>,
}

impl Engine {
    /// Builds the engine. `entropy` seeds identities that are made without a request.
    ///
    /// # Errors
    /// An internal log is damaged.
    pub fn recover(
        config: Arc<Config>,
        identity: Identity,
        now: Millis,
        entropy: u128,
        found: Vec<RecoveredLog>,
    ) -> Result<Replayed, ReplayError> {
        let mut catalog = Catalog::new(catalog_config(&config, &identity));
        let mut adopted = vec![None; found.len()];
        let mut logs = Logs::default();
        let mut by_place = BTreeMap::new();
        let mut metadata = PartitionLog::new(metadata_config(), LEADER_EPOCH);
        let mut snapshot = 0;
        let mut sources: BTreeMap<LogId, Box<dyn Batches>> = BTreeMap::new();
        for (index, log) in found.into_iter().enumerate() {
            if log.topic == METADATA_TOPIC {
                fold("the catalog", &*log.batches, &mut catalog, |_, _, _| {})?;
                refuse_foreign(&catalog, &identity, log.recovered.end_offset)?;
                metadata = PartitionLog::recovered(metadata_config(), LEADER_EPOCH, log.recovered);
                adopted[index] = Some(LogId::METADATA);
                snapshot = log.snapshot;
            } else {
                by_place.insert((log.topic_id, log.partition), (index, log));
            }
        }
        let (topic, topic_id) = (METADATA_TOPIC.to_owned(), METADATA_TOPIC_ID);
        logs.insert(
            LogId::METADATA,
            Partition {
                topic,
                topic_id,
                index: 0,
                log: metadata,
            },
        );
        let mut engine = Engine::over(config, identity, now, entropy, logs, catalog);
        if adopted.iter().all(|log| *log != Some(LogId::METADATA)) {
            engine.open_metadata();
        }
        engine.start_catalog_at(snapshot);
        engine.bootstrap();
        engine.adopt(by_place, &mut adopted, &mut sources);
        engine.share_tail();
        engine.open_shards();
        engine.fold_shards(&sources)?;
        engine.resume();
        engine.ask_for_room();
        let outputs = std::mem::take(&mut engine.outputs);
        Ok(Replayed {
            engine,
            outputs,
            adopted,
        })
    }

    /// A new catalog gets its features; every start takes a block of producer ids.
    fn bootstrap(&mut self) {
        let nobody = self.fresh_waiter();
        self.run_catalog(nobody, &catalog::Command::Bootstrap);
        self.order_producer_ids();
    }

    /// Gives every partition of the catalog its log.
    fn adopt(
        &mut self,
        mut found: BTreeMap<(Uuid, i32), (usize, RecoveredLog)>,
        adopted: &mut [Option<LogId>],
        sources: &mut BTreeMap<LogId, Box<dyn Batches>>,
    ) {
        let places: Vec<(String, Uuid, i32)> = self
            .catalog
            .machine
            .topics()
            .flat_map(|topic| {
                topic
                    .partitions
                    .keys()
                    .map(|index| (topic.name.clone(), topic.id, *index))
            })
            .collect();
        for (topic, topic_id, index) in places {
            let Some((place, log)) = found.remove(&(topic_id, index)) else {
                self.open_log(topic_id, index);
                continue;
            };
            let id = self.fresh_log();
            let config = self.log_config(&topic);
            self.recompresses |= config.compression.is_some();
            let log_state = PartitionLog::recovered(config, LEADER_EPOCH, log.recovered);
            self.logs.insert(
                id,
                Partition {
                    topic,
                    topic_id,
                    index,
                    log: log_state,
                },
            );
            sources.insert(id, log.batches);
            adopted[place] = Some(id);
        }
    }

    fn fold_shards(
        &mut self,
        sources: &BTreeMap<LogId, Box<dyn Batches>>,
    ) -> Result<(), ReplayError> {
        for (index, shard) in self.transactions.iter_mut().enumerate() {
            if let Some(batches) = sources.get(&shard.log) {
                let place = format!("__transaction_state-{index}");
                fold(&place, &**batches, &mut shard.machine, |_, _, _| {})?;
            }
        }
        for (index, shard) in self.groups.iter_mut().enumerate() {
            if let Some(batches) = sources.get(&shard.log) {
                let place = format!("__consumer_offsets-{index}");
                fold(
                    &place,
                    &**batches,
                    &mut shard.machine,
                    |machine, offset, ended| {
                        let (producer_id, commit) = ended;
                        machine.apply(
                            offset,
                            &group::Event::TransactionEnded {
                                producer_id,
                                commit,
                            },
                        );
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Aborts what is open in a partition and in no transaction that a coordinator knows. A client
    /// that sends data before the answer to its AddPartitions may leave it, if the data was
    /// flushed and the coordinator's record was not; nobody else would ever end it.
    fn abort_orphans(&mut self) {
        let mut known = BTreeSet::new();
        for shard in &self.transactions {
            for (producer_id, place) in shard.machine.open_partitions() {
                known.insert((producer_id, place.topic.clone(), place.partition));
            }
        }
        let mut orphans = Vec::new();
        for (log, partition) in self.logs.iter() {
            for (producer_id, entry) in partition.log.producers() {
                let place = (producer_id, partition.topic.clone(), partition.index);
                if entry.current_txn_first_offset.is_some() && !known.contains(&place) {
                    orphans.push((log, producer_id, entry.epoch));
                }
            }
        }
        for (log, producer_id, producer_epoch) in orphans {
            let marker = Marker {
                producer_id,
                producer_epoch,
                coordinator_epoch: LEADER_EPOCH,
                commit: false,
                transaction_version: 0,
            };
            let written = self.write_marker(log, &marker);
            self.warn(format!(
                "an open transaction of producer {producer_id} that no coordinator knows is \
                 aborted: {written:?}"
            ));
        }
    }

    /// Goes on where the crash left off.
    fn resume(&mut self) {
        self.abort_orphans();
        self.follow_topics();
        self.tell_groups();
        for shard in 0..self.transactions.len() {
            if self.config.breaks(Mutant::ForgetPrepared) {
                break;
            }
            let effects = self.transactions[shard].machine.resume();
            for effect in effects {
                self.hold(&[], Action::Effect { shard, effect });
            }
        }
        self.set_machine_alarms();
        self.schedule_producer_expiry();
        self.schedule_retention(RETENTION_AFTER_START_MS);
        self.schedule_cleaning();
        self.act();
    }
}

/// The catalog says in which directory each partition is (KIP-858): if not in this one, the `meta.properties` is another's.
fn refuse_foreign(catalog: &Catalog, identity: &Identity, end: i64) -> Result<(), ReplayError> {
    for topic in catalog.topics() {
        for (index, partition) in &topic.partitions {
            let mut elsewhere = partition.directories.iter();
            if let Some(other) = elsewhere.find(|id| **id != identity.directory) {
                return Err(ReplayError {
                    place: "the catalog".to_owned(),
                    offset: end,
                    problem: format!(
                        "{}-{index} is in the data directory with directory.id {other}, and meta.properties says that \
                         this one is {}: put its own meta.properties back, with directory.id={other}",
                        topic.name, identity.directory
                    ),
                });
            }
        }
    }
    Ok(())
}

/// The catalog's log is nobody's topic: what is in it stays.
fn metadata_config() -> LogConfig {
    LogConfig {
        deletes: false,
        ..LogConfig::default()
    }
}

fn catalog_config(config: &Config, identity: &Identity) -> CatalogConfig {
    CatalogConfig {
        nodes: vec![identity.node.id],
        directories: [(identity.node.id, identity.directory)].into(),
        num_partitions: config.num_partitions,
        default_replication_factor: config.default_replication_factor,
        broker: config.given.clone(),
        ..CatalogConfig::default()
    }
}

/// Folds a log into a machine. `ended` hears of the markers of transactions: offset, and
/// producer id with whether it committed.
fn fold<M: Machine>(
    place: &str,
    batches: &dyn Batches,
    machine: &mut M,
    mut ended: impl FnMut(&mut M, i64, (i64, bool)),
) -> Result<(), ReplayError> {
    batches.each(&mut |batch| {
        let damaged = |problem: String| ReplayError {
            place: place.to_owned(),
            offset: batch.base_offset(),
            problem,
        };
        if batch.is_control() {
            let control = batch.control();
            match control.map(|control| control.kind) {
                Some(ControlType::Commit) => {
                    ended(machine, batch.last_offset(), (batch.producer_id(), true));
                }
                Some(ControlType::Abort) => {
                    ended(machine, batch.last_offset(), (batch.producer_id(), false));
                }
                _ => {}
            }
            return Ok(());
        }
        let producer = batch.is_transactional().then(|| ProducerIdentity {
            id: batch.producer_id(),
            epoch: batch.producer_epoch(),
        });
        for record in batch
            .records(UNPACKED_BYTES)
            .map_err(|e| damaged(e.to_string()))?
        {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let offset = record.offset;
            let record = LogRecord {
                key: record.key,
                value: record.value,
            };
            if let Some(event) =
                M::decode(&record, producer).map_err(|error| damaged(error.to_string()))?
            {
                machine.apply(offset, &event);
            }
        }
        Ok(())
    })
}
