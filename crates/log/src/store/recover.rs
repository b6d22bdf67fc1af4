//! From files to state, after a clean stop or any crash.
//!
//! What lies below the recovery point, or everything after a clean stop, is trusted: its index files say what is
//! in it, or in the last segment the headers of its batches, for their producers' sake. The rest is walked batch by
//! batch: cut at the first bad byte, its indexes made anew, and written and
//! synced once more where it has to survive power loss, because what a crashed process left may be page cache
//! that no disk has seen. Readable without the happy path, which never calls it.

mod files;
mod producers;
mod start;
mod trusted;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::Uuid;

use self::files::Files;
use self::start::stays_from;
use self::walk::Walked;
use super::checkpoint::{epochs_text, metadata_text, parse_epochs};
use super::disk::{Disk, read_file, replace_file, rewrite};
use super::error::RecoverError;
use super::names::{Kind, LEADER_EPOCHS, PARTITION_METADATA};
use super::partition::Store;
use crate::config::LogConfig;
use crate::epochs::LeaderEpochs;
use crate::log::Recovered;
use crate::segments::Segment;

/// What is known of a partition before its files are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The topic's id: the directory must be its own.
    pub topic_id: Uuid,
    /// The last stop was clean.
    pub clean: bool,
    /// From `recovery-point-offset-checkpoint`: everything below is on disk. 0 if unknown.
    pub recovery_point: i64,
    /// From `log-start-offset-checkpoint`; 0 if it is not there: the first segment says it then. What lies wholly
    /// below is removed.
    pub log_start_offset: i64,
    /// From `cleaner-offset-checkpoint`: below it compaction has seen all keys. 0 if unknown.
    pub cleaned_to: i64,
    /// What is recovered has to survive power loss from the start (`--flush disk`).
    pub durable: bool,
    /// The broker's clock, in milliseconds.
    pub now: i64,
}

impl Opening {
    /// Below this offset nothing may be cut: it was on disk.
    fn flushed_below(&self) -> i64 {
        if self.clean {
            i64::MAX
        } else {
            self.recovery_point
        }
    }
}

/// Opens a partition's files: finishes what was under way, cuts a torn end, rebuilds what cannot be trusted, and
/// returns the state to go on from and the files to go on with. The caller then writes the recovery point.
///
/// # Errors
/// See [`RecoverError`]. A torn end is none; damage below the recovery point is.
pub fn recover<D: Disk>(
    disk: Arc<D>,
    dir: PathBuf,
    config: &LogConfig,
    opening: &Opening,
) -> Result<(Recovered, Store<D>), RecoverError> {
    recover_below(disk, dir, config, opening, i64::MAX)
}

/// As [`recover`], of what lies below an offset: the rest is cut. Only a broken rule asks for that.
pub(super) fn recover_below<D: Disk>(
    disk: Arc<D>,
    dir: PathBuf,
    config: &LogConfig,
    opening: &Opening,
    below: i64,
) -> Result<(Recovered, Store<D>), RecoverError> {
    let store = Store::new(Arc::clone(&disk), dir.clone(), opening.topic_id);
    let Some(files) = Files::tidy(&disk, &dir, opening.topic_id)? else {
        return Ok((nothing(), store));
    };
    let mut recovery = Recovery {
        epochs: read_epochs(&*disk, &dir)?,
        changed: Changed {
            dir: files.tidied,
            ..Changed::default()
        },
        disk,
        dir,
        config,
        opening,
        below,
        files,
        segments: Vec::new(),
        walked: Vec::new(),
        distrusted: None,
    };
    let mut recovered = recovery.run()?;
    let mut store = store.found(
        recovered.segments.last().map(|s| (s.base, s.size)),
        recovered.end_offset,
    );
    let distrusted = recovery.distrusted;
    recovery.settle(&mut store)?;
    if let Some(base) = stays_from(distrusted, &recovered) {
        recovered.segments.retain(|segment| segment.base >= base);
        let dropped = store.drop_segments(base);
        dropped.map_err(RecoverError::io(store.dir()))?;
    }
    Ok((recovered, store))
}

