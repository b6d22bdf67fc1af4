//! The pure state of one partition: a fold over its batches, with no file, clock or thread in it.

use std::collections::BTreeMap;

use crate::aborted::AbortedEntry;
use crate::config::LogConfig;
use crate::epochs::{EpochEntry, LeaderEpochs};
use crate::mutant::Mutant;
use crate::offsets::Offsets;
use crate::producer::{NONE, ProducerEntry};
use crate::producers::Producers;
use crate::segments::Segment;
use crate::snapshot::{encode_snapshot, encode_window};
use crate::tail::Tail;
use crate::write::{SnapshotWrite, Write};

/// What recovery found in a partition's files; [`PartitionLog::recovered`] continues from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The log start offset.
    pub log_start_offset: i64,
    /// The log end offset, exclusive. Everything below it is on disk.
    pub end_offset: i64,
    /// The leader epochs, ascending.
    pub epochs: Vec<EpochEntry>,
    /// The segments, ascending; empty if the partition was never written.
    pub segments: Vec<Segment>,
    /// The producers as the batches below `end_offset` leave them.
    pub producers: BTreeMap<i64, ProducerEntry>,
    /// The end, if a snapshot of the producers at the end is there for good.
    pub last_snapshot: Option<i64>,
    /// Below this offset compaction has seen all keys.
    pub cleaned_to: i64,
}

/// One partition's log in memory: offsets, producers, what lies where, and the tail of the bytes.
///
/// It decides and remembers; [`Write`]s that it hands out are carried to the files by someone else, who says
/// how far they got by [`PartitionLog::flushed`]. A failed write ends the process, so nothing is rolled back.
#[derive(Clone, Debug)]
pub struct PartitionLog {
    pub(crate) config: LogConfig,
    pub(crate) leader_epoch: i32,
    pub(crate) offsets: Offsets,
    /// Where the log will start once that is durable; the start itself if nothing is on its way.
    pub(crate) ordered_start: i64,
    pub(crate) epochs: LeaderEpochs,
    /// The epochs in memory are not yet in the file: the next append writes them.
    pub(crate) epochs_unwritten: bool,
    pub(crate) producers: Producers,
    pub(crate) segments: Vec<Segment>,
    pub(crate) tail: Tail,
    pub(crate) last_snapshot: Option<i64>,
    /// Below this offset compaction has seen all keys.
    pub(crate) cleaned_to: i64,
    /// A compaction is under way.
    pub(crate) compacting: bool,
    /// How many compactions there were; each gives its segments a version of its own.
    pub(crate) compactions: u64,
}

impl PartitionLog {
    /// An empty log at offset 0, led under `leader_epoch`.
    #[must_use]
    pub fn new(config: LogConfig, leader_epoch: i32) -> Self {
        let nothing = Recovered {
            log_start_offset: 0,
            end_offset: 0,
            epochs: Vec::new(),
            segments: Vec::new(),
            producers: BTreeMap::new(),
            last_snapshot: None,
            cleaned_to: 0,
        };
        PartitionLog::recovered(config, leader_epoch, nothing)
    }

    /// The log that recovery found, led under `leader_epoch` from its end on. The high watermark is the end:
    /// recovery has flushed what it found.
    #[must_use]
    pub fn recovered(config: LogConfig, leader_epoch: i32, found: Recovered) -> Self {
        let mut found = found;
        if config.breaks(Mutant::WindowAfterRestart) {
            for entry in found.producers.values_mut() {
                let last = entry.batches().last().copied();
                entry.set_batches(last.as_slice());
            }
        }
        let mut epochs = LeaderEpochs::new(found.epochs);
        let epochs_unwritten = epochs.assign(leader_epoch, found.end_offset);
        let bytes = found.segments.iter().map(|s| s.size).sum();
        let last = found.segments.last();
        PartitionLog {
            tail: Tail::new(
                bytes,
                last.map_or(NONE, |s| s.base),
                last.map_or(NONE, |s| s.max_timestamp.timestamp),
            ),
            config,
            leader_epoch,
            offsets: Offsets::flushed(found.log_start_offset, found.end_offset),
            ordered_start: found.log_start_offset,
            epochs,
            epochs_unwritten,
            producers: Producers::new(found.producers),
            segments: found.segments,
            last_snapshot: found.last_snapshot,
            cleaned_to: found.cleaned_to,
            compacting: false,
            compactions: 0,
        }
    }

