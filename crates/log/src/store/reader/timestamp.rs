//! Searching a segment by time.

use super::{SegmentReader, Start};
use crate::store::batches::FileBatches;
use crate::store::disk::Disk;
use crate::store::error::ReadFailure;
use crate::store::names::Kind;
use crate::time_index::{TIME_INDEX_ENTRY_BYTES, TimeIndexEntry};
use crate::timestamp::{FoundTimestamp, TimestampSearch, first_at_or_after};

impl<D: Disk> SegmentReader<D> {
    /// The first record in the range with at least the timestamp, if there is one.
    ///
    /// # Errors
    /// See [`ReadFailure`].
    pub fn find_timestamp(
        &self,
        search: &TimestampSearch,
    ) -> Result<Option<FoundTimestamp>, ReadFailure> {
        let found = self.walk_for_timestamp(search)?;
        self.if_here(search.range.segment, found)
    }

    fn walk_for_timestamp(
        &self,
        search: &TimestampSearch,
    ) -> Result<Option<FoundTimestamp>, ReadFailure> {
        let range = &search.range;
        let planned = Start::planned(range);
        let start = self.start_before(search, planned);
        let file = self.log((range.segment, range.version))?;
        let path = Kind::Log.path(&self.dir, range.segment);
        let open = |start: Start| {
            let (file, path) = (file.clone(), path.clone());
            let batches =
                FileBatches::of_file(&self.disk, file, path, start.position, range.upper)?;
            Ok(match start.last {
                Some(last) => batches.ending_at(last),
                None => batches.due_at(start.next),
            })
        };
        let mut batches = open(start)?;
        let mut next = batches.next_batch();
        if next.is_err() && start.position > range.position {
            // The index files are a help, never an authority.
            batches = open(planned)?;
            next = batches.next_batch();
        }
        while let Some(batch) = next? {
            if batch.last_offset() >= range.from && batch.max_timestamp() >= search.timestamp {
                let found =
                    first_at_or_after(batch.as_bytes().clone(), range.from, search.timestamp);
                if let Some(found) = found {
                    return Ok(Some(found).filter(|f| f.offset < range.upper));
                }
            }
            next = batches.next_batch();
        }
        Ok(None)
    }

    /// A start before which no record has the timestamp, where the plan's is or later.
    fn start_before(&self, search: &TimestampSearch, planned: Start) -> Start {
        let files = (search.range.segment, search.range.version);
        let earlier = self.search(
            files,
            Kind::TimeIndex,
            |bytes: &[u8; TIME_INDEX_ENTRY_BYTES]| {
                let entry = TimeIndexEntry::decode(files.0, bytes);
                (entry.timestamp < search.timestamp).then_some(entry)
            },
        );
        let offset = earlier.map_or(search.range.from, |entry| {
            entry.offset.max(search.range.from)
        });
        // What begins beyond the end of what may be read is no start.
        let offset = offset.min(search.range.upper - 1);
        let entry = self.index_at_or_before(files, offset);
        let later = entry.filter(|entry| u64::from(entry.position) > planned.position);
        later.map_or(planned, |entry| Start {
            position: u64::from(entry.position),
            last: Some(entry.offset),
            ..planned
        })
    }
}
