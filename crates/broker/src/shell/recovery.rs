//! Recovery: what the data directory holds becomes an engine.

use super::disk::{DiskThreads, RecoveryPoints};
use super::start::fresh_uuid;
use crate::broker::StartError;
use crate::config::{Config, FlushPolicy};
use crate::engine::{Batches, Engine, Identity, RecoveredLog, ReplayError, Replayed};
use once_log::LogConfig;
use once_log::store::{
    Checkpoint, DataDir, Opening, PartitionDir, ReadFailure, RealDisk, SegmentReader, Store,
};
use once_wire::batch::Batch;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Recovers every partition, then folds the internal ones into the engine. What no topic owns is
/// set aside.
pub(super) fn recover(
    disk: &Arc<RealDisk>,
    data: &DataDir<RealDisk>,
    threads: &DiskThreads,
    config: Arc<Config>,
    identity: Identity,
    now: i64,
) -> Result<(Engine, Vec<crate::engine::Output>), StartError> {
    let durable = config.flush == FlushPolicy::Disk;
    let (found, stores, points) = partitions(disk, data, &config, now)?;
    let entropy = super::connection::random();
    let Replayed {
        engine,
        outputs,
        adopted,
    } = Engine::recover(config, identity, now, entropy, found)?;
    let mut recovered = RecoveryPoints::new();
    for (log, (place, store)) in adopted.into_iter().zip(stores) {
        match log {
            Some(log) => {
                recovered.insert((place.topic.clone(), place.partition), store.end_offset());
                threads.adopt(log, place.topic, place.partition, store);
            }
            None => set_aside(data, &place, "belongs to no topic")?,
        }
    }
    // Without a flush the files above the old recovery point are only in the page cache.
    if durable {
        data.write_checkpoint(Checkpoint::RecoveryPoint, &recovered)?;
        threads.recovered(recovered);
    } else {
        threads.recovered(points);
    }
    Ok((engine, outputs))
}

type Recovered = (
    Vec<RecoveredLog>,
    Vec<(PartitionDir, Store<RealDisk>)>,
    RecoveryPoints,
);

/// Recovers the files of every partition, one after the other.
fn partitions(
    disk: &Arc<RealDisk>,
    data: &DataDir<RealDisk>,
    config: &Config,
    now: i64,
) -> Result<Recovered, StartError> {
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
            set_aside(data, &place, "says not which topic it belongs to")?;
            continue;
        };
        let opening = Opening {
            topic_id,
            clean,
            recovery_point: points.get(&key).copied().unwrap_or(0),
            log_start_offset: starts.get(&key).copied().unwrap_or(0),
            durable: config.flush == FlushPolicy::Disk,
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

fn set_aside(data: &DataDir<RealDisk>, place: &PartitionDir, why: &str) -> Result<(), StartError> {
    let aside = data.set_stray(place, fresh_uuid())?;
    let (path, aside) = (place.path.display(), aside.display());
    tracing::warn!("{path} {why}: it is set aside as {aside}");
    Ok(())
}

/// A recovered log's batches, read from its files.
struct FileBatches {
    name: String,
    end: i64,
    reader: SegmentReader<RealDisk>,
}

impl Batches for FileBatches {
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
