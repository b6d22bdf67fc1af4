//! Compaction of files: new segments are written beside the old ones, which nobody changes meanwhile.
//!
//! ```text
//!   any thread                                  the owner of the files                     any thread
//!   Compaction::run ─ <base>.log.cleaned ─► Store::swap ─ .swap, old to .deleted ─► Prepared::settle ─ .deleted go
//! ```
//!
//! The renames of a swap need no flush between them: of the names in one directory a power loss takes the last
//! changes only. `.log.swap` is what decides: before it is there a start drops what is new, from then on it goes on
//! with the swap (`recover/files.rs`).

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::batch::Batch;

use super::batches::FileBatches;
use super::disk::{Disk, write_file};
use super::error::{CompactFailure, ReadFailure};
use super::names::{self, CLEANED, DELETED, Kind};
use super::reader::SegmentReader;
use super::sums::{self, index_files};
use crate::compact::{
    CleanedSegment, Compacted, CompactionPlan, Filter, LastOffsets, NewSegment, PlannedSegment,
};

/// Bytes written at once.
const WRITE_BYTES: usize = 1 << 20;

/// A compaction to be run. Made by [`Store::compaction`](super::Store::compaction).
pub struct Compaction<D: Disk> {
    pub(super) disk: Arc<D>,
    pub(super) dir: PathBuf,
    /// Knows whether the partition is on its way out.
    pub(super) reader: SegmentReader<D>,
    pub(super) plan: CompactionPlan,
}

/// New segments whose files are written and flushed, under names that do not count yet.
#[derive(Debug)]
pub struct Prepared {
    compacted: Compacted,
    /// Of each new segment, which files it has, in the order in which they get their names.
    kinds: Vec<Vec<Kind>>,
}

impl Prepared {
    /// What the log's state is to be told once the swap is done.
    #[must_use]
    pub fn compacted(&self) -> &Compacted {
        &self.compacted
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = (&CleanedSegment, &[Kind])> {
        let kinds = self.kinds.iter().map(Vec::as_slice);
        self.compacted.cleaned.iter().zip(kinds)
    }

    /// Makes the names of a swap durable, and takes the files of the old segments away. A crash before it is done
    /// leaves that to the next start.
    ///
    /// # Errors
    /// The directory cannot be flushed: the process has to end.
    pub fn settle<D: Disk>(disk: &D, dir: &Path) -> io::Result<()> {
        let listed = match disk.sync_dir(dir).and_then(|()| disk.list(dir)) {
            // The partition was deleted meanwhile; another thread does that at any moment.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        for entry in listed {
            if entry.name.ends_with(DELETED) && !entry.is_dir {
                // What stays is taken away by the next start.
                let _ = disk.remove(&dir.join(&entry.name));
            }
        }
        Ok(())
    }
}

impl<D: Disk> Compaction<D> {
    /// The partition's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it is to do.
    #[must_use]
    pub fn plan(&self) -> &CompactionPlan {
        &self.plan
    }

    /// Reads the segments of the plan and writes new ones beside them, flushed. `stop` is asked between batches
    /// whether to give up.
    ///
    /// # Errors
    /// See [`CompactFailure`]: the log is as it was, and what was written is taken away as far as that goes.
    pub fn run(&self, stop: &dyn Fn() -> bool) -> Result<Prepared, CompactFailure> {
        let done = self.prepare(&|| stop() || self.reader.is_gone());
        if done.is_err() {
            self.clear();
        }
        done
    }

    fn prepare(&self, stop: &dyn Fn() -> bool) -> Result<Prepared, CompactFailure> {
        let mut last = LastOffsets::new(&self.plan);
        for segment in &self.plan.segments {
            if segment.end > self.plan.first_dirty && !last.is_full() {
                self.each(segment, stop, |batch| {
                    if last.is_full() {
                        return Ok(Ok(()));
                    }
                    Ok(last.take(&batch))
                })?;
            }
        }
        let mut filter = Filter::new(&self.plan, &last);
        let mut prepared = Prepared {
            compacted: Compacted {
                cleaned: Vec::new(),
                cleaned_to: last.end(),
            },
            kinds: Vec::new(),
        };
        for group in self.plan.groups(last.end()) {
            if let Some((cleaned, kinds)) = self.group(&mut filter, group, stop)? {
                prepared.compacted.cleaned.push(cleaned);
                prepared.kinds.push(kinds);
            }
        }
        Ok(prepared)
    }

