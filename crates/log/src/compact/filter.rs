//! What is left of each batch.

use once_wire::batch::{Batch, BatchError, CLIENT_DECOMPRESSED_MAX};
use once_wire::control::ControlType;

use super::transactions::Transactions;
use super::{CompactionPlan, LastOffsets};
use crate::aborted::AbortedEntry;
use crate::mutant::Mutant;

/// No batch that a client could write decompresses to more.
pub(super) const DECOMPRESSED_MAX: usize = CLIENT_DECOMPRESSED_MAX;

/// What is left of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All of it.
    Whole,
    /// This.
    Changed(Batch),
    /// Nothing.
    Nothing,
}

/// The walk over all segments of a plan, batch by batch in their order.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    plan: &'a CompactionPlan,
    last: &'a LastOffsets,
    transactions: Transactions,
}

impl<'a> Filter<'a> {
    pub(crate) fn new(plan: &'a CompactionPlan, last: &'a LastOffsets) -> Self {
        Filter {
            plan,
            last,
            transactions: Transactions::new(&plan.aborted),
        }
    }

    /// What is left of the next batch; with `keeps_end` at least its header. Of an abort marker that stays because
    /// its transaction still had data, the entry for the aborted index.
    ///
    /// # Errors
    /// The batch cannot be unpacked.
    pub(crate) fn batch(
        &mut self,
        batch: &Batch,
        keeps_end: bool,
    ) -> Result<(Left, Option<AbortedEntry>), BatchError> {
        let stays = keeps_end || self.is_last_of_its_producer(batch);
        if batch.is_control() {
            return self.marker(batch, stays);
        }
        self.transactions.data(batch);
        let left = if self.transactions.is_aborted(batch) {
            nothing_of(batch, stays)
        } else if batch.last_offset() >= self.last.end() {
            Left::Whole
        } else {
            self.data(batch, stays)?
        };
        Ok((left, None))
    }

    /// A marker stays while the walk meets data of its transaction. When that is gone it gets a delete horizon, so
    /// that readers who saw the data see how it ended; after the horizon it goes (KIP-534).
    fn marker(
        &mut self,
        batch: &Batch,
        stays: bool,
    ) -> Result<(Left, Option<AbortedEntry>), BatchError> {
        let kind = batch.control().map(|control| control.kind);
        if kind.is_some() && !matches!(kind, Some(ControlType::Commit | ControlType::Abort)) {
            return Ok((Left::Whole, None));
        }
        let (had_data, entry) = self.transactions.marker(batch);
        if self.plan.config.breaks(Mutant::DropMarkerTooEarly) && !stays {
            return Ok((Left::Nothing, None));
        }
        if had_data {
            return Ok((Left::Whole, entry));
        }
        let left = if !batch.has_delete_horizon() && kind.is_some() {
            let unpacked = batch.unpack(DECOMPRESSED_MAX)?;
            let all = vec![true; unpacked.glances().count()];
            Left::Changed(unpacked.keep(&all, Some(self.horizon())))
        } else if stays || self.is_before_horizon(batch) {
            Left::Whole
        } else {
            Left::Nothing
        };
        Ok((left, None))
    }

    /// Of each key its last record stays, a tombstone until its delete horizon. A record without a key has nobody to
    /// ask for it: it comes from the time before the topic was compacted.
    fn data(&self, batch: &Batch, stays: bool) -> Result<Left, BatchError> {
        let unpacked = batch.unpack(DECOMPRESSED_MAX)?;
        let keeps_tombstones = !batch.has_delete_horizon() || self.is_before_horizon(batch);
        let mut tombstones = false;
        let keep = |record: once_wire::records::Glance<'_>| {
            let last = record
                .key
                .is_some_and(|key| self.last.is_last(key, record.offset));
            let kept = last && (record.has_value || keeps_tombstones);
            tombstones |= kept && !record.has_value;
            kept
        };
        let kept: Vec<bool> = unpacked.glances().map(keep).collect();
        if !kept.contains(&true) {
            return Ok(nothing_of(batch, stays));
        }
        let horizon = (tombstones && !batch.has_delete_horizon()).then(|| self.horizon());
        if horizon.is_none() && !kept.contains(&false) {
            return Ok(Left::Whole);
        }
        Ok(Left::Changed(unpacked.keep(&kept, horizon)))
    }

    /// Kafka's rule: the batch with the producer's last data; if none is known, a marker of its epoch.
    fn is_last_of_its_producer(&self, batch: &Batch) -> bool {
        let Some(last) = self.plan.producers.get(&batch.producer_id()) else {
            return false;
        };
        match last.data {
            Some(offset) => batch.last_offset() == offset,
            None => batch.is_control() && batch.producer_epoch() == last.epoch,
        }
    }

    fn is_before_horizon(&self, batch: &Batch) -> bool {
        batch.has_delete_horizon() && self.plan.now < batch.base_timestamp()
    }

    fn horizon(&self) -> i64 {
        self.plan
            .now
            .saturating_add(self.plan.config.delete_retention_ms)
    }
}

/// No record of it stays, and its header only if it must.
fn nothing_of(batch: &Batch, stays: bool) -> Left {
    if !stays {
        Left::Nothing
    } else if batch.records_count() == 0 {
        Left::Whole
    } else {
        Left::Changed(batch.emptied())
    }
}
