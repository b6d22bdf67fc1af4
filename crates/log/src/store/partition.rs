//! The files of one partition, as whoever writes them holds them.

mod drop;
mod swap;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::Uuid;

use super::checkpoint::{epochs_text, metadata_text};
use super::debt::{Debt, sync_path};
use super::dir::SetAside;
use super::disk::{Disk, replace_file, write_file};
use super::names::{Kind, LEADER_EPOCHS, PARTITION_METADATA};
use super::reader::SegmentReader;
use super::segment::SegmentFiles;
use super::{states, sums};
use crate::epochs::EpochEntry;
use crate::write::{BatchWrite, SnapshotWrite, Write};

/// Carries out [`Write`]s, in their order, on the files of one partition.
///
/// A partition that was never written has no directory. Files are opened when they are first needed. Any error
/// is final: memory and files no longer agree, and the process has to end and recover.
pub struct Store<D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
    topic_id: Uuid,
    /// The directory exists, with its metadata.
    made: bool,
    /// The directory was made by us and not synced yet: nothing in it needs to be replaced with care.
    fresh: bool,
    /// The directory's own name is not durable yet.
    unnamed: bool,
    active: Option<SegmentFiles<D>>,
    /// The last segment and its length while it is not open.
    dormant: Option<(i64, u64)>,
    /// Closed files whose bytes an acknowledgement waits for.
    unsynced: BTreeSet<PathBuf>,
    /// Closed files that recovery can do without, so that only a checkpoint waits for them.
    unsynced_lazy: BTreeSet<PathBuf>,
    /// A name was made or taken in the directory that an acknowledgement waits for.
    dir_changed: bool,
    /// As with `unsynced_lazy`.
    dir_changed_lazy: bool,
    end: i64,
    reader: SegmentReader<D>,
}

impl<D: Disk> Store<D> {
    /// The files of a partition that was never written.
    pub fn new(disk: Arc<D>, dir: PathBuf, topic_id: Uuid) -> Self {
        let reader = SegmentReader::new(Arc::clone(&disk), dir.clone());
        Store {
            disk,
            dir,
            topic_id,
            made: false,
            fresh: false,
            unnamed: false,
            active: None,
            dormant: None,
            unsynced: BTreeSet::new(),
            unsynced_lazy: BTreeSet::new(),
            dir_changed: false,
            dir_changed_lazy: false,
            end: 0,
            reader,
        }
    }

    /// The files that recovery found, to go on with.
    pub(crate) fn found(mut self, last: Option<(i64, u64)>, end: i64) -> Self {
        self.made = true;
        self.dormant = last;
        self.end = end;
        self
    }

    /// Recovery left these files, or the directory itself, unsynced.
    pub(crate) fn left_unsynced(&mut self, files: BTreeSet<PathBuf>, dir_changed: bool) {
        self.unsynced.extend(files);
        self.dir_changed |= dir_changed;
        self.unnamed |= dir_changed;
    }

    /// The partition's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The disk.
    #[must_use]
    pub fn disk(&self) -> Arc<D> {
        Arc::clone(&self.disk)
    }

    /// The topic's id.
    #[must_use]
    pub fn topic_id(&self) -> Uuid {
        self.topic_id
    }

    /// The offset after the last batch written.
    #[must_use]
    pub fn end_offset(&self) -> i64 {
        self.end
    }

    /// Something was written that [`Store::sync`] has not made durable.
    #[must_use]
    pub fn is_unsynced(&self) -> bool {
        self.dir_changed
            || !self.unsynced.is_empty()
            || self
                .active
                .as_ref()
                .is_some_and(|active| active.unsynced().0)
    }

    /// Carries out one write. When it returns, readers and a restarted process see it; power loss may still
    /// take it.
    ///
    /// # Errors
    /// The disk's; see [`Store`] for what that means.
    pub fn write(&mut self, write: &Write) -> io::Result<()> {
        self.write_all(std::slice::from_ref(write))
    }

