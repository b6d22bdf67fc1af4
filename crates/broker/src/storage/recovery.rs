//! Recovery: what the data directory holds becomes an engine.

use super::places::RecoveryPoints;
use crate::broker::StartError;
use crate::config::{Config, FlushPolicy};
use crate::engine::{
    Batches, Engine, Identity, LogId, Output, RecoveredLog, ReplayError, Replayed, fresh_uuid,
};
use crate::mutant::Mutant;
use once_log::LogConfig;
use once_log::store::{
    Checkpoint, DataDir, Disk, Opening, PartitionDir, ReadFailure, SegmentReader, Store,
};
use once_wire::batch::Batch;
use once_wire::ids::Uuid;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a data directory became.
pub struct Recovery<D: Disk> {
    /// The engine, ready for its first input.
    pub engine: Engine,
    /// What it wants done before that.
    pub outputs: Vec<Output>,
    /// The files of every log that was found.
    pub stores: Vec<(LogId, PartitionDir, Store<D>)>,
    /// What the recovery-point checkpoint says now.
    pub points: RecoveryPoints,
}

/// Recovers every partition, then folds the internal ones into the engine. What no topic owns is
/// set aside. `entropy` is sixteen fresh random bytes, for identities.
///
/// # Errors
/// See [`StartError`]; nothing was changed but what recovery repaired.
pub fn recover<D: Disk>(
    disk: &Arc<D>,
    data: &DataDir<D>,
    config: Arc<Config>,
    identity: Identity,
    now: i64,
    entropy: u128,
) -> Result<Recovery<D>, StartError> {
    let durable = config.flush == FlushPolicy::Disk;
    let mut aside = Aside {
        data,
        entropy: !entropy,
        count: 0,
    };
    let (found, places, mut points) = partitions(disk, &mut aside, &config, now)?;
    let Replayed {
        engine,
        outputs,
        adopted,
    } = Engine::recover(config, identity, now, entropy, found)?;
    let (mut stores, mut strays) = (Vec::new(), Vec::new());
    let mut recovered = RecoveryPoints::new();
    for (log, (place, store)) in adopted.into_iter().zip(places) {
        let key = (place.topic.clone(), place.partition);
        match log {
            Some(log) => {
                recovered.insert(key, store.end_offset());
                stores.push((log, place, store));
            }
            None => strays.push((key, place)),
        }
    }
    if durable {
        data.write_checkpoint(Checkpoint::RecoveryPoint, &recovered)?;
        points = recovered;
    } else if strays.iter().any(|(key, _)| points.contains_key(key)) {
        // Without a flush the files above the old recovery points are only in the page cache: the
        // others stay as they are.
        points.retain(|key, _| strays.iter().all(|(stray, _)| stray != key));
        data.write_checkpoint(Checkpoint::RecoveryPoint, &points)?;
    }
    // After their recovery points: else the next start, if this one is cut short, misses them.
    for (_, place) in strays {
        aside.set(&place, "belongs to no topic")?;
    }
    Ok(Recovery {
        engine,
        outputs,
        stores,
        points,
    })
}

/// Puts directories that nobody owns out of the way.
struct Aside<'a, D: Disk> {
    data: &'a DataDir<D>,
    entropy: u128,
    count: u64,
}

impl<D: Disk> Aside<'_, D> {
    fn set(&mut self, place: &PartitionDir, why: &str) -> Result<(), StartError> {
        self.count += 1;
        let unique: Uuid = fresh_uuid(self.entropy, self.count);
        let aside = self.data.set_stray(place, unique)?;
        let (path, aside) = (place.path.display(), aside.display());
        tracing::warn!("{path} {why}: it is set aside as {aside}");
        Ok(())
    }
}

type Found<D> = (
    Vec<RecoveredLog>,
    Vec<(PartitionDir, Store<D>)>,
    RecoveryPoints,
);

/// Recovers the files of every partition, one after the other.
fn partitions<D: Disk>(
    disk: &Arc<D>,
    aside: &mut Aside<'_, D>,
    config: &Config,
    now: i64,
) -> Result<Found<D>, StartError> {
    let data = aside.data;
    let clean = data.take_clean_marker()?;
    data.finish_deletions()?;
    let points = data.read_checkpoint(Checkpoint::RecoveryPoint)?;
    let starts = data.read_checkpoint(Checkpoint::LogStart)?;
    let log_config = LogConfig {
        producer_id_expiration_ms: config.producer_id_expiration_ms,
        ..LogConfig::default()
    };
    let mut found = Vec::new();
    let mut stores = Vec::new();
    for place in data.partitions()? {
        let key = (place.topic.clone(), place.partition);
        let Some(topic_id) = place.topic_id else {
            // The id is on disk before the first acknowledgement; so nothing here was
            // acknowledged, or the directory is damaged.
            if points.contains_key(&key) {
                return Err(StartError::Partition {
                    path: place.path,
                    problem: "its partition.metadata is missing or damaged",
                });
            }
            aside.set(&place, "says not which topic it belongs to")?;
            continue;
        };
        let opening = Opening {
            topic_id,
            clean,
            recovery_point: points.get(&key).copied().unwrap_or(0),
            log_start_offset: starts.get(&key).copied().unwrap_or(0),
            durable: config.flush == FlushPolicy::Disk && !config.breaks(Mutant::TrustFoundBytes),
            now,
        };
        let (disk, path) = (Arc::clone(disk), place.path.clone());
        let (recovered, store) = once_log::store::recover(disk, path, &log_config, &opening)?;
        found.push(RecoveredLog {
            topic: place.topic.clone(),
            topic_id,
            partition: place.partition,
            batches: Box::new(FileBatches {
                name: place.path.display().to_string(),
                end: recovered.end_offset,
                reader: store.reader(),
            }),
            recovered,
        });
        stores.push((place, store));
    }
    let names: BTreeSet<_> = found
        .iter()
        .map(|log| (log.topic.clone(), log.partition))
        .collect();
    if let Some((topic, partition)) = points.keys().find(|key| !names.contains(*key)) {
        return Err(StartError::Partition {
            path: data.partition_path(topic, *partition),
            problem: "it is gone, and the recovery-point checkpoint says that it had records",
        });
    }
    Ok((found, stores, points))
}

/// A recovered log's batches, read from its files.
struct FileBatches<D: Disk> {
    name: String,
    end: i64,
    reader: SegmentReader<D>,
}

impl<D: Disk> Batches for FileBatches<D> {
    fn each(
        &self,
        visit: &mut dyn FnMut(&Batch) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        let unreadable = |error: ReadFailure| ReplayError {
            place: self.name.clone(),
            offset: -1,
            problem: error.to_string(),
        };
        for batch in self.reader.batches(0, self.end).map_err(unreadable)? {
            visit(&batch.map_err(unreadable)?)?;
        }
        Ok(())
    }
}
