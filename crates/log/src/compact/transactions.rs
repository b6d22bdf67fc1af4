//! Whose batches were aborted, and which transactions still have data before their marker.

use std::collections::{BTreeMap, BTreeSet};

use once_wire::batch::Batch;

use crate::aborted::AbortedEntry;

/// What the walk knows of transactions.
#[derive(Debug)]
pub(super) struct Transactions {
    /// By producer, in the order of the markers: the transactions of one producer do not overlap.
    aborted: BTreeMap<i64, Vec<AbortedEntry>>,
    /// Producers of which the walk met data that no marker has followed yet.
    with_data: BTreeSet<i64>,
}

impl Transactions {
    pub(super) fn new(entries: &[AbortedEntry]) -> Self {
        let mut aborted: BTreeMap<i64, Vec<AbortedEntry>> = BTreeMap::new();
        for entry in entries {
            aborted.entry(entry.producer_id).or_default().push(*entry);
        }
        Transactions {
            aborted,
            with_data: BTreeSet::new(),
        }
    }

    /// Whether a batch of data belongs to a transaction that was aborted.
    pub(super) fn is_aborted(&self, batch: &Batch) -> bool {
        batch.is_transactional()
            && self
                .ended_after(batch)
                .is_some_and(|entry| entry.first_offset <= batch.base_offset())
    }

    /// The walk met data.
    pub(super) fn data(&mut self, batch: &Batch) {
        if batch.is_transactional() {
            self.with_data.insert(batch.producer_id());
        }
    }

    /// The walk met a marker. Whether it met data of that transaction, and the entry for the aborted index, if it
    /// has one.
    pub(super) fn marker(&mut self, batch: &Batch) -> (bool, Option<AbortedEntry>) {
        let had_data = self.with_data.remove(&batch.producer_id());
        let entry = self.ended_after(batch);
        let own = entry.filter(|entry| entry.last_offset == batch.base_offset());
        (had_data, own.copied())
    }

    /// The first of the producer's aborted transactions whose marker is at or after the batch.
    fn ended_after(&self, batch: &Batch) -> Option<&AbortedEntry> {
        let of_producer = self.aborted.get(&batch.producer_id())?;
        let before = of_producer.partition_point(|entry| entry.last_offset < batch.base_offset());
        of_producer.get(before)
    }
}