    /// Other settings, from the next append on.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// The first offset a reader may ask for.
    #[must_use]
    pub fn log_start_offset(&self) -> i64 {
        self.offsets.start()
    }

    /// The offset the next record gets.
    #[must_use]
    pub fn end_offset(&self) -> i64 {
        self.offsets.end()
    }

    /// Everything below is flushed, and readers of uncommitted data see it.
    #[must_use]
    pub fn high_watermark(&self) -> i64 {
        self.offsets.high_watermark()
    }

    /// Readers of committed data see what is below: no transaction that touches it is open, or ended by a
    /// marker that is not flushed.
    #[must_use]
    pub fn last_stable_offset(&self) -> i64 {
        let high_watermark = self.offsets.high_watermark();
        if self.config.breaks(Mutant::HighWatermarkForLastStable) {
            return high_watermark;
        }
        match self.producers.first_unstable() {
            Some(first) => first.max(self.offsets.start()).min(high_watermark),
            None => high_watermark,
        }
    }

    /// The epoch under which batches are appended.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// The log is flushed up to `end`, exclusive: the high watermark moves there, and the last stable offset
    /// follows. True if either moved.
    pub fn flushed(&mut self, end: i64) -> bool {
        let stable = self.last_stable_offset();
        let moved = self.offsets.flushed_to(end);
        if moved {
            self.producers.flushed_to(self.offsets.high_watermark());
            self.tail
                .trim(self.offsets.high_watermark(), self.config.tail_bytes as u64);
        }
        moved || self.last_stable_offset() != stable
    }

    /// Where the largest leader epoch at or below `epoch` ended: that epoch and its end offset; (−1, −1) if
    /// unknown (OffsetForLeaderEpoch).
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: i32) -> (i32, i64) {
        self.epochs.end_offset_for(epoch, self.offsets.end())
    }

    /// Every producer the partition knows, by id.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &ProducerEntry)> {
        self.producers
            .entries()
            .iter()
            .map(|(id, entry)| (*id, entry))
    }

    /// Whether the partition knows a producer.
    #[must_use]
    pub fn knows(&self, producer_id: i64) -> bool {
        self.producers.get(producer_id).is_some()
    }

    /// Forgets producers that were idle for `producer.id.expiration.ms` and have no open transaction.
    pub fn expire_producers(&mut self, now: i64) {
        self.producers
            .expire(now, self.config.producer_id_expiration_ms);
    }

    /// Bytes of the log that were written since it was opened, and those that its files had then.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.tail.end_at()
    }

    /// The segments, ascending.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The aborted transactions the log knows of, in the order of their markers.
    pub fn aborted(&self) -> impl Iterator<Item = &AbortedEntry> {
        self.segments.iter().flat_map(|s| &s.aborted)
    }

    /// What a clean stop adds to the files: the last time index entry, a snapshot of the producers named by
    /// the end offset, and that the index files are complete. Empty for a log that was never written.
    #[must_use]
    pub fn clean_close(&self) -> Vec<Write> {
        let Some(active) = self.segments.last() else {
            return Vec::new();
        };
        let entry = active.due_time_entry();
        let mut writes: Vec<Write> = entry
            .map(|entry| Write::TimeIndex {
                segment: active.base,
                entry,
            })
            .into_iter()
            .collect();
        if self.last_snapshot != Some(self.offsets.end()) {
            writes.push(Write::Snapshot(self.snapshot()));
        }
        writes.push(Write::Close);
        writes
    }

    /// The producer table as it is at the log's end.
    pub(crate) fn snapshot(&self) -> SnapshotWrite {
        let producers = self.producers.entries();
        SnapshotWrite {
            end: self.offsets.end(),
            producers: encode_snapshot(producers),
            window: encode_window(producers),
        }
    }
}
