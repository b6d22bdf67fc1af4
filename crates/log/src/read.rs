//! Planning a read: which bytes of memory, or which range of which file, and whom the reader must skip.

use bytes::Bytes;

use crate::aborted::{AbortedTransaction, collect_aborted};
use crate::error::ReadError;
use crate::log::PartitionLog;
use crate::mutant::Mutant;
use crate::segments::Segment;

/// How much a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everything below the high watermark.
    ReadUncommitted,
    /// Everything below the last stable offset; the reader skips what was aborted.
    ReadCommitted,
}

/// A planned read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Where the bytes are.
    pub source: Source,
    /// The high watermark at the time of planning.
    pub high_watermark: i64,
    /// The last stable offset at the time of planning.
    pub last_stable_offset: i64,
    /// The log start offset at the time of planning.
    pub log_start_offset: i64,
    /// For readers of committed data, the aborted transactions that may concern the bytes, in the order of
    /// their markers. It may tell of more than the bytes need, never of less. Empty for the others.
    pub aborted: Vec<AbortedTransaction>,
}

/// Where the bytes of a read are.
#[derive(Clone, Debug)]
pub enum Source {
    /// Nothing is readable at this offset yet.
    Empty,
    /// Whole batches from memory, the first of which holds the offset asked for.
    Memory(Vec<Bytes>),
    /// A range to be read by a [`crate::store::SegmentReader`].
    File(FileRange),
}

/// A range of one segment's file. It stays valid while the segment exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRange {
    /// The segment's base offset.
    pub segment: i64,
    /// Which files of that name are meant: [`Segment::version`].
    pub version: u64,
    /// A batch begins here, at or before the one that holds `from`; walking forward finds it.
    pub position: u64,
    /// The last offset of the batch that begins there; none if the segment begins there.
    pub last: Option<i64>,
    /// The first offset wanted.
    pub from: i64,
    /// Batches at or beyond this offset are not to be touched: they may be half written. One ends right before it,
    /// in this segment or an earlier one.
    pub upper: i64,
    /// Whole batches up to so many bytes.
    pub max_bytes: usize,
    /// The first batch is wanted even if it alone exceeds `max_bytes`.
    pub at_least_one: bool,
}

impl PartitionLog {
    /// Up to where a reader sees.
    #[must_use]
    pub fn readable_end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark(),
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    /// Whether the segment that a range is of is still the log's.
    #[must_use]
    pub fn has_segment(&self, range: &FileRange) -> bool {
        let mut segments = self.segments.iter();
        segments.any(|s| (s.base, s.version) == (range.segment, range.version))
    }

