//! The beginning of the log: what lies wholly below the log start goes.
//!
//! The stop may have come before its files were removed, or in the middle of that. Their bytes are not looked at,
//! for power loss may have brought a name back without them. All that may still be needed of them is what they say
//! of producers. It is in the snapshot at the base of the segment that has the log start, which was durable before
//! the first of them was removed: so if that snapshot is not whole, they are.

use super::Recovery;
use crate::log::Recovered;
use crate::producers::Producers;
use crate::snapshot::{encode_snapshot, encode_window};
use crate::store::disk::{Disk, replace_file};
use crate::store::error::RecoverError;
use crate::store::names::Kind;

impl<D: Disk> Recovery<'_, D> {
    /// Before any segment is opened: removes what is not needed. Where the snapshot is not whole everything stays
    /// for now, and the segment that has the log start is walked, which makes the snapshot anew.
    pub(super) fn drop_below_start(&mut self) -> Result<(), RecoverError> {
        let bases = self.files.segments.keys();
        let below: Vec<i64> = bases
            .copied()
            .take_while(|base| *base <= self.opening.log_start_offset)
            .collect();
        let (Some(first), Some(base)) = (below.first().copied(), below.last().copied()) else {
            return Ok(());
        };
        if first < base {
            if self.whole_snapshot(base)?.is_none() {
                self.distrusted = Some(base);
                return Ok(());
            }
            self.keep_snapshot(base)?;
        }
        self.drop_segments(&below[..below.len() - 1])?;
        self.drop_snapshots_below(base)
    }

    /// The snapshot may be page cache that no disk has seen. Replaced, not written over: it is the only one.
    fn keep_snapshot(&mut self, base: i64) -> Result<(), RecoverError> {
        for kind in [Kind::Window, Kind::Snapshot] {
            if let Some(bytes) = self.read(kind, base)? {
                let path = kind.path(&self.dir, base);
                replace_file(&*self.disk, &path, &bytes).map_err(RecoverError::io(&path))?;
            }
        }
        Ok(())
    }

    fn drop_snapshots_below(&mut self, base: i64) -> Result<(), RecoverError> {
        for (kind, known) in [
            (Kind::Snapshot, &mut self.files.snapshots),
            (Kind::Window, &mut self.files.windows),
        ] {
            let kept = known.split_off(&base);
            for below in std::mem::replace(known, kept) {
                let path = kind.path(&self.dir, below);
                self.disk.remove(&path).map_err(RecoverError::io(&path))?;
                self.changed.dir = true;
            }
        }
        Ok(())
    }

    /// Every segment but the first begins with a snapshot: with it, those before it can go. A crash, or an end that
    /// only the journal had, may have left one without.
    ///
    /// Where there is one that was on disk it knows better than a walk: compaction may have taken batches of before.
    pub(super) fn snapshot_at(
        &mut self,
        base: i64,
        producers: &mut Producers,
    ) -> Result<(), RecoverError> {
        if self.files.segments.keys().next() == Some(&base) {
            return Ok(());
        }
        if let Some(table) = self.whole_snapshot(base)? {
            // A recovery point beyond says that it was flushed. Compaction counts on it.
            if base >= self.opening.recovery_point {
                self.keep_snapshot(base)?;
            }
            if base <= self.opening.flushed_below() {
                *producers = Producers::new(table);
            }
            return Ok(());
        }
        let window = encode_window(producers.entries());
        let window = window.map(|bytes| (Kind::Window, bytes));
        let snapshot = (Kind::Snapshot, encode_snapshot(producers.entries()));
        for (kind, bytes) in window.into_iter().chain([snapshot]) {
            let path = kind.path(&self.dir, base);
            self.place(&path, &bytes)?;
            let known = if kind == Kind::Window {
                &mut self.files.windows
            } else {
                &mut self.files.snapshots
            };
            known.insert(base);
        }
        Ok(())
    }
}

/// The base of the segment that had to be walked for its snapshot, if it is still there: now those before it can
/// go. The log may have been cut before it.
pub(super) fn stays_from(distrusted: Option<i64>, recovered: &Recovered) -> Option<i64> {
    let is_there = |base: &i64| recovered.segments.iter().any(|s| s.base == *base);
    distrusted.filter(is_there)
}
