//! Recovery: what the data directory holds becomes an engine.

use super::batches::FileBatches;
use super::points::{Checkpoints, Offsets};
use super::sorted::{Sorted, sort};
use crate::broker::StartError;
use crate::config::{Config, FlushPolicy};
use crate::engine::{
    Engine, Identity, LogId, METADATA_TOPIC, METADATA_TOPIC_ID, Output, RecoveredLog, Replayed,
    fresh_uuid, live_topics,
};
use crate::mutant::Mutant;
use once_log::store::{
    Checkpoint, DataDir, Disk, Journal, JournalBatch, JournalScan, Opening, PartitionDir,
    StateSnapshot, Store, remove_states_above,
};
use once_log::{LogConfig, Recovered};
use once_wire::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a data directory became.
pub struct Recovery<D: Disk> {
    /// The engine, ready for its first input.
    pub engine: Engine,
    /// What it wants done before that.
    pub outputs: Vec<Output>,
    /// The files of every log that was found.
    pub stores: Vec<(LogId, PartitionDir, Store<D>)>,
    /// What the checkpoints say now.
    pub checkpoints: Checkpoints,
    /// The journal, if there is to be one.
    pub journal: Option<Journal<D>>,
}

/// Recovers every partition from its files and the journal, then folds the internal ones into the
/// engine. What no topic owns is set aside. `entropy` is sixteen fresh random bytes, for identities.
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
    let owner = data.identity().directory_id;
    let journal = JournalScan::read(Arc::clone(disk), data.path(), owner, config.broken_log())?;
    journal.settle()?;
    let sizes = config.journal;
    // What the journal holds was acknowledged as being on disk, whatever is promised from now on.
    let durable = (config.flush == FlushPolicy::Disk || !journal.batches().is_empty())
        && !config.breaks(Mutant::TrustFoundBytes);
    let flushes = durable && !config.breaks(Mutant::SkipRecoveredFlush);
    let mut found = Finder::new(disk, data, &config, &journal, flushes, (now, entropy))?;
    found.all()?;
    let Finder {
        logs,
        places,
        mut points,
        starts: known_starts,
        cleaned: known_cleaned,
        mut aside,
        ..
    } = found;
    let offsets = logs.iter().map(|log| &log.recovered);
    let offsets = offsets.map(|found| (found.log_start_offset, found.cleaned_to));
    let offsets: Vec<(i64, i64)> = offsets.collect();
    let Replayed {
        engine,
        outputs,
        adopted,
    } = Engine::recover(config, identity, now, entropy, logs)?;
    let Sorted {
        stores,
        strays,
        recovered,
        started,
        cleaned,
    } = sort(adopted, places, offsets);
    if durable {
        data.write_checkpoint(Checkpoint::RecoveryPoint, &recovered)?;
        points = recovered;
    } else if strays.iter().any(|(key, _)| points.contains_key(key)) {
        // Without a flush the files above the old recovery points are only in the page cache: the
        // others stay as they are.
        points.retain(|key, _| strays.iter().all(|(stray, _)| stray != key));
        data.write_checkpoint(Checkpoint::RecoveryPoint, &points)?;
    }
    // The next topic of a name must not start where one that is gone did. And what a partition's first segment
    // says is not durable before it is written down.
    if started != known_starts {
        data.write_checkpoint(Checkpoint::LogStart, &started)?;
    }
    if cleaned != known_cleaned {
        data.write_checkpoint(Checkpoint::Cleaned, &cleaned)?;
    }
    // After their recovery points: else the next start, if this one is cut short, misses them.
    for (_, place) in strays {
        aside.set(&place, "belongs to no topic")?;
    }
    let journal = match sizes.filter(|_| engine.is_atomic()) {
        Some(sizes) => {
            let disk = Arc::clone(disk);
            Some(Journal::begin(disk, data.path(), owner, &journal, sizes)?)
        }
        None => {
            journal.retire(data.path())?;
            None
        }
    };
    Ok(Recovery {
        engine,
        outputs,
        stores,
        checkpoints: Checkpoints {
            points,
            starts: started,
            cleaned,
        },
        journal,
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

/// A partition by its topic's id.
type Key = (Uuid, i32);

/// Recovers the files of every partition, one after the other.
struct Finder<'a, D: Disk> {
    disk: &'a Arc<D>,
    journal: &'a JournalScan<D>,
    /// What the journal holds of each partition that was not recovered yet.
    journalled: BTreeMap<Key, Vec<&'a JournalBatch>>,
    aside: Aside<'a, D>,
    log_config: LogConfig,
    clean: bool,
    durable: bool,
    /// The log after a snapshot is not read, as a mutant has it.
    forgets_log: bool,
    now: i64,
    points: Offsets,
    starts: Offsets,
    cleaned: Offsets,
    logs: Vec<RecoveredLog>,
    places: Vec<(PartitionDir, Store<D>)>,
}

impl<'a, D: Disk> Finder<'a, D> {
    fn new(
        disk: &'a Arc<D>,
        data: &'a DataDir<D>,
        config: &Config,
        journal: &'a JournalScan<D>,
        durable: bool,
        (now, entropy): (i64, u128),
    ) -> Result<Self, StartError> {
        let clean = data.take_clean_marker()?;
        if let Err(error) = data.finish_deletions() {
            tracing::warn!("{error}: what is left of deleted topics stays until the next start");
        }
        let mut journalled: BTreeMap<Key, Vec<&JournalBatch>> = BTreeMap::new();
        for batch in journal.batches() {
            let key = (batch.topic_id, batch.partition);
            journalled.entry(key).or_default().push(batch);
        }
        Ok(Self {
            disk,
            journal,
            journalled,
            aside: Aside {
                data,
                entropy: !entropy,
                count: 0,
            },
            log_config: LogConfig {
                producer_id_expiration_ms: config.producer_id_expiration_ms,
                broken: config.broken_log(),
                ..LogConfig::default()
            },
            clean,
            durable,
            forgets_log: config.breaks(Mutant::CatalogWithoutReplay),
            now,
            points: data.read_checkpoint(Checkpoint::RecoveryPoint)?,
            starts: data.read_checkpoint(Checkpoint::LogStart)?,
            cleaned: data.read_checkpoint(Checkpoint::Cleaned)?,
            logs: Vec::new(),
            places: Vec::new(),
        })
    }

    /// The catalog first: it says which other partitions there are. What the journal holds of a
    /// topic that was deleted since is not wanted.
    fn all(&mut self) -> Result<(), StartError> {
        let data = self.aside.data;
        let (catalog, others): (Vec<_>, Vec<_>) = data
            .partitions()?
            .into_iter()
            .partition(|place| place.topic == METADATA_TOPIC);
        self.named(catalog)?;
        self.journalled(|id| id == METADATA_TOPIC_ID)?;
        let live = match self.logs.first() {
            Some(catalog) => live_topics(&*catalog.batches)?,
            None => {
                self.refuse_lost(data)?;
                BTreeSet::new()
            }
        };
        let (owned, strays): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|place| place.topic_id.is_none_or(|id| live.contains(&id)));
        self.forget(data, &strays)?;
        for place in strays {
            self.aside.set(&place, "belongs to no topic")?;
        }
        self.named(owned)?;
        self.journalled(|id| live.contains(&id))?;
        self.refuse_lost(data)
    }

    /// What the checkpoints say of partitions that no topic owns goes, on disk too: the next topic of
    /// the name is not held to it. Before their directories are set aside: a start that is cut short
    /// between the two would leave entries of which the next one does not know whose they are.
    fn forget(&mut self, data: &DataDir<D>, strays: &[PartitionDir]) -> Result<(), StartError> {
        for (which, offsets) in [
            (Checkpoint::RecoveryPoint, &mut self.points),
            (Checkpoint::LogStart, &mut self.starts),
            (Checkpoint::Cleaned, &mut self.cleaned),
        ] {
            let before = offsets.len();
            for place in strays {
                offsets.remove(&(place.topic.clone(), place.partition));
            }
            if offsets.len() < before {
                data.write_checkpoint(which, offsets)?;
            }
        }
        Ok(())
    }

    /// Partitions that have a directory.
    fn named(&mut self, places: Vec<PartitionDir>) -> Result<(), StartError> {
        for place in places {
            let key = (place.topic.clone(), place.partition);
            let Some(topic_id) = place.topic_id else {
                // The id is on disk before the first acknowledgement; so nothing here was
                // acknowledged, or the directory is damaged, or the journal has all of it.
                if self.points.contains_key(&key) {
                    return Err(StartError::Partition {
                        path: place.path,
                        problem: "its partition.metadata is missing or damaged",
                    });
                }
                self.aside
                    .set(&place, "says not which topic it belongs to")?;
                continue;
            };
            self.one(place, topic_id)?;
        }
        Ok(())
    }

    /// Partitions of which only the journal knows: power was lost before their directories were on
    /// disk.
    fn journalled(&mut self, wanted: impl Fn(Uuid) -> bool) -> Result<(), StartError> {
        let lost: Vec<(Key, String)> = self
            .journalled
            .iter()
            .filter(|((id, _), _)| wanted(*id))
            .filter_map(|(key, batches)| Some((*key, batches.first()?.topic.clone())))
            .collect();
        for ((topic_id, partition), topic) in lost {
            let place = PartitionDir {
                path: self.aside.data.partition_path(&topic, partition),
                topic,
                partition,
                topic_id: Some(topic_id),
            };
            self.one(place, topic_id)?;
        }
        Ok(())
    }

    fn one(&mut self, place: PartitionDir, topic_id: Uuid) -> Result<(), StartError> {
        let key = (place.topic.clone(), place.partition);
        let opening = Opening {
            topic_id,
            clean: self.clean,
            recovery_point: self.points.get(&key).copied().unwrap_or(0),
            log_start_offset: self.starts.get(&key).copied().unwrap_or(0),
            cleaned_to: self.cleaned.get(&key).copied().unwrap_or(0),
            durable: self.durable,
            now: self.now,
        };
        let held = self.journalled.remove(&(topic_id, place.partition));
        let held = held.unwrap_or_default();
        let (recovered, store) = once_log::store::restore(
            self.disk,
            place.path.clone(),
            &self.log_config,
            &opening,
            (self.journal, &held),
        )?;
        let snapshot = self.snapshot(&place, &recovered)?;
        let stands_for = snapshot.as_ref().map_or(0, |snapshot| snapshot.end);
        let mut batches = FileBatches::of(&store, snapshot);
        if self.forgets_log {
            batches = batches.without_log();
        }
        self.logs.push(RecoveredLog {
            topic: place.topic.clone(),
            topic_id,
            partition: place.partition,
            batches: Box::new(batches),
            snapshot: stands_for,
            recovered,
        });
        self.places.push((place, store));
        Ok(())
    }

    /// The snapshot to begin with, of the catalog's log. One that is not whole is not needed while
    /// the log reaches further back.
    fn snapshot(
        &self,
        place: &PartitionDir,
        recovered: &Recovered,
    ) -> Result<Option<StateSnapshot>, StartError> {
        if place.topic != METADATA_TOPIC {
            return Ok(None);
        }
        remove_states_above(&**self.disk, &place.path, recovered.end_offset)?;
        let found = StateSnapshot::newest(&**self.disk, &place.path, recovered.end_offset)?;
        let first = recovered.segments.first().map_or(0, |segment| segment.base);
        if found.as_ref().map_or(0, |snapshot| snapshot.end) < first {
            let path = place.path.clone();
            return Err(StartError::Catalog { path, first });
        }
        Ok(found)
    }

    /// A partition that had records on disk must be there.
    fn refuse_lost(&self, data: &DataDir<D>) -> Result<(), StartError> {
        let names: BTreeSet<_> = self
            .places
            .iter()
            .map(|(place, _)| (place.topic.clone(), place.partition))
            .collect();
        match self.points.keys().find(|key| !names.contains(*key)) {
            Some((topic, partition)) => Err(StartError::Partition {
                path: data.partition_path(topic, *partition),
                problem: "it is gone, and the recovery-point checkpoint says that it had records",
            }),
            None => Ok(()),
        }
    }
}
