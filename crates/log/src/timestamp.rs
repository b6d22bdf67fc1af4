//! Finding offsets by time (ListOffsets).

use bytes::Bytes;
use once_wire::batch::{Batch, BatchHeader, CLIENT_DECOMPRESSED_MAX};
use once_wire::compression::Compression;

use crate::log::PartitionLog;
use crate::producer::NONE;
use crate::read::{FileRange, Isolation};
use crate::segments::Segment;

/// A batch never decompresses to more than this while its timestamps are looked at: no client could write more.
const DECOMPRESSED_MAX: usize = CLIENT_DECOMPRESSED_MAX;

/// What a search by time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampLookup {
    /// The record, found in memory.
    Found(FoundTimestamp),
    /// There is no such record that the reader may see.
    NotFound,
    /// If there is one, it is in this file: the reader of the files looks.
    InFile(TimestampSearch),
}

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundTimestamp {
    /// Its timestamp, in milliseconds.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch it was written under.
    pub leader_epoch: i32,
}

/// A search for the first record of a file range with at least this timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampSearch {
    /// Where to look; its byte limits do not apply.
    pub range: FileRange,
    /// The least timestamp wanted, in milliseconds.
    pub timestamp: i64,
}

impl PartitionLog {
    /// The first record with a timestamp at or after `timestamp`; only in segments beyond the one of the base
    /// `beyond`, if that is told. A segment may have had such a record and have lost it, where the log starts
    /// within it: if its file has none, the search goes on beyond it.
    #[must_use]
    pub fn offset_for_timestamp(
        &self,
        timestamp: i64,
        isolation: Isolation,
        beyond: Option<i64>,
    ) -> TimestampLookup {
        let upper = self.readable_end(isolation);
        self.segments
            .iter()
            .filter(|s| s.max_timestamp.timestamp >= timestamp)
            .filter(|s| beyond.is_none_or(|base| s.base > base))
            .map(|segment| self.search(segment, timestamp, upper))
            .find(|found| *found != TimestampLookup::NotFound)
            .unwrap_or(TimestampLookup::NotFound)
    }

    /// The first record that has the largest timestamp of the log (ListOffsets' −3). Not found while it is
    /// still above what the reader may see, as in Kafka.
    #[must_use]
    pub fn max_timestamp(&self, isolation: Isolation) -> TimestampLookup {
        let largest = self
            .segments
            .iter()
            .map(|s| s.max_timestamp.timestamp)
            .max()
            .unwrap_or(NONE);
        if largest == NONE {
            TimestampLookup::NotFound
        } else {
            self.offset_for_timestamp(largest, isolation, None)
        }
    }

    /// Searches from the beginning of a segment that has a batch with at least `timestamp`.
    fn search(&self, segment: &Segment, timestamp: i64, upper: i64) -> TimestampLookup {
        let from = segment.base.max(self.log_start_offset());
        if from >= upper {
            return TimestampLookup::NotFound;
        }
        let gone = match self.tail.first_offset() {
            None => segment.max_timestamp.timestamp,
            Some(first) if first >= segment.end => segment.max_timestamp.timestamp,
            Some(_) => self.tail.gone_from(segment.base).unwrap_or(i64::MIN),
        };
        let range = FileRange {
            segment: segment.base,
            version: segment.version,
            position: 0,
            last: None,
            from,
            upper: upper.min(segment.end),
            max_bytes: 0,
            at_least_one: true,
        };
        let in_file = TimestampLookup::InFile(TimestampSearch { range, timestamp });
        if gone >= timestamp {
            return in_file;
        }
        let seen = self.tail.from(from).take_while(|b| b.last_offset < upper);
        for batch in seen.filter(|b| b.max_timestamp >= timestamp) {
            if is_compressed(&batch.bytes) {
                return in_file;
            }
            if let Some(found) = first_at_or_after(batch.bytes.clone(), from, timestamp) {
                return TimestampLookup::Found(found);
            }
        }
        TimestampLookup::NotFound
    }
}

/// What must be unpacked is left to who reads the files: it may take long, and whoever asks the log must not
/// wait. All that a reader may see is in the files.
fn is_compressed(bytes: &[u8]) -> bool {
    BatchHeader::read(bytes).is_ok_and(|header| header.compression() != Compression::None)
}

/// The first record of a batch at or after an offset and a timestamp, if the batch can be decoded and has one.
pub(crate) fn first_at_or_after(bytes: Bytes, from: i64, timestamp: i64) -> Option<FoundTimestamp> {
    let batch = Batch::parse(bytes).ok()?;
    let records = batch.records(DECOMPRESSED_MAX).ok()?;
    let record = records
        .map_while(Result::ok)
        .find(|r| r.offset >= from && r.timestamp >= timestamp)?;
    Some(FoundTimestamp {
        timestamp: record.timestamp,
        offset: record.offset,
        leader_epoch: batch.leader_epoch(),
    })
}