fn nothing() -> Recovered {
    Recovered {
        log_start_offset: 0,
        end_offset: 0,
        epochs: Vec::new(),
        segments: Vec::new(),
        producers: std::collections::BTreeMap::new(),
        last_snapshot: None,
        cleaned_to: 0,
    }
}

/// One recovery under way.
struct Recovery<'a, D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
    config: &'a LogConfig,
    opening: &'a Opening,
    /// What begins here or later is cut: nothing, if all rules are kept.
    below: i64,
    files: Files,
    epochs: LeaderEpochs,
    segments: Vec<Segment>,
    walked: Vec<Walked>,
    /// A segment that is walked whatever is known of it.
    distrusted: Option<i64>,
    changed: Changed,
}

/// What recovery changed, and so has to make durable.
#[derive(Default)]
struct Changed {
    /// Names were taken away or made.
    dir: bool,
    /// Logs that were walked.
    logs: BTreeSet<PathBuf>,
}

impl<D: Disk> Recovery<'_, D> {
    fn run(&mut self) -> Result<Recovered, RecoverError> {
        self.drop_below_start()?;
        let mut ahead = self.trust()?;
        let begin = self
            .segments
            .last()
            .map_or(ahead.first().copied().unwrap_or(0), |s| s.end);
        let mut producers = self.load_producers(begin)?;
        while !ahead.is_empty() {
            let base = ahead.remove(0);
            let whole = self.may_follow(base)? && self.walk(base, &mut producers)?;
            if !whole {
                let cut_before = if self.segments.last().is_some_and(|s| s.base == base) {
                    ahead
                } else {
                    [vec![base], ahead].concat()
                };
                self.drop_segments(&cut_before)?;
                break;
            }
        }
        let end = self.segments.last().map_or(0, |s| s.end);
        self.check_end(end)?;
        self.write_indexes()?;
        self.drop_snapshots_above(end)?;
        let first = self.segments.first().map_or(0, |s| s.base);
        let start = self.opening.log_start_offset.clamp(first, end);
        self.settle_epochs(start, end)?;
        let last_snapshot = self.snapshot_to_keep(end)?.then_some(end);
        producers.expire(self.opening.now, self.config.producer_id_expiration_ms);
        Ok(Recovered {
            log_start_offset: start,
            end_offset: end,
            epochs: self.epochs.entries().to_vec(),
            segments: std::mem::take(&mut self.segments),
            producers: producers.entries().clone(),
            last_snapshot,
            cleaned_to: self.opening.cleaned_to.clamp(first, end),
        })
    }

    /// Whether the snapshot at the log's end is not to be written again: the segment that begins here will need it.
    /// One that is torn is as good as none. So is one that an unclean stop left, for it may be page cache that no
    /// disk has seen, unless a segment begins with it already: then it was looked after.
    fn snapshot_to_keep(&self, end: i64) -> Result<bool, RecoverError> {
        let begins = self.segments.last().is_some_and(|last| last.base == end);
        Ok((self.opening.clean || begins) && self.whole_snapshot(end)?.is_some())
    }

    /// Segments follow each other without a hole. Where there is one, the end of the segment before it is lost.
    fn may_follow(&self, base: i64) -> Result<bool, RecoverError> {
        let Some(last) = self.segments.last().filter(|last| last.end != base) else {
            return Ok(true);
        };
        self.cut_allowed(
            last.end.min(base),
            &Kind::Log.path(&self.dir, base),
            0,
            &format!("the segment before it ends at offset {}", last.end),
        )?;
        Ok(false)
    }

    /// What was flushed is there, up to the last batch of it.
    fn check_end(&self, end: i64) -> Result<(), RecoverError> {
        let (path, point) = (self.dir.clone(), self.opening.recovery_point);
        if end < point {
            return Err(RecoverError::Short { path, end, point });
        }
        Ok(())
    }

    /// Says whether the log may be cut at this offset, where these bytes are bad.
    fn cut_allowed(
        &self,
        offset: i64,
        path: &Path,
        position: u64,
        reason: &str,
    ) -> Result<(), RecoverError> {
        if offset >= self.opening.flushed_below() {
            return Ok(());
        }
        Err(RecoverError::Damaged {
            path: path.to_path_buf(),
            position,
            reason: reason.to_owned(),
        })
    }

    /// What followed a cut never was, as far as anyone was told.
    fn drop_segments(&mut self, bases: &[i64]) -> Result<(), RecoverError> {
        for base in bases {
            for kind in self
                .files
                .segments
                .remove(base)
                .unwrap_or_default()
                .into_keys()
            {
                self.remove(&kind.path(&self.dir, *base))?;
            }
        }
        Ok(())
    }

    /// Snapshots of batches that are gone.
    fn drop_snapshots_above(&mut self, end: i64) -> Result<(), RecoverError> {
        let snapshots = self.files.snapshots.split_off(&(end + 1));
        let windows = self.files.windows.split_off(&(end + 1));
        let above = snapshots.into_iter().map(|above| (Kind::Snapshot, above));
        let above: Vec<_> = above
            .chain(windows.into_iter().map(|above| (Kind::Window, above)))
            .collect();
        for (kind, above) in &above {
            self.remove(&kind.path(&self.dir, *above))?;
        }
        Ok(())
    }

    /// The epochs that hold for what is left; batches that were walked have added theirs.
    fn settle_epochs(&mut self, start: i64, end: i64) -> Result<(), RecoverError> {
        self.epochs.clamp(start, end);
        let path = self.dir.join(LEADER_EPOCHS);
        let text = epochs_text(self.epochs.entries());
        let current = read_file(&*self.disk, &path).ok();
        if current.is_none() && self.epochs.entries().is_empty() {
            return Ok(());
        }
        if current.as_deref() != Some(text.as_bytes()) {
            replace_file(&*self.disk, &path, text.as_bytes()).map_err(RecoverError::io(&path))?;
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> Result<(), RecoverError> {
        self.changed.dir = true;
        self.disk.remove(path).map_err(RecoverError::io(path))
    }

    /// Makes durable what was recovered. Without a flush policy that is only the names: what was
    /// made anew is flushed, and were its name lost, or one that was removed to come back, an older state would pass for
    /// the present one. The log itself waits for the store's
    /// next checkpoint then.
    fn settle(self, store: &mut Store<D>) -> Result<(), RecoverError> {
        let Changed { dir, mut logs } = self.changed;
        if self.opening.recovery_point == 0 {
            // No checkpoint has named this partition yet: whose it is may be page cache that no disk has seen,
            // as the log may. Once it is named its directory must say so after every power loss.
            let path = self.dir.join(PARTITION_METADATA);
            if self.opening.durable {
                let text = metadata_text(self.opening.topic_id);
                replace_file(&*self.disk, &path, text.as_bytes())
                    .map_err(RecoverError::io(&path))?;
            } else {
                let again = || {
                    let file = self.disk.open(&path, false)?;
                    rewrite(&*self.disk, &file, 0, self.disk.len(&file)?)
                };
                again().map_err(RecoverError::io(&path))?;
                logs.insert(path);
            }
        }
        // After an unclean stop no name is known to be durable, neither one that is there nor one that is not.
        let names = dir || !self.opening.clean;
        store.left_unsynced(logs, names);
        let settled = match (self.opening.durable, names) {
            (true, _) => store.checkpoint().map(|_| ()),
            (false, true) => store.sync_indexes(),
            (false, false) => Ok(()),
        };
        settled.map_err(RecoverError::io(self.dir))
    }
}

/// The leader epochs of the file. A torn file is as good as none: the batches that are walked carry theirs.
fn read_epochs<D: Disk>(disk: &D, dir: &Path) -> Result<LeaderEpochs, RecoverError> {
    let path = dir.join(LEADER_EPOCHS);
    match read_file(disk, &path) {
        Ok(bytes) => {
            let entries = parse_epochs(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
            Ok(LeaderEpochs::new(entries))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(LeaderEpochs::default()),
        Err(e) => Err(RecoverError::io(path)(e)),
    }
}
