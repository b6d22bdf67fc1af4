//! The segment that comes out of a group of old ones.

use once_wire::batch::{Batch, BatchError};

use super::{CleanedSegment, CompactionPlan, Filter, Left, PlannedSegment};
use crate::aborted::AbortedEntry;
use crate::segments::{Extent, Segment};

/// A new segment as it grows: what the log's state will know of it, and its index files.
#[derive(Debug)]
pub(crate) struct NewSegment {
    pub(crate) segment: Segment,
    pub(crate) index: Vec<u8>,
    pub(crate) time_index: Vec<u8>,
    pub(crate) aborted: Vec<u8>,
    replaces: Vec<i64>,
    end: i64,
    index_interval_bytes: u32,
    changed: bool,
    /// The leader epoch of the first batch of which nothing was left since one was written. The batch that stands for
    /// them has it: an epoch begins no earlier than it did.
    gone: Option<i32>,
}

impl NewSegment {
    /// An empty one, for a group of neighbours.
    pub(crate) fn new(plan: &CompactionPlan, group: &[PlannedSegment]) -> Self {
        let base = group.first().map_or(0, |segment| segment.base);
        let mut segment = Segment::new(base, group.last().map_or(0, |segment| segment.created));
        segment.version = plan.version;
        NewSegment {
            segment,
            index: Vec::new(),
            time_index: Vec::new(),
            aborted: Vec::new(),
            replaces: group.iter().map(|segment| segment.base).collect(),
            end: group.last().map_or(base, |segment| segment.end),
            index_interval_bytes: plan.config.index_interval_bytes,
            changed: group.len() > 1,
            gone: None,
        }
    }

    /// Takes the next batch of the group. Returns what is to be written: what is left of it, and before that, if
    /// nothing was left of those before it, a batch that says so.
    ///
    /// # Errors
    /// The batch cannot be unpacked.
    pub(crate) fn take(
        &mut self,
        filter: &mut Filter<'_>,
        batch: Batch,
    ) -> Result<Vec<Batch>, BatchError> {
        let keeps_end = batch.last_offset() + 1 == self.end;
        if batch.is_nothing() && !keeps_end {
            // It is made again, with what goes beside it.
            self.gone.get_or_insert(batch.leader_epoch());
            return Ok(Vec::new());
        }
        let epoch = batch.leader_epoch();
        let (left, aborted) = filter.batch(&batch, keeps_end)?;
        let left = match left {
            Left::Whole => batch,
            Left::Changed(left) => {
                self.changed = true;
                left
            }
            Left::Nothing => {
                self.changed = true;
                self.gone.get_or_insert(epoch);
                return Ok(Vec::new());
            }
        };
        let mut written = Vec::new();
        let epoch = self.gone.take().unwrap_or(epoch);
        let (first, last) = (self.segment.end, left.base_offset() - 1);
        if first <= last {
            written.push(Batch::nothing(first, last, epoch, left.max_timestamp()));
        }
        written.push(left);
        for (n, batch) in written.iter().enumerate() {
            let is_left = n + 1 == written.len();
            self.push(batch, aborted.filter(|_| is_left));
        }
        Ok(written)
    }

    fn push(&mut self, batch: &Batch, aborted: Option<AbortedEntry>) {
        let base = self.segment.base;
        let (entry, time_entry) = self
            .segment
            .push(&Extent::of(batch), self.index_interval_bytes);
        self.index.extend(entry.iter().flat_map(|e| e.encode(base)));
        self.time_index
            .extend(time_entry.iter().flat_map(|e| e.encode(base)));
        self.aborted.extend(aborted.iter().flat_map(|e| e.encode()));
        self.segment.aborted.extend(aborted);
    }

    /// The group is at its end. `None` if it is as it was.
    pub(crate) fn close(&mut self, plan: &CompactionPlan) -> Option<CleanedSegment> {
        let base = self.segment.base;
        let last = self.segment.take_time_entry();
        self.time_index
            .extend(last.iter().flat_map(|e| e.encode(base)));
        let before = plan
            .aborted
            .iter()
            .filter(|e| (base..self.end).contains(&e.last_offset));
        if !self.changed && before.eq(&self.segment.aborted) {
            return None;
        }
        Some(CleanedSegment {
            replaces: self.replaces.clone(),
            segment: self.segment.clone(),
        })
    }
}