    /// Makes one segment of a group; `None` if it would be as it was.
    fn group(
        &self,
        filter: &mut Filter<'_>,
        group: &[PlannedSegment],
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<(CleanedSegment, Vec<Kind>)>, CompactFailure> {
        let mut new = NewSegment::new(&self.plan, group);
        let base = new.segment.base;
        let path = names::with_suffix(&Kind::Log.path(&self.dir, base), CLEANED);
        let mut out = Output::create(&*self.disk, path.clone())?;
        for segment in group {
            self.each(segment, stop, |batch| match new.take(filter, batch) {
                Ok(left) => left.iter().try_for_each(|left| out.push(left)).map(Ok),
                Err(error) => Ok(Err(error)),
            })?;
        }
        if i32::try_from(new.segment.size).is_err() {
            // Kafka's index entries could not point at its end.
            return Err(CompactFailure::TooLarge(path));
        }
        let Some(cleaned) = new.close(&self.plan) else {
            drop(out);
            self.disk.remove(&path).map_err(CompactFailure::Write)?;
            return Ok(None);
        };
        out.finish()?;
        let files = index_files(&new.index, &new.time_index, &new.aborted);
        let sums = sums::text(files.clone());
        let mut kinds = Vec::new();
        for (kind, bytes) in files.chain([(Kind::Sums, sums.as_bytes())]) {
            self.write(kind, base, bytes)?;
            kinds.push(kind);
        }
        // The log gets its names last: it is what a start looks for.
        kinds.push(Kind::Log);
        Ok(Some((cleaned, kinds)))
    }

    fn write(&self, kind: Kind, base: i64, bytes: &[u8]) -> Result<(), CompactFailure> {
        let path = names::with_suffix(&kind.path(&self.dir, base), CLEANED);
        write_file(&*self.disk, &path, bytes).map_err(CompactFailure::Write)?;
        let file = self
            .disk
            .open(&path, false)
            .map_err(CompactFailure::Write)?;
        self.disk.sync(&file).map_err(CompactFailure::Flush)
    }

    /// Visits every batch of a segment. What the visit finds wrong with a batch is told with its place.
    fn each(
        &self,
        segment: &PlannedSegment,
        stop: &dyn Fn() -> bool,
        mut visit: impl FnMut(Batch) -> Result<Result<(), once_wire::batch::BatchError>, CompactFailure>,
    ) -> Result<(), CompactFailure> {
        let mut batches = FileBatches::open(&self.disk, &self.dir, segment.base, 0, segment.end)?;
        loop {
            let position = batches.position();
            let corrupt = |reason: String| ReadFailure::Corrupt {
                path: Kind::Log.path(&self.dir, segment.base),
                position,
                reason,
            };
            if stop() {
                return Err(CompactFailure::Stopped);
            }
            let Some(batch) = batches.next_batch()? else {
                if position != segment.size {
                    let wanted = segment.size;
                    let reason = format!("its batches end here, not at byte {wanted}");
                    return Err(corrupt(reason).into());
                }
                return Ok(());
            };
            visit(batch)?.map_err(|error| corrupt(error.to_string()))?;
        }
    }

    /// Takes away what was written in vain, as far as that goes; the next start takes away the rest.
    fn clear(&self) {
        for segment in &self.plan.segments {
            for kind in names::SEGMENT_KINDS {
                let path = kind.path(&self.dir, segment.base);
                let _ = self.disk.remove(&names::with_suffix(&path, CLEANED));
            }
        }
    }
}

/// A file that grows, written in large pieces.
struct Output<'a, D: Disk> {
    disk: &'a D,
    file: D::File,
    written: u64,
    pending: Vec<u8>,
}

impl<'a, D: Disk> Output<'a, D> {
    fn create(disk: &'a D, path: PathBuf) -> Result<Self, CompactFailure> {
        let create = || {
            let file = disk.open(&path, true)?;
            // A compaction that gave up may have left it.
            disk.truncate(&file, 0)?;
            Ok(file)
        };
        Ok(Output {
            disk,
            file: create().map_err(CompactFailure::Write)?,
            written: 0,
            pending: Vec::new(),
        })
    }

    fn push(&mut self, batch: &Batch) -> Result<(), CompactFailure> {
        self.pending.extend_from_slice(batch.as_bytes());
        if self.pending.len() >= WRITE_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), CompactFailure> {
        let parts = [IoSlice::new(&self.pending)];
        let written = self.disk.write_at(&self.file, self.written, &parts);
        written.map_err(CompactFailure::Write)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), CompactFailure> {
        self.write()?;
        self.disk.sync(&self.file).map_err(CompactFailure::Flush)
    }
}
