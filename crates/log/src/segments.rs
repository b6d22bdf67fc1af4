//! What the pure state knows of each segment: where it begins and ends, and when its index entries fall due.

use crate::aborted::AbortedEntry;
use crate::config::LogConfig;
use crate::index::{IndexEntry, SparseIndex};
use crate::producer::NONE;
use crate::time_index::TimeIndexEntry;

/// Kafka's `segment.index.bytes` default holds this many time index entries, the larger of the two.
const INDEX_ENTRIES_MAX: u32 = 10 * 1024 * 1024 / 12;

/// One segment. The last one of a log grows; the others are closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The base offset, and the files' name.
    pub base: i64,
    /// Which files of that name: compaction gives each segment it makes a version of its own, others have 0.
    pub version: u64,
    /// The offset after the last batch; of a closed segment opened without a walk, the next one's base.
    pub end: i64,
    /// Bytes in the `.log` file.
    pub size: u64,
    /// When it was created by the broker's clock, for `segment.ms` while it has no timestamp of its own.
    pub created: i64,
    /// The largest timestamp of the first batch, −1 if none: what `segment.ms` counts from.
    pub first_timestamp: i64,
    /// The largest timestamp, −1 if none, and the last offset of the first batch that has it.
    pub max_timestamp: TimeIndexEntry,
    /// The timestamp of the last entry of the time index, −1 if none.
    pub last_time_entry: i64,
    /// Where the batch with the last index entry begins; 0 if there is none.
    pub last_indexed: u64,
    /// A sample of the offset index.
    pub index: SparseIndex,
    /// The transactions whose abort marker lies here, ascending by marker.
    pub aborted: Vec<AbortedEntry>,
}

impl Segment {
    /// An empty segment.
    #[must_use]
    pub fn new(base: i64, created: i64) -> Self {
        Segment {
            base,
            version: 0,
            end: base,
            size: 0,
            created,
            first_timestamp: NONE,
            max_timestamp: TimeIndexEntry {
                timestamp: NONE,
                offset: NONE,
            },
            last_time_entry: NONE,
            last_indexed: 0,
            index: SparseIndex::default(),
            aborted: Vec::new(),
        }
    }

    /// Kafka's roll rule (`LogSegment.shouldRoll`): size, age, a full index, or offsets too far from the base.
    pub(crate) fn must_roll(&self, config: &LogConfig, now: i64, batch: &Extent) -> bool {
        if self.size == 0 {
            return batch.last_offset - self.base > i64::from(i32::MAX);
        }
        let age = if self.first_timestamp >= 0 {
            batch.max_timestamp.saturating_sub(self.first_timestamp)
        } else {
            now.saturating_sub(self.created)
        };
        self.size + batch.size > u64::from(config.segment_bytes)
            || age > config.segment_ms
            || self.index.file_entries() >= INDEX_ENTRIES_MAX
            || batch.last_offset - self.base > i64::from(i32::MAX)
    }

    /// Takes a batch at its end. Returns the entries that fall due with it, for the offset and the time index.
    pub(crate) fn push(
        &mut self,
        batch: &Extent,
        index_interval_bytes: u32,
    ) -> (Option<IndexEntry>, Option<TimeIndexEntry>) {
        let position = self.size;
        self.note(batch);
        let mut due = (None, None);
        if position - self.last_indexed > u64::from(index_interval_bytes) {
            let position = u32::try_from(position).expect("segment.bytes has 32 bits");
            let entry = IndexEntry {
                offset: batch.last_offset,
                position,
            };
            self.index.push(entry);
            self.last_indexed = u64::from(position);
            due = (Some(entry), self.take_time_entry());
        }
        due
    }

    /// Takes a batch at its end whose index entries, if any fell due, are in the files already.
    pub(crate) fn note(&mut self, batch: &Extent) {
        if self.size == 0 {
            self.first_timestamp = batch.said;
        }
        if batch.max_timestamp > self.max_timestamp.timestamp {
            self.max_timestamp = TimeIndexEntry {
                timestamp: batch.max_timestamp,
                offset: batch.last_offset,
            };
        }
        self.size += batch.size;
        self.end = batch.last_offset + 1;
    }

    /// The time index entry for what is largest so far, if the index does not have it yet.
    pub(crate) fn take_time_entry(&mut self) -> Option<TimeIndexEntry> {
        let due = self.due_time_entry()?;
        self.last_time_entry = due.timestamp;
        Some(due)
    }

    /// When its newest record was written: by the records' timestamps, or, if none has one, by the broker's clock.
    pub(crate) fn newest(&self) -> i64 {
        match self.max_timestamp.timestamp {
            NONE => self.created,
            timestamp => timestamp,
        }
    }

    /// As [`Segment::take_time_entry`], but only looking.
    pub(crate) fn due_time_entry(&self) -> Option<TimeIndexEntry> {
        (self.max_timestamp.timestamp > self.last_time_entry).then_some(self.max_timestamp)
    }
}

/// What a segment needs to know of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) last_offset: i64,
    /// The largest of its records' timestamps.
    pub(crate) max_timestamp: i64,
    /// The largest that it says: compaction may have taken the record.
    pub(crate) said: i64,
    pub(crate) size: u64,
}

impl Extent {
    pub(crate) fn of(batch: &once_wire::batch::BatchHeader) -> Self {
        // A batch that compaction emptied has no record with its largest timestamp.
        let empty = batch.records_count() == 0;
        Extent {
            last_offset: batch.last_offset(),
            max_timestamp: if empty { NONE } else { batch.max_timestamp() },
            said: batch.max_timestamp(),
            size: batch.size() as u64,
        }
    }
}
