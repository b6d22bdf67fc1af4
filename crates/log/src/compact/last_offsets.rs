//! Where each key of the dirty part was written last.

use std::collections::BTreeMap;

use once_wire::batch::{Batch, BatchError};

use super::filter::DECOMPRESSED_MAX;
use super::transactions::Transactions;
use crate::mutant::Mutant;

use super::CompactionPlan;

/// What an entry takes beside its key, about.
const ENTRY_BYTES: usize = 64;

/// Keys and the offsets of their last committed records, from the first dirty offset up to an end.
#[derive(Debug)]
pub(crate) struct LastOffsets {
    by_key: BTreeMap<Box<[u8]>, i64>,
    bytes: usize,
    first_dirty: i64,
    end: i64,
    keeps_first: bool,
    transactions: Transactions,
    limit: usize,
}

impl LastOffsets {
    /// Nothing yet. Of the aborted, only whose they are is asked.
    pub(crate) fn new(plan: &CompactionPlan) -> Self {
        LastOffsets {
            by_key: BTreeMap::new(),
            bytes: 0,
            first_dirty: plan.first_dirty,
            end: plan.first_dirty,
            keeps_first: plan.config.breaks(Mutant::CompactKeepsFirst),
            transactions: Transactions::new(&plan.aborted),
            limit: plan.config.dedupe_buffer_bytes,
        }
    }

    /// Takes the next batch. Whatever the limit, one batch is taken: a compaction gets further.
    ///
    /// # Errors
    /// The batch cannot be unpacked.
    pub(crate) fn take(&mut self, batch: &Batch) -> Result<(), BatchError> {
        let end = batch.last_offset() + 1;
        if end <= self.first_dirty {
            return Ok(());
        }
        if !batch.is_control() && !self.transactions.is_aborted(batch) {
            for record in batch.unpack(DECOMPRESSED_MAX)?.glances() {
                if let Some(key) = record.key {
                    self.put(key, record.offset);
                }
            }
        }
        self.end = end;
        Ok(())
    }

    fn put(&mut self, key: &[u8], offset: i64) {
        match self.by_key.get_mut(key) {
            Some(last) if !self.keeps_first => *last = offset,
            Some(_) => {}
            None => {
                self.bytes += key.len() + ENTRY_BYTES;
                self.by_key.insert(key.into(), offset);
            }
        }
    }

    /// Whether the next batch has to wait for the next compaction.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// What was taken ends before this offset.
    pub(crate) fn end(&self) -> i64 {
        self.end
    }

    /// Whether this record of the part that was taken, or of the clean part before it, is the last one of its key.
    pub(super) fn is_last(&self, key: &[u8], offset: i64) -> bool {
        match self.by_key.get(key) {
            Some(first) if self.keeps_first => offset <= *first,
            Some(last) => offset >= *last,
            None => true,
        }
    }
}
