//! Walking a segment that cannot be trusted.

use std::collections::BTreeMap;
use std::path::Path;

use once_wire::batch::{Batch, BatchHeader};

use super::Recovery;
use crate::index::IndexEntry;
use crate::mutant::Mutant;
use crate::producers::Producers;
use crate::segments::{Extent, Segment};
use crate::store::batches::FileBatches;
use crate::store::disk::{Disk, place_file, rewrite};
use crate::store::error::{ReadFailure, RecoverError};
use crate::store::names::{Kind, SEGMENT_KINDS};
use crate::store::sums;

/// The index files of a walked segment, made anew.
pub(super) struct Walked {
    base: i64,
    index: Vec<u8>,
    time_index: Vec<u8>,
    aborted: Vec<u8>,
}

impl<D: Disk> Recovery<'_, D> {
    /// Walks a segment: folds its batches, makes its indexes anew, cuts it at the first bad byte. Returns false
    /// if it was cut, so that nothing may follow it.
    pub(super) fn walk(
        &mut self,
        base: i64,
        producers: &mut Producers,
    ) -> Result<bool, RecoverError> {
        self.snapshot_at(base, producers)?;
        let path = Kind::Log.path(&self.dir, base);
        let mut batches = FileBatches::open(&self.disk, &self.dir, base, 0, i64::MAX)?;
        let mut segment = Segment::new(base, self.opening.now);
        let mut walked = Walked {
            base,
            index: Vec::new(),
            time_index: Vec::new(),
            aborted: Vec::new(),
        };
        let checked_from = self.checked_from(base)?;
        let mut unflushed_from = None;
        let bad = loop {
            let position = batches.position();
            let (batch, whole) = match next(&mut batches, checked_from) {
                Ok(Some(next)) => next,
                Ok(None) => break None,
                Err(ReadFailure::Corrupt {
                    position, reason, ..
                }) => break Some((position, reason)),
                Err(failure) => return Err(failure.into()),
            };
            if let Some(reason) = misplaced(&segment, &batch, self.below) {
                break Some((position, reason));
            }
            if batch.last_offset() >= self.opening.recovery_point {
                unflushed_from.get_or_insert(position);
            }
            if batch.leader_epoch() >= 0 {
                self.epochs
                    .assign(batch.leader_epoch(), batch.base_offset());
            }
            let control = whole.and_then(|whole| whole.control());
            let folds = self.files.snapshots.is_empty()
                || !self.config.breaks(Mutant::SnapshotWithoutReplay);
            let aborted = folds
                .then(|| producers.replay(&batch, control.as_ref(), self.opening.now))
                .flatten();
            let (entry, time_entry) =
                segment.push(&Extent::of(&batch), self.config.index_interval_bytes);
            walked
                .index
                .extend(entry.iter().flat_map(|e| e.encode(base)));
            walked
                .time_index
                .extend(time_entry.iter().flat_map(|e| e.encode(base)));
            walked
                .aborted
                .extend(aborted.iter().flat_map(|e| e.encode()));
            segment.aborted.extend(aborted);
        };
        let file = batches.file().clone();
        if let Some((position, reason)) = &bad {
            self.cut_allowed(segment.end, &path, *position, reason)?;
            let cut = || {
                self.disk.truncate(&file, *position)?;
                self.disk.sync(&file)
            };
            cut().map_err(RecoverError::io(&path))?;
        }
        if let Some(from) = unflushed_from {
            rewrite(&*self.disk, &file, from, segment.size).map_err(RecoverError::io(&path))?;
        }
        self.changed.logs.insert(path);
        self.segments.push(segment);
        self.walked.push(walked);
        Ok(bad.is_none())
    }

    /// From which position on batches are looked at whole: from the last that the index has below the recovery point.
    /// What lies before is on disk as it was written; the scrubber reads it again, and so does who fetches it.
    fn checked_from(&self, base: i64) -> Result<u64, RecoverError> {
        let below = self.opening.recovery_point - 1;
        if below < base || self.distrusted == Some(base) {
            return Ok(0);
        }
        let entry = self.indexed(base, below)?;
        let entry = match entry {
            Some(entry) if self.is_at(base, entry)? => Some(entry),
            Some(_) | None => None,
        };
        Ok(entry.map_or(0, |entry| u64::from(entry.position)))
    }

    /// Whether a sound batch is where the index says. A damaged index is as good as none.
    fn is_at(&self, base: i64, entry: IndexEntry) -> Result<bool, RecoverError> {
        let position = u64::from(entry.position);
        let mut batches = FileBatches::open(&self.disk, &self.dir, base, position, i64::MAX)?;
        match batches.next_batch() {
            Ok(batch) => Ok(batch.is_some_and(|batch| batch.last_offset() == entry.offset)),
            Err(ReadFailure::Corrupt { .. }) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes the index files of the segments that were walked; all but the last of the log are closed.
    pub(super) fn write_indexes(&mut self) -> Result<(), RecoverError> {
        let active = self.segments.last().map(|s| s.base);
        for n in 0..self.walked.len() {
            let base = self.walked[n].base;
            if Some(base) != active
                && let Some(segment) = self.segments.iter_mut().find(|s| s.base == base)
            {
                let last = segment.take_time_entry();
                self.walked[n]
                    .time_index
                    .extend(last.iter().flat_map(|e| e.encode(base)));
            }
            let Walked {
                index,
                time_index,
                aborted,
                ..
            } = &self.walked[n];
            let (index, time_index, aborted) = (index.clone(), time_index.clone(), aborted.clone());
            let files = sums::index_files(&index, &time_index, &aborted);
            let sums = sums::text(files.clone());
            let mut wanted: BTreeMap<Kind, &[u8]> = files.collect();
            // The index files of the last one are not complete.
            if Some(base) != active {
                wanted.insert(Kind::Sums, sums.as_bytes());
            }
            for kind in &SEGMENT_KINDS[1..] {
                self.write_index(base, *kind, wanted.get(kind).copied())?;
            }
        }
        Ok(())
    }

    fn write_index(
        &mut self,
        base: i64,
        kind: Kind,
        wanted: Option<&[u8]>,
    ) -> Result<(), RecoverError> {
        let there = self
            .files
            .segments
            .get(&base)
            .is_some_and(|kinds| kinds.contains_key(&kind));
        let path = kind.path(&self.dir, base);
        if let Some(bytes) = wanted {
            self.place(&path, bytes)
        } else if there {
            self.remove(&path)
        } else {
            Ok(())
        }
    }

    /// Made anew even if it reads so already: as with the log, what is read may be memory only. Placed, not written
    /// over what is there: if this start is killed the next one finds the file, and may trust it.
    pub(super) fn place(&mut self, path: &Path, bytes: &[u8]) -> Result<(), RecoverError> {
        self.changed.dir = true;
        place_file(&*self.disk, path, bytes).map_err(RecoverError::io(path))
    }
}

/// The next batch, by its header alone where it is on disk for certain. The batches that are not checked end where
/// those begin that are.
fn next<D: Disk>(
    batches: &mut FileBatches<D>,
    checked_from: u64,
) -> Result<Option<(BatchHeader, Option<Batch>)>, ReadFailure> {
    let position = batches.position();
    if position >= checked_from {
        let batch = batches.next_batch()?;
        return Ok(batch.map(|batch| (*batch, Some(batch))));
    }
    let next = batches.next_lightly()?;
    if next.is_some() && batches.position() > checked_from {
        let reason = format!("it does not end at byte {checked_from}, where the index has a batch");
        return Err(batches.wrong_at(position, reason));
    }
    Ok(next)
}

/// Why a sound batch cannot stand here.
fn misplaced(segment: &Segment, batch: &BatchHeader, below: i64) -> Option<String> {
    let (first, last) = (batch.base_offset(), batch.last_offset());
    if first >= below {
        return Some(format!("offset {first} is not below {below}"));
    }
    if last - segment.base > i64::from(i32::MAX) {
        return Some(format!("offset {last} is too far from the segment's base"));
    }
    None
}
