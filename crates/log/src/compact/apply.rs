//! What a compaction made of a log, and how the log's state takes it.

use crate::log::PartitionLog;
use crate::segments::Segment;
use crate::write::Write;

/// A segment that takes the place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanedSegment {
    /// The base offsets of the segments it replaces, ascending; the first is its own.
    pub replaces: Vec<i64>,
    /// What is known of it.
    pub segment: Segment,
}

/// What a compaction did. Segments that it would not have changed are not named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The new segments, ascending.
    pub cleaned: Vec<CleanedSegment>,
    /// Below this offset all keys were seen: the next compaction's first dirty offset.
    pub cleaned_to: i64,
}

impl PartitionLog {
    /// The files of the new segments are in their places: reads are planned over them from now on. Returns the files
    /// that go because the log start has passed them meanwhile.
    ///
    /// # Panics
    /// If the segments it replaces are not there: none may be removed while a compaction is under way.
    pub fn compacted(&mut self, compacted: &Compacted) -> Vec<Write> {
        self.compacting = false;
        self.cleaned_to = self.cleaned_to.max(compacted.cleaned_to);
        for CleanedSegment { replaces, segment } in &compacted.cleaned {
            let first = self.segments.partition_point(|old| old.base < segment.base);
            let old = first..first + replaces.len();
            let bases = self.segments[old.clone()].iter().map(|old| &old.base);
            assert!(
                bases.eq(replaces) && old.end < self.segments.len(),
                "a compaction replaces closed segments that are there: {replaces:?}"
            );
            // What memory holds of them is not what the files hold, and the aborted list is that of the files.
            self.tail.forget_below(self.segments[old.end].base);
            self.segments.splice(old, [segment.clone()]);
        }
        self.drop_below_start()
    }

    /// A compaction came to nothing; the log is as it was. Returns as [`PartitionLog::compacted`].
    pub fn not_compacted(&mut self) -> Vec<Write> {
        self.compacting = false;
        self.drop_below_start()
    }

    /// A compaction is under way: no segment may be removed.
    #[must_use]
    pub fn is_compacting(&self) -> bool {
        self.compacting
    }

    /// Below this offset an earlier compaction has seen all keys.
    #[must_use]
    pub fn cleaned_to(&self) -> i64 {
        self.cleaned_to
    }
}
