//! Opening a segment by its index files, without a walk.

use super::Recovery;
use crate::aborted::{ABORTED_ENTRY_BYTES, AbortedEntry};
use crate::index::{INDEX_ENTRY_BYTES, IndexEntry, SparseIndex};
use crate::segments::{Extent, Segment};
use crate::store::batches::FileBatches;
use crate::store::disk::{Disk, read_file};
use crate::store::error::{ReadFailure, RecoverError};
use crate::store::names::Kind;
use crate::store::sums;
use crate::time_index::{TIME_INDEX_ENTRY_BYTES, TimeIndexEntry};

impl<D: Disk> Recovery<'_, D> {
    /// Opens the segments that need no walk, as far as their index files agree. Returns the bases of the others.
    ///
    /// After an unclean stop the last segment is always walked: whatever the recovery point says, its end is
    /// where a crash shows.
    pub(super) fn trust(&mut self) -> Result<Vec<i64>, RecoverError> {
        let bases: Vec<i64> = self.files.segments.keys().copied().collect();
        for (n, base) in bases.iter().enumerate() {
            let next = bases.get(n + 1).copied();
            let flushed =
                self.opening.clean || next.is_some_and(|next| next <= self.opening.recovery_point);
            let follows = self.segments.last().is_none_or(|last| last.end == *base);
            let distrusted = self.distrusted == Some(*base);
            let Some(segment) = (if flushed && follows && !distrusted {
                self.load(*base, next)?
            } else {
                None
            }) else {
                return Ok(bases[n..].to_vec());
            };
            self.segments.push(segment);
        }
        Ok(Vec::new())
    }

    /// The segment as its index files and the batches after their last entry describe it; `None` if they do not
    /// add up, or are not those that were written.
    fn load(&self, base: i64, next: Option<i64>) -> Result<Option<Segment>, RecoverError> {
        if !sums::hold(&*self.disk, &self.dir, base).map_err(RecoverError::io(&self.dir))? {
            return Ok(None);
        }
        let Some(index) = self.load_index(base)? else {
            return Ok(None);
        };
        let Some(last_time) = self.load_last_time(base)? else {
            return Ok(None);
        };
        let Some(aborted) = self.load_aborted(base)? else {
            return Ok(None);
        };
        let mut segment = Segment::new(base, self.opening.now);
        segment.aborted = aborted;
        if let Some(entry) = last_time {
            segment.last_time_entry = entry.timestamp;
            segment.max_timestamp = entry;
        }
        let indexed = index.last;
        if let Some(entry) = indexed {
            (segment.size, segment.last_indexed) =
                (u64::from(entry.position), u64::from(entry.position));
        }
        segment.index = index.sample;
        let mut batches = FileBatches::open(&self.disk, &self.dir, base, segment.size, i64::MAX)?;
        let mut first = true;
        loop {
            let batch = match batches.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(ReadFailure::Corrupt { .. }) => return Ok(None),
                Err(failure) => return Err(failure.into()),
            };
            let expected = indexed.filter(|_| first).map(|entry| entry.offset);
            if expected.is_some_and(|offset| offset != batch.last_offset()) {
                return Ok(None);
            }
            first = false;
            segment.note(&Extent::of(&batch));
        }
        let beyond = |offset: i64| offset >= segment.end;
        if (first && indexed.is_some())
            || next.is_some_and(|next| segment.end != next)
            || last_time.is_some_and(|entry| beyond(entry.offset))
            || segment
                .aborted
                .last()
                .is_some_and(|entry| beyond(entry.last_offset))
        {
            return Ok(None);
        }
        // `segment.ms` asks for that of the last one, and `max.compaction.lag.ms` of those with keys that compaction has
        // not seen.
        if indexed.is_some() && (next.is_none() || segment.end > self.opening.cleaned_to) {
            segment.first_timestamp = self.first_timestamp(base)?;
        }
        Ok(Some(segment))
    }

    /// The largest timestamp of the first batch, as `segment.ms` counts from it.
    fn first_timestamp(&self, base: i64) -> Result<i64, RecoverError> {
        match FileBatches::open(&self.disk, &self.dir, base, 0, i64::MAX)?.next_header() {
            Ok(header) => Ok(header.map_or(-1, |header| header.max_timestamp())),
            Err(ReadFailure::Corrupt { .. }) => Ok(-1),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The last entry of a segment's index at or below an offset, if there is one and the index adds up.
    pub(super) fn indexed(
        &self,
        base: i64,
        offset: i64,
    ) -> Result<Option<IndexEntry>, RecoverError> {
        let index = self.load_index(base)?;
        Ok(index.and_then(|index| index.sample.at_or_before(offset)))
    }

    fn load_index(&self, base: i64) -> Result<Option<Index>, RecoverError> {
        let log_len = self.len(base, Kind::Log).unwrap_or(0);
        if self.len(base, Kind::Index).is_none() {
            // Few batches, or large ones: no entry fell due.
            return Ok(Some(Index::default()));
        }
        let Some(entries) = self.entries::<INDEX_ENTRY_BYTES>(base, Kind::Index)? else {
            return Ok(None);
        };
        let mut index = Index::default();
        for bytes in &entries {
            let entry = IndexEntry::decode(base, bytes);
            let ascends = index
                .last
                .is_none_or(|last| last.offset < entry.offset && last.position < entry.position);
            if !ascends || entry.offset < base || u64::from(entry.position) >= log_len {
                return Ok(None);
            }
            index.sample.push(entry);
            index.last = Some(entry);
        }
        Ok(Some(index))
    }

    /// The last entry of the time index, `Some(None)` if it has none.
    #[expect(
        clippy::option_option,
        reason = "the outer one says whether the file can be trusted"
    )]
    fn load_last_time(&self, base: i64) -> Result<Option<Option<TimeIndexEntry>>, RecoverError> {
        if self.len(base, Kind::TimeIndex).is_none() {
            return Ok(self.len(base, Kind::Index).is_none().then_some(None));
        }
        let Some(entries) = self.entries::<TIME_INDEX_ENTRY_BYTES>(base, Kind::TimeIndex)? else {
            return Ok(None);
        };
        let decoded: Vec<_> = entries
            .iter()
            .map(|bytes| TimeIndexEntry::decode(base, bytes))
            .collect();
        let ascends = decoded
            .windows(2)
            .all(|two| two[0].timestamp < two[1].timestamp && two[0].offset <= two[1].offset);
        let sound = ascends
            && decoded
                .iter()
                .all(|entry| entry.timestamp >= 0 && entry.offset >= base);
        Ok(sound.then(|| decoded.last().copied()))
    }

    fn load_aborted(&self, base: i64) -> Result<Option<Vec<AbortedEntry>>, RecoverError> {
        if self.len(base, Kind::TxnIndex).is_none() {
            return Ok(Some(Vec::new()));
        }
        let Some(entries) = self.entries::<ABORTED_ENTRY_BYTES>(base, Kind::TxnIndex)? else {
            return Ok(None);
        };
        let Some(decoded) = entries
            .iter()
            .map(AbortedEntry::decode)
            .collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let ascends = decoded
            .windows(2)
            .all(|two| two[0].last_offset < two[1].last_offset);
        let sound = ascends
            && decoded
                .first()
                .is_none_or(|entry| entry.last_offset >= base);
        Ok(sound.then_some(decoded))
    }

    /// The entries of an index file; `None` if it is no whole number of them.
    fn entries<const N: usize>(
        &self,
        base: i64,
        kind: Kind,
    ) -> Result<Option<Vec<[u8; N]>>, RecoverError> {
        let path = kind.path(&self.dir, base);
        let bytes = read_file(&*self.disk, &path).map_err(RecoverError::io(&path))?;
        let (entries, rest) = bytes.as_chunks::<N>();
        Ok(rest.is_empty().then(|| entries.to_vec()))
    }

    fn len(&self, base: i64, kind: Kind) -> Option<u64> {
        self.files.segments.get(&base)?.get(&kind).copied()
    }
}

/// An offset index as far as it is held in memory, and its last entry.
#[derive(Default)]
struct Index {
    sample: SparseIndex,
    last: Option<IndexEntry>,
}
