//! Which part of a log is to be compacted, and all that whoever does it needs to know.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::aborted::AbortedEntry;
use crate::config::LogConfig;
use crate::log::PartitionLog;
use crate::mutant::Mutant;
use crate::producer::ProducerEntry;
use crate::segments::Segment;

/// How much of a log was written since it was compacted last. Of two, the one with the larger share is greater.
#[derive(Clone, Copy, Debug)]
pub struct Filth {
    dirty: u64,
    total: u64,
}

/// A segment that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Its base offset.
    pub base: i64,
    /// The offset after its last batch.
    pub end: i64,
    /// Bytes of its log.
    pub size: u64,
    /// When it was created.
    pub created: i64,
}

/// What a producer wrote last: the batch that has to stay, so that its epoch and sequence can be told from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    /// The offset of its last data; none if only a marker is known.
    pub data: Option<i64>,
    /// Its epoch.
    pub epoch: i16,
}

/// One compaction of one log: plain data.
#[derive(Clone, Debug)]
pub struct CompactionPlan {
    /// The segments, ascending and following each other, from the log's first one on.
    pub segments: Vec<PlannedSegment>,
    /// Below this offset an earlier compaction has seen all keys.
    pub first_dirty: i64,
    /// The time, in milliseconds: what delete horizons are set and judged by.
    pub now: i64,
    /// The transactions that were aborted and have data in the segments, in the order of their markers.
    pub aborted: Vec<AbortedEntry>,
    /// What the producers that are known wrote last.
    pub producers: BTreeMap<i64, LastRecord>,
    /// The version of the segments that come out of it.
    pub version: u64,
    /// The log's settings.
    pub config: LogConfig,
}

impl Filth {
    /// Bytes of all segments that take part.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.total
    }

    /// Whether nothing is dirty.
    fn is_none(self) -> bool {
        self.dirty == 0
    }

    /// Whether the dirty share is above this many millionths.
    fn exceeds(self, millionths: u32) -> bool {
        u128::from(self.dirty) * 1_000_000 > u128::from(self.total) * u128::from(millionths)
    }
}

impl PartialEq for Filth {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Filth {}

impl PartialOrd for Filth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Filth {
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = u128::from(self.dirty) * u128::from(other.total.max(1));
        ours.cmp(&(u128::from(other.dirty) * u128::from(self.total.max(1))))
    }
}

impl LastRecord {
    fn of(entry: &ProducerEntry) -> Self {
        LastRecord {
            data: entry.batches().last().map(|batch| batch.last_offset),
            epoch: entry.epoch,
        }
    }
}

impl CompactionPlan {
    /// The segments below `end`, as far as neighbours fit into one of `segment.bytes` and 2^31−1 offsets: each group
    /// becomes one segment (Kafka: `Cleaner.groupSegmentsBySize`).
    pub(crate) fn groups(&self, end: i64) -> Vec<&[PlannedSegment]> {
        let seen = self.segments.partition_point(|segment| segment.base < end);
        let mut rest = &self.segments[..seen];
        let mut groups = Vec::new();
        while let Some(first) = rest.first() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|next| {
                bytes += next.size;
                bytes <= u64::from(self.config.segment_bytes)
                    && next.end - 1 - first.base <= i64::from(i32::MAX)
            });
            let (group, after) = rest.split_at(fits.count().max(1));
            groups.push(group);
            rest = after;
        }
        groups
    }
}

impl PartitionLog {
    /// How dirty the log is, if it wants to be compacted now: `min.cleanable.dirty.ratio` of it is new, or something
    /// in it is older than `max.compaction.lag.ms` (Kafka: `LogCleanerManager.grabFilthiestCompactedLog`).
    #[must_use]
    pub fn filth(&self, now: i64) -> Option<Filth> {
        if !self.config.compacted || self.compacting {
            return None;
        }
        let segments = self.compactable(now);
        let dirty = segments
            .iter()
            .filter(|segment| segment.end > self.cleaned_to);
        let size = |segments: &mut dyn Iterator<Item = &Segment>| segments.map(|s| s.size).sum();
        let filth = Filth {
            dirty: size(&mut dirty.clone()),
            total: size(&mut segments.iter()),
        };
        let oldest = dirty
            .map(|segment| segment.first_timestamp)
            .filter(|at| *at > 0)
            .min();
        let late = now.saturating_sub(self.config.max_compaction_lag_ms);
        let is_late = oldest.is_some_and(|oldest| oldest < late);
        let wanted = is_late || filth.exceeds(self.config.min_dirty_millionths);
        (wanted && !filth.is_none()).then_some(filth)
    }

    /// Begins a compaction: until [`PartitionLog::compacted`] or [`PartitionLog::not_compacted`] there is no other,
    /// and no segment may be removed. `None` if nothing is to be compacted.
    pub fn plan_compaction(&mut self, now: i64) -> Option<CompactionPlan> {
        self.filth(now)?;
        let segments: Vec<PlannedSegment> = self.compactable(now).iter().map(planned).collect();
        let end = segments.last()?.end;
        self.compacting = true;
        self.compactions += 1;
        let producers = if self.config.breaks(Mutant::ForgetProducerOnCompaction) {
            BTreeMap::new()
        } else {
            self.producers()
                .map(|(id, entry)| (id, LastRecord::of(entry)))
                .collect()
        };
        Some(CompactionPlan {
            segments,
            first_dirty: self.cleaned_to,
            now,
            aborted: self
                .aborted()
                .filter(|entry| entry.first_offset < end)
                .copied()
                .collect(),
            producers,
            version: self.compactions,
            config: self.config.clone(),
        })
    }

    /// The closed segments from the first one on that may be compacted: below the last stable offset, and what is
    /// dirty older than `min.compaction.lag.ms`.
    fn compactable(&self, now: i64) -> &[Segment] {
        let stable = if self.config.breaks(Mutant::CompactAboveLastStable) {
            self.high_watermark()
        } else {
            self.last_stable_offset()
        };
        let lag = self.config.min_compaction_lag_ms;
        let closed = self.segments.len().saturating_sub(1);
        let closed = &self.segments[..closed];
        let is_young = |segment: &Segment| {
            lag > 0 && segment.end > self.cleaned_to && segment.newest() > now.saturating_sub(lag)
        };
        let may = closed
            .iter()
            .take_while(|segment| segment.end <= stable && !is_young(segment));
        &closed[..may.count()]
    }
}

fn planned(segment: &Segment) -> PlannedSegment {
    PlannedSegment {
        base: segment.base,
        end: segment.end,
        size: segment.size,
        created: segment.created,
    }
}
