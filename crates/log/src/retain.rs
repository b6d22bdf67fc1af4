//! What leaves the beginning of a log: by request (DeleteRecords), by age and by size.
//!
//! Nobody may hear of a later log start before it is durable, or a crash would bring back records that a client
//! was told are gone. So it moves in three steps: a [`Deletion`] is decided; its start is made durable in
//! `log-start-offset-checkpoint`; [`PartitionLog::starts_at`] then moves the start, takes the segments below it off
//! the list, and only after that asks for their files to go. A read that was planned before meets a missing file
//! at worst, and is planned again.

use crate::error::DeleteError;
use crate::log::PartitionLog;
use crate::segments::Segment;
use crate::write::Write;

/// The offset that stands for the high watermark in a request to delete records.
const HIGH_WATERMARK: i64 = -1;

/// Records that are to go. First the writes are carried out, then the start is made durable, then
/// [`PartitionLog::starts_at`] is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Where the log is to start.
    pub start: i64,
    /// A new last segment, if the present one is to go.
    pub writes: Vec<Write>,
}

impl PartitionLog {
    /// Decides to delete all records below `offset`, −1 being the high watermark (Kafka:
    /// `Partition.deleteRecordsOnLeader`). Returns the log start that answers the request once it is in force, and
    /// what is to be done for it; nothing if the log starts there already, or is on its way.
    ///
    /// # Errors
    /// [`DeleteError`]; nothing has changed.
    pub fn delete_records(&mut self, offset: i64) -> Result<(i64, Option<Deletion>), DeleteError> {
        if !self.config.deletes {
            return Err(DeleteError::Policy);
        }
        let high_watermark = self.high_watermark();
        let wanted = if offset == HIGH_WATERMARK {
            high_watermark
        } else {
            offset
        };
        if wanted < 0 || wanted > high_watermark {
            return Err(DeleteError::OffsetOutOfRange {
                offset,
                high_watermark,
            });
        }
        Ok((wanted, self.move_start(wanted)))
    }

    /// Decides that the log starts at `start`, at most its high watermark: what lies below is not needed any more.
    /// Nothing is to be done if it starts there already, or is on its way.
    pub fn move_start(&mut self, start: i64) -> Option<Deletion> {
        if start <= self.ordered_start {
            return None;
        }
        self.ordered_start = start;
        let writes = Vec::new();
        Some(Deletion { start, writes })
    }

    /// Closes the last segment, so that all that was written so far can go at once one day.
    pub fn close_segment(&mut self, now: i64) -> Vec<Write> {
        let mut writes = Vec::new();
        if self.segments.last().is_some_and(|last| last.size > 0) {
            self.roll(now, &mut writes);
        }
        writes
    }

    /// Decides which segments have become too old, or too much (Kafka: `UnifiedLog.deleteOldSegments`): the oldest
    /// ones, whole, as far as all of them is below the high watermark. The last one goes too if it is not empty;
    /// an empty one takes its place.
    pub fn retain(&mut self, now: i64) -> Option<Deletion> {
        if !self.config.deletes {
            return None;
        }
        let first = self.segments_below(self.ordered_start);
        let by_size = first + self.too_much(first);
        let kept = by_size + self.too_old(by_size, now);
        if kept == first {
            return None;
        }
        let mut writes = Vec::new();
        if kept == self.segments.len() {
            self.roll(now, &mut writes);
        }
        let start = self.segments[kept].base.max(self.ordered_start);
        self.ordered_start = start;
        Some(Deletion { start, writes })
    }

    /// The log starts at `start` from now on: that is durable. Returns the files that go.
    pub fn starts_at(&mut self, start: i64) -> Vec<Write> {
        self.offsets.starts_at(start);
        let start = self.offsets.start();
        self.ordered_start = self.ordered_start.max(start);
        self.epochs.clamp(start, self.offsets.end());
        self.drop_below_start()
    }

    /// Takes the segments that lie wholly below the start off the list. While a compaction is under way they stay:
    /// it may be about to put a new segment into their place.
    pub(crate) fn drop_below_start(&mut self) -> Vec<Write> {
        let gone = self.segments_below(self.offsets.start());
        if gone == 0 || self.compacting {
            return Vec::new();
        }
        self.segments.drain(..gone);
        let below = self.segments[0].base;
        vec![Write::DropSegments { below }]
    }

    /// How many segments lie wholly below an offset. The last one never counts: it is to be written.
    fn segments_below(&self, offset: i64) -> usize {
        let bases = self.segments.iter().skip(1);
        bases.take_while(|next| next.base <= offset).count()
    }

    /// How many segments, from the one of this index on, are more than `retention.bytes`.
    fn too_much(&self, first: usize) -> usize {
        let size = self
            .segments
            .iter()
            .skip(first)
            .map(|s| s.size)
            .sum::<u64>();
        let most = u64::try_from(self.config.retention_bytes).unwrap_or(u64::MAX);
        let Some(mut surplus) = size.checked_sub(most) else {
            return 0;
        };
        self.leading(first, |segment| {
            let rest = surplus.checked_sub(segment.size);
            surplus = rest.unwrap_or(surplus);
            rest.is_some()
        })
    }

    /// How many segments, from the one of this index on, have no record younger than `retention.ms`.
    fn too_old(&self, first: usize, now: i64) -> usize {
        let age_max = self.config.retention_ms;
        self.leading(first, |segment| {
            age_max >= 0 && now.saturating_sub(segment.newest()) > age_max
        })
    }

    /// How many segments in a row `goes` takes, none of which has anything at or above the high watermark.
    fn leading(&self, first: usize, mut goes: impl FnMut(&Segment) -> bool) -> usize {
        let nexts = self.segments.iter().skip(first + 1).map(Some).chain([None]);
        let rest = self.segments.iter().skip(first).zip(nexts);
        rest.take_while(|(segment, next)| {
            let bound = next.map_or(self.end_offset(), |next| next.base);
            let empty_last = next.is_none() && segment.size == 0;
            bound <= self.high_watermark() && !empty_last && goes(segment)
        })
        .count()
    }
}
