//! Files for the rig's engine, on a disk that loses what was not flushed.

use crate::engine::{LogId, Look, NotCompacted, Output, RecoveredLog, Seen};
use crate::storage::FileBatches;
use once_log::store::{
    Crash, DataDir, Disk, FakeDisk, Identity, Opening, ReadFailure, StateSnapshot, Store, recover,
};
use once_log::{Compacted, CompactionPlan, LogConfig};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A data directory and the partitions that are open in it.
pub(super) struct Files {
    disk: Arc<FakeDisk>,
    data: DataDir<FakeDisk>,
    stores: BTreeMap<LogId, Store<FakeDisk>>,
    removed: u8,
}

impl Files {
    pub(super) fn new() -> Self {
        Self::on(Arc::default())
    }

    fn on(disk: Arc<FakeDisk>) -> Self {
        let identity = Identity {
            cluster_id: "test".into(),
            node_id: 1,
            directory_id: Uuid([7; 16]),
        };
        let data = DataDir::open(Arc::clone(&disk), "/data".into(), &identity);
        Self {
            disk,
            data: data.expect("nobody else has it"),
            stores: BTreeMap::new(),
            removed: 0,
        }
    }

    /// Power fails, and comes back.
    pub(super) fn crashed(self) -> Self {
        self.disk.crash(Crash::LoseAll);
        Self::on(self.disk)
    }

    /// What recovery finds; the stores go back to [`Files::adopt`].
    pub(super) fn recover(&self, now: i64) -> (Vec<RecoveredLog>, Vec<Store<FakeDisk>>) {
        self.data.finish_deletions().expect("a sound disk");
        let (mut found, mut stores) = (Vec::new(), Vec::new());
        for place in self.data.partitions().expect("a sound disk") {
            let Some(topic_id) = place.topic_id else {
                continue;
            };
            let opening = Opening {
                topic_id,
                clean: false,
                recovery_point: 0,
                log_start_offset: 0,
                cleaned_to: 0,
                durable: true,
                now,
            };
            let config = LogConfig::default();
            let disk = Arc::clone(&self.disk);
            let (recovered, store) =
                recover(disk, place.path.clone(), &config, &opening).expect("a sound partition");
            let snapshot = StateSnapshot::newest(&*self.disk, &place.path, store.end_offset());
            let snapshot = snapshot.expect("a sound disk");
            found.push(RecoveredLog {
                topic: place.topic,
                topic_id,
                partition: place.partition,
                recovered,
                snapshot: snapshot.as_ref().map_or(0, |snapshot| snapshot.end),
                batches: Box::new(FileBatches::of(&store, snapshot)),
            });
            stores.push(store);
        }
        (found, stores)
    }

    pub(super) fn adopt(&mut self, log: LogId, store: Store<FakeDisk>) {
        self.stores.insert(log, store);
    }

    /// Carries out what concerns files; a read gives what it saw.
    pub(super) fn carry_out(&mut self, output: &Output) -> Option<Result<Seen, ReadFailure>> {
        match output {
            Output::Open {
                log,
                topic,
                topic_id,
                partition,
            } => {
                let directory = self.data.partition_path(topic, *partition);
                let store = Store::new(Arc::clone(&self.disk), directory, *topic_id);
                self.stores.insert(*log, store);
            }
            Output::Write { log, writes, .. } => {
                let store = self.stores.get_mut(log).expect("an open partition");
                store.write_all(writes).expect("a sound disk");
            }
            Output::Remove { log } => {
                self.removed += 1;
                let store = self.stores.remove(log).expect("an open partition");
                let aside = store.set_aside(Uuid([self.removed; 16]));
                let aside = aside.expect("a sound disk");
                if let Some(aside) = aside {
                    aside.clear().expect("a sound disk");
                }
            }
            Output::Read { log, look, .. } => {
                let reader = self.stores[log].reader();
                return Some(match look {
                    Look::Batches(range) => reader.read(range).map(Seen::Batches),
                    Look::Record(search) => reader.find_timestamp(search).map(Seen::Record),
                });
            }
            Output::Start { .. }
            | Output::Compact { .. }
            | Output::Reply { .. }
            | Output::Close { .. }
            | Output::Measure
            | Output::Warn(_) => {}
        }
        None
    }

    /// Compacts a log, from the flushes that are owed to the swap.
    pub(super) fn compact(
        &mut self,
        log: LogId,
        plan: CompactionPlan,
    ) -> Result<Compacted, NotCompacted> {
        let store = self.stores.get_mut(&log).expect("an open partition");
        store.debt().settle().expect("a sound disk");
        let prepared = store.compaction(plan).run(&|| false);
        let prepared = prepared.map_err(|failure| NotCompacted {
            text: failure.to_string(),
            again: false,
        })?;
        store.swap(&prepared).expect("a sound disk");
        Ok(prepared.compacted().clone())
    }

    /// The names of a partition's files.
    pub(super) fn names(&self, topic: &str) -> Vec<String> {
        let directory = self.data.partition_path(topic, 0);
        let listed = self.disk.list(&directory).expect("a sound disk");
        listed.into_iter().map(|entry| entry.name).collect()
    }

    /// Damages the first bytes of a log's first segment.
    pub(super) fn damage(&self, topic: &str) {
        let directory = self.data.partition_path(topic, 0);
        let path = directory.join("00000000000000000000.log");
        let file = self.disk.open(&path, false).expect("is there");
        let damage = [std::io::IoSlice::new(b"damage")];
        self.disk
            .write_at(&file, 70, &damage)
            .expect("a sound disk");
    }

    /// Flushes what was written to a log, if it still has files.
    pub(super) fn sync(&mut self, log: LogId) {
        if let Some(store) = self.stores.get_mut(&log) {
            store.sync().expect("a sound disk");
        }
    }
}