    /// Plans a read of whole batches from the one that holds `from`, up to `max_bytes`; with `at_least_one` the
    /// first batch comes even if it is larger. A read ends at the end of a segment's file, or where memory
    /// begins; the next one goes on.
    ///
    /// # Errors
    /// [`ReadError::OffsetOutOfRange`] if `from` is below the log start or beyond the log end. Between what the
    /// reader may see and the end it is legal and finds nothing.
    pub fn read(
        &self,
        from: i64,
        isolation: Isolation,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Read, ReadError> {
        self.check_range(from)?;
        let upper = self.readable_end(isolation);
        let (source, reached) = self.source(from, upper, max_bytes, at_least_one);
        let aborted = match (&source, isolation) {
            (Source::Empty, _) | (_, Isolation::ReadUncommitted) => Vec::new(),
            (Source::Memory(_) | Source::File(_), Isolation::ReadCommitted) => {
                self.aborted_between(from, reached)
            }
        };
        Ok(Read {
            source,
            high_watermark: self.high_watermark(),
            last_stable_offset: self.last_stable_offset(),
            log_start_offset: self.log_start_offset(),
            aborted,
        })
    }

    /// About how many bytes a reader at `from` could get now. Zero exactly if there is nothing; else an estimate
    /// by positions, exact in memory.
    ///
    /// # Errors
    /// As [`PartitionLog::read`].
    pub fn readable_bytes_after(&self, from: i64, isolation: Isolation) -> Result<u64, ReadError> {
        self.check_range(from)?;
        let upper = self.readable_end(isolation);
        if from >= upper {
            return Ok(0);
        }
        let bytes = self.about_at(upper) - self.about_at(from);
        Ok(u64::try_from(bytes).map_or(1, |bytes| bytes.max(1)))
    }

    fn check_range(&self, from: i64) -> Result<(), ReadError> {
        let (start, end) = (self.log_start_offset(), self.end_offset());
        if from < start || from > end {
            return Err(ReadError::OffsetOutOfRange {
                offset: from,
                start,
                end,
            });
        }
        Ok(())
    }

    /// The source, and an offset that the bytes do not reach beyond.
    fn source(&self, from: i64, upper: i64, max_bytes: usize, at_least_one: bool) -> (Source, i64) {
        if from >= upper {
            return (Source::Empty, from);
        }
        if self.tail.first_offset().is_some_and(|first| from >= first) {
            return self.memory_from(from, upper, max_bytes, at_least_one);
        }
        let segment = self.segment_with(from);
        let indexed = segment.index.at_or_before(from);
        let position = indexed.map_or(0, |entry| u64::from(entry.position));
        let range = FileRange {
            segment: segment.base,
            version: segment.version,
            position,
            last: indexed.map(|entry| entry.offset),
            from,
            upper: upper.min(segment.end),
            max_bytes,
            at_least_one,
        };
        (
            Source::File(range),
            reach_of(segment, from, max_bytes).min(upper),
        )
    }

    fn memory_from(
        &self,
        from: i64,
        upper: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> (Source, i64) {
        let (mut batches, mut bytes, mut reached) = (Vec::new(), 0, from);
        for batch in self.tail.from(from).take_while(|b| b.last_offset < upper) {
            let forced = batches.is_empty() && at_least_one;
            bytes += batch.bytes.len();
            if bytes > max_bytes && !forced {
                break;
            }
            batches.push(batch.bytes.clone());
            reached = batch.last_offset + 1;
        }
        if batches.is_empty() {
            (Source::Empty, from)
        } else {
            (Source::Memory(batches), reached)
        }
    }

    /// The segment that holds `offset`, or the next one if it fell into a gap that compaction left.
    pub(crate) fn segment_with(&self, offset: i64) -> &Segment {
        let n = self.segments.partition_point(|s| s.end <= offset);
        &self.segments[n]
    }

    fn aborted_between(&self, from: i64, upper: i64) -> Vec<AbortedTransaction> {
        if self.config.breaks(Mutant::ForgetAborted) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let first = self.segments.partition_point(|s| s.end <= from);
        for segment in &self.segments[first..] {
            if collect_aborted(&segment.aborted, from, upper, &mut found) {
                break;
            }
        }
        found
    }

    /// About where `offset` lies on the tail's ruler of log bytes. What is in files is measured back from the end,
    /// and may begin below zero: compaction makes a batch larger when it gives it a delete horizon.
    fn about_at(&self, offset: i64) -> i64 {
        let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        let in_memory = self
            .tail
            .first_offset()
            .is_some_and(|first| offset >= first);
        if in_memory || offset >= self.end_offset() {
            return signed(self.tail.at(offset).unwrap_or_else(|| self.tail.end_at()));
        }
        let n = self.segments.partition_point(|s| s.end <= offset);
        let after: u64 = self.segments[n..].iter().map(|s| s.size).sum();
        let position = self.segments[n]
            .index
            .at_or_before(offset)
            .map_or(0, |entry| u64::from(entry.position));
        signed(self.tail.end_at()) - signed(after) + signed(position)
    }
}

/// An offset that a read of the segment's file does not reach beyond, whatever it finds there.
///
/// The batch that holds `from` begins at or before the batch of the next index entry. So a read of `max_bytes`
/// ends before the first entry that lies `max_bytes` further; and a single batch, however large, ends with the
/// batch of the next entry at the latest.
fn reach_of(segment: &Segment, from: i64, max_bytes: usize) -> i64 {
    let Some(next) = segment.index.at_or_after(from) else {
        return segment.end;
    };
    let far = u64::from(next.position).saturating_add(max_bytes as u64);
    segment
        .index
        .at_or_after_position(far)
        .map_or(segment.end, |entry| entry.offset.max(next.offset + 1))
}
