//! All producers of a partition, and the transactions that hold back its last stable offset.

use std::collections::BTreeMap;

use once_wire::batch::BatchHeader;
use once_wire::control::{ControlRecord, ControlType};

use crate::aborted::AbortedEntry;
use crate::producer::{
    CompletedTransaction, DataBatch, Marker, Origin, ProducerAppend, ProducerEntry,
};

/// A fold over the batches of a partition (Kafka's `ProducerStateManager`).
///
/// `ongoing` mirrors `current_txn_first_offset` of the entries, in offset order. `unreplicated` has the
/// transactions that are complete in memory but whose marker is not yet below the high watermark: a reader
/// of committed data must not pass their first offset before it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    entries: BTreeMap<i64, ProducerEntry>,
    ongoing: BTreeMap<i64, i64>,
    unreplicated: BTreeMap<i64, i64>,
}

impl Producers {
    pub(crate) fn new(entries: BTreeMap<i64, ProducerEntry>) -> Self {
        let ongoing = entries
            .iter()
            .filter_map(|(id, entry)| entry.current_txn_first_offset.map(|first| (first, *id)))
            .collect();
        Producers {
            entries,
            ongoing,
            unreplicated: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.entries.get(&producer_id)
    }

    pub(crate) fn entries(&self) -> &BTreeMap<i64, ProducerEntry> {
        &self.entries
    }

    /// Starts a change to one producer, on a copy.
    pub(crate) fn prepare(&self, producer_id: i64) -> ProducerAppend {
        ProducerAppend::new(producer_id, self.entries.get(&producer_id))
    }

    /// The batch is in the log: its copy becomes the entry.
    ///
    /// Returns the entry for the aborted index if a transaction ended in an abort.
    pub(crate) fn commit(
        &mut self,
        append: ProducerAppend,
        completed: Option<CompletedTransaction>,
    ) -> Option<AbortedEntry> {
        let (producer_id, entry) = append.into_entry();
        if let Some(first) = entry.current_txn_first_offset {
            self.ongoing.insert(first, producer_id);
        }
        self.entries.insert(producer_id, entry);
        let done = completed?;
        self.ongoing.remove(&done.first_offset);
        self.unreplicated
            .insert(done.first_offset, done.last_offset);
        if done.committed {
            return None;
        }
        Some(AbortedEntry {
            producer_id,
            first_offset: done.first_offset,
            last_offset: done.last_offset,
            last_stable_offset: self.first_ongoing().unwrap_or(done.last_offset + 1),
        })
    }

    /// Folds one batch of the log, as recovery does at the time `now`. Returns the aborted transaction it ended, if it
    /// did.
    ///
    /// Of data its header is enough; a control batch comes with its record.
    pub(crate) fn replay(
        &mut self,
        batch: &BatchHeader,
        control: Option<&ControlRecord>,
        now: i64,
    ) -> Option<AbortedEntry> {
        if batch.producer_id() < 0 {
            return None;
        }
        let mut append = self.prepare(batch.producer_id());
        let mut completed = None;
        if batch.is_control() {
            let control = control?;
            let commit = match control.kind {
                ControlType::Commit => true,
                ControlType::Abort => false,
                _ => return None,
            };
            let marker = Marker {
                producer_id: batch.producer_id(),
                producer_epoch: batch.producer_epoch(),
                coordinator_epoch: control.coordinator_epoch,
                commit,
                transaction_version: 0,
            };
            completed = append
                .marker(
                    Origin::Replay,
                    &marker,
                    batch.last_offset(),
                    batch.max_timestamp(),
                )
                .expect("a replayed marker is not judged again");
        } else {
            append
                .data(Origin::Replay, &data_batch(batch, now))
                .expect("a replayed batch is not judged again");
        }
        self.commit(append, completed)
    }

    /// Everything below `high_watermark` is flushed: markers below it hold nothing back any more.
    pub(crate) fn flushed_to(&mut self, high_watermark: i64) {
        self.unreplicated
            .retain(|_, marker| *marker >= high_watermark);
    }

    /// The first offset of the oldest transaction whose end a reader cannot yet see.
    pub(crate) fn first_unstable(&self) -> Option<i64> {
        let unreplicated = self.unreplicated.keys().next().copied();
        match (self.first_ongoing(), unreplicated) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub(crate) fn expire(&mut self, now: i64, expiration_ms: i64) {
        self.entries
            .retain(|_, entry| !entry.is_expired(now, expiration_ms));
    }

    pub(crate) fn first_ongoing(&self) -> Option<i64> {
        self.ongoing.keys().next().copied()
    }
}

/// What the producer rules need to know of a batch that has its offsets.
pub(crate) fn data_batch(batch: &BatchHeader, now: i64) -> DataBatch {
    DataBatch {
        now,
        epoch: batch.producer_epoch(),
        base_sequence: batch.base_sequence(),
        last_sequence: batch.last_sequence(),
        base_offset: batch.base_offset(),
        last_offset: batch.last_offset(),
        max_timestamp: batch.max_timestamp(),
        transactional: batch.is_transactional(),
    }
}