    /// Carries out several writes; consecutive batches go to the disk in one.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_all(&mut self, writes: &[Write]) -> io::Result<()> {
        let both_batches =
            |a: &Write, b: &Write| matches!((a, b), (Write::Batch(_), Write::Batch(_)));
        for run in writes.chunk_by(both_batches) {
            match run {
                [Write::LeaderEpochs(epochs)] => self.write_epochs(epochs)?,
                [Write::Snapshot(snapshot)] => self.write_snapshot(snapshot)?,
                [Write::Roll { base }] => self.roll(*base)?,
                [Write::DropSegments { below }] => self.drop_segments(*below)?,
                [Write::State(state)] => states::write(&*self.disk, &self.dir, state)?,
                [Write::DropStates { below }] => {
                    states::remove_below(&*self.disk, &self.dir, *below)?;
                }
                [Write::Close] => self.close_segment()?,
                [Write::TimeIndex { segment, entry }] => {
                    self.activate(*segment)?.push_time_entry(entry);
                }
                batches => self.write_batches(batches)?,
            }
        }
        self.write_indexes()
    }

    /// Returns when all batches written so far survive power loss, under names that do.
    ///
    /// # Errors
    /// As [`Store::write`]: after a failed sync nothing is known, and the process has to end.
    pub fn sync(&mut self) -> io::Result<()> {
        while let Some(path) = self.unsynced.pop_first() {
            sync_path(&*self.disk, &path)?;
        }
        if let Some(active) = &mut self.active {
            active.sync_log(&self.disk)?;
        }
        self.fresh = false;
        self.sync_names()
    }

    /// Makes everything durable, index files and snapshots too, and returns the recovery point: a start after a
    /// crash need not look at what lies below. To be called now and then, and before a clean stop.
    ///
    /// # Errors
    /// As [`Store::sync`].
    pub fn checkpoint(&mut self) -> io::Result<i64> {
        self.sync_indexes()?;
        self.sync()?;
        Ok(self.end)
    }

    /// Makes the index files and snapshots durable, and every name.
    pub(crate) fn sync_indexes(&mut self) -> io::Result<()> {
        while let Some(path) = self.unsynced_lazy.pop_first() {
            sync_path(&*self.disk, &path)?;
        }
        if let Some(active) = &mut self.active {
            active.sync_indexes(&self.disk)?;
            self.dir_changed_lazy |= std::mem::take(&mut active.index_created);
        }
        self.dir_changed |= self.dir_changed_lazy;
        self.sync_names()
    }

    /// Hands over every flush that the files are owed; from now on they count as flushed here. Until the debt is
    /// settled they are not.
    pub fn debt(&mut self) -> Debt<D> {
        let mut files = Vec::new();
        if let Some(active) = &mut self.active {
            self.dir_changed |= std::mem::take(&mut active.created);
            self.dir_changed |= std::mem::take(&mut active.index_created);
            files = active.take_unsynced();
        }
        let mut paths = std::mem::take(&mut self.unsynced);
        paths.append(&mut self.unsynced_lazy);
        let mut dirs = Vec::new();
        let lazy = std::mem::take(&mut self.dir_changed_lazy);
        if std::mem::take(&mut self.dir_changed) | lazy {
            dirs.push(self.dir.clone());
        }
        if std::mem::take(&mut self.unnamed) {
            dirs.extend(self.dir.parent().map(Path::to_path_buf));
        }
        self.fresh = false;
        Debt {
            disk: Arc::clone(&self.disk),
            files,
            paths,
            dirs,
            end: self.end,
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if let Some(active) = &mut self.active {
            self.dir_changed |= std::mem::take(&mut active.created);
        }
        if std::mem::take(&mut self.dir_changed) {
            self.disk.sync_dir(&self.dir)?;
            self.dir_changed_lazy = false;
        }
        if std::mem::take(&mut self.unnamed)
            && let Some(parent) = self.dir.parent()
        {
            self.disk.sync_dir(parent)?;
        }
        Ok(())
    }

    /// Closes the files of a partition that has gone quiet; the next write opens them again. What is unsynced
    /// stays on the list.
    pub fn release(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        self.dir_changed |= active.created;
        self.dir_changed_lazy |= active.index_created;
        self.dormant = Some((active.base(), active.log_len()));
        self.note_unsynced(&active);
    }

    /// A reader of these files, cheap and cloneable, for any thread.
    pub fn reader(&self) -> SegmentReader<D> {
        self.reader.clone()
    }

    /// The partition is deleted: its directory goes out of the way, under a name that is `unique`. If there were files,
    /// they are the caller's to clear; a partition of the same name may be made once that name is
    /// [durable](SetAside::make_durable).
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn set_aside(self, unique: Uuid) -> io::Result<Option<SetAside<D>>> {
        self.reader.leave();
        let aside = self
            .made
            .then(|| SetAside::new(self.disk, &self.dir, unique));
        aside.transpose()
    }

    fn write_batches(&mut self, writes: &[Write]) -> io::Result<()> {
        let batches = writes.iter().filter_map(|write| match write {
            Write::Batch(batch) => Some(batch),
            Write::LeaderEpochs(_)
            | Write::TimeIndex { .. }
            | Write::Close
            | Write::Snapshot(_)
            | Write::Roll { .. }
            | Write::DropSegments { .. }
            | Write::State(_)
            | Write::DropStates { .. } => None,
        });
        let Some(BatchWrite { segment, .. }) = batches.clone().next() else {
            return Ok(());
        };
        let disk = Arc::clone(&self.disk);
        self.activate(*segment)?.append(&disk, batches.clone())?;
        self.end = batches.last().map_or(self.end, |batch| batch.end);
        Ok(())
    }

    /// The last segment, opened if it is not; it must be this one.
    fn activate(&mut self, base: i64) -> io::Result<&mut SegmentFiles<D>> {
        if self.active.is_none()
            && let Some((dormant, len)) = self.dormant.take()
        {
            self.active = Some(SegmentFiles::reopen(&*self.disk, &self.dir, dormant, len)?);
        }
        match &mut self.active {
            Some(active) if active.base() == base => Ok(active),
            _ => Err(io::Error::other(format!(
                "a write for segment {base}, which is not the last one"
            ))),
        }
    }

    fn roll(&mut self, base: i64) -> io::Result<()> {
        self.make_dir()?;
        self.close_segment()?;
        self.release();
        self.dormant = None;
        self.active = Some(SegmentFiles::create(&*self.disk, &self.dir, base)?);
        self.end = self.end.max(base);
        Ok(())
    }

    /// The last segment's index files are complete: says so beside them.
    fn close_segment(&mut self) -> io::Result<()> {
        self.write_indexes()?;
        let active = self.active.as_ref().map(SegmentFiles::base);
        let Some(base) = active.or(self.dormant.map(|(base, _)| base)) else {
            return Ok(());
        };
        if let Some(written) = sums::write(&*self.disk, &self.dir, base)? {
            self.unsynced_lazy.insert(written);
            self.dir_changed_lazy = true;
        }
        Ok(())
    }

    fn write_indexes(&mut self) -> io::Result<()> {
        match &mut self.active {
            Some(active) => active.write_indexes(&self.disk, &self.dir),
            None => Ok(()),
        }
    }

    fn write_epochs(&mut self, epochs: &[EpochEntry]) -> io::Result<()> {
        self.make_dir()?;
        let path = self.dir.join(LEADER_EPOCHS);
        let text = epochs_text(epochs);
        if !self.fresh {
            return replace_file(&*self.disk, &path, text.as_bytes());
        }
        write_file(&*self.disk, &path, text.as_bytes())?;
        self.unsynced_lazy.insert(path);
        Ok(())
    }

    fn write_snapshot(&mut self, snapshot: &SnapshotWrite) -> io::Result<()> {
        let window = snapshot.window.as_ref().map(|bytes| (Kind::Window, bytes));
        for (kind, bytes) in window
            .into_iter()
            .chain([(Kind::Snapshot, &snapshot.producers)])
        {
            let path = kind.path(&self.dir, snapshot.end);
            write_file(&*self.disk, &path, bytes)?;
            self.unsynced_lazy.insert(path);
        }
        self.dir_changed_lazy = true;
        Ok(())
    }

    /// The directory and whose it is, at the first write.
    fn make_dir(&mut self) -> io::Result<()> {
        if self.made {
            return Ok(());
        }
        self.disk.create_dir(&self.dir)?;
        let path = self.dir.join(PARTITION_METADATA);
        write_file(&*self.disk, &path, metadata_text(self.topic_id).as_bytes())?;
        // Without it nobody knows whose the batches are: an acknowledgement waits for it as for them.
        self.unsynced.insert(path);
        (self.made, self.fresh, self.unnamed, self.dir_changed) = (true, true, true, true);
        Ok(())
    }

    fn note_unsynced(&mut self, segment: &SegmentFiles<D>) {
        let (log, indexes) = segment.unsynced();
        if log {
            self.unsynced
                .insert(Kind::Log.path(&self.dir, segment.base()));
        }
        self.unsynced_lazy
            .extend(indexes.map(|kind| kind.path(&self.dir, segment.base())));
    }
}
