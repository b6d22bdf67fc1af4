//! The end of the log in memory: every unflushed batch, and some flushed ones for readers that keep up.

use std::collections::VecDeque;

use bytes::Bytes;
use once_wire::batch::Batch;

/// One batch in memory.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    /// The base offset of its segment.
    pub(crate) segment: i64,
    /// Bytes of the whole log before it, deleted segments included: a ruler to measure distances by.
    pub(crate) at: u64,
    pub(crate) bytes: Bytes,
}

/// Consecutive batches up to the end of the log.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    batches: VecDeque<TailBatch>,
    /// Bytes of the whole log up to its end, on the ruler of [`TailBatch::at`].
    end_at: u64,
    /// The segment of the last batch that is no longer in memory, and the largest timestamp of those of its
    /// batches that are not: tells whether a search by time has to look into the file.
    gone: (i64, i64),
}

impl Tail {
    /// Nothing in memory, of a log of so many bytes whose last segment has this base and largest timestamp.
    pub(crate) fn new(end_at: u64, segment: i64, max_timestamp: i64) -> Self {
        Tail {
            batches: VecDeque::new(),
            end_at,
            gone: (segment, max_timestamp),
        }
    }

    pub(crate) fn end_at(&self) -> u64 {
        self.end_at
    }

    /// The first offset in memory, if any.
    pub(crate) fn first_offset(&self) -> Option<i64> {
        self.batches.front().map(|b| b.base_offset)
    }

    pub(crate) fn push(&mut self, segment: i64, batch: &Batch) {
        let bytes = batch.as_bytes().clone();
        let at = self.end_at;
        self.end_at += bytes.len() as u64;
        self.batches.push_back(TailBatch {
            base_offset: batch.base_offset(),
            last_offset: batch.last_offset(),
            max_timestamp: batch.max_timestamp(),
            segment,
            at,
            bytes,
        });
    }

    /// The batches from the one that holds `offset`, or else the next one, to the end.
    pub(crate) fn from(&self, offset: i64) -> impl Iterator<Item = &TailBatch> {
        let skip = self.batches.partition_point(|b| b.last_offset < offset);
        self.batches.range(skip..)
    }

    /// Where `offset` lies on the ruler, if it is in memory or the log's end.
    pub(crate) fn at(&self, offset: i64) -> Option<u64> {
        if self.first_offset().is_some_and(|first| offset < first) {
            return None;
        }
        Some(self.from(offset).next().map_or(self.end_at, |b| b.at))
    }

    /// The largest timestamp of this segment's batches that are no longer in memory; `None` if all of it is
    /// in memory, or none.
    pub(crate) fn gone_from(&self, segment: i64) -> Option<i64> {
        let (gone, max_timestamp) = self.gone;
        (gone == segment).then_some(max_timestamp)
    }

    /// Lets go of all batches below an offset at which a segment begins.
    pub(crate) fn forget_below(&mut self, base: i64) {
        let below = self.batches.partition_point(|b| b.last_offset < base);
        for batch in self.batches.drain(..below) {
            let (segment, known) = self.gone;
            let known = if segment == batch.segment {
                known
            } else {
                i64::MIN
            };
            self.gone = (batch.segment, known.max(batch.max_timestamp));
        }
    }

    /// Lets go of the oldest flushed batches, until at most `keep` bytes below `high_watermark` remain.
    pub(crate) fn trim(&mut self, high_watermark: i64, keep: u64) {
        let Some(flushed_at) = self.at(high_watermark) else {
            return;
        };
        while let Some(front) = self.batches.front() {
            if front.last_offset >= high_watermark || flushed_at - front.at <= keep {
                return;
            }
            let known = self.gone_from(front.segment).unwrap_or(i64::MIN);
            self.gone = (front.segment, known.max(front.max_timestamp));
            self.batches.pop_front();
        }
    }
}
