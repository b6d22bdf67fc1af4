//! Bit rot: what a flipped bit in files that are closed and flushed may do, and what it may not.
//!
//! After everything else the broker is stopped cleanly, one bit of one file of a partition flips, and
//! it is started again. If that is a log it may refuse, and then says which; or it serves, and then a
//! reader gets what was there, or CORRUPT_MESSAGE, and never anything else. If it is a file that can be
//! made anew the reader gets all of it. What is folded from the broker's own topics is what it was. A kill and another
//! start must not cut what was flushed either.

use super::{Phase, World};
use crate::client::{KEYED, Rotten, read_rotten};
use crate::invariant::{durable, replay};
use crate::node::Life;
use crate::random::Random;
use once_broker::StartError;
use once_check::History;
use once_check::history::{Isolation, Op, Partition, Value};
use once_log::store::{Crash, Disk};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// One run in so many ends so.
const ROTS: u64 = 6;

/// The files of which nothing is lost: a start makes them anew.
const MADE_ANEW: [&str; 6] = [
    "index",
    "timeindex",
    "txnindex",
    "sums",
    "snapshot",
    "window",
];

/// The files that a start takes as they were written, or not at all.
const CHECKPOINTS: [&str; 2] = ["log-start-offset-checkpoint", "cleaner-offset-checkpoint"];

/// A bit that flipped.
pub(super) struct Flipped {
    /// Where.
    path: PathBuf,
    /// How it is read.
    isolation: Isolation,
    /// What the reader saw.
    seen: Rc<RefCell<Rotten>>,
    /// What is in the log.
    written: BTreeMap<(Partition, i64), Value>,
    /// Where each log ended for who read all of it. What the stop wrote after that, for a client that had gone without
    /// an answer, nobody has read.
    ends: BTreeMap<Partition, i64>,
}

impl World {
    /// All is read, and nothing was wrong: the end, or one more test.
    pub(super) fn drained(&mut self) {
        let mut random = Random::stream(self.plan.seed, "rot");
        if random.below(ROTS) != 0 {
            self.over = true;
            return;
        }
        self.phase = Phase::Rot;
        let stopped = self.life.take().map(Life::stop);
        if let Some(Err(problem)) = stopped {
            return self.found(format!(
                "no clean stop when everything was healed: {problem}"
            ));
        }
        self.boot += 1;
        self.disk.crash(Crash::Process);
        self.everyone_is_cut();
        let found = match random.below(5) {
            0 | 1 => self.file_on_disk(&["log"], &mut random),
            2 | 3 => self.file_on_disk(&MADE_ANEW, &mut random),
            _ => self.checkpoint_on_disk(&mut random),
        };
        let Some((path, bits)) = found else {
            self.over = true;
            return;
        };
        let sound = self.start_beside();
        let bit = random.below(bits);
        self.say(format_args!("bit {bit} of {} flips", path.display()));
        if let Err(error) = self.disk.flip(&path, bit) {
            return self.found(format!("the fake disk has no {}: {error}", path.display()));
        }
        self.coverage
            .met(match (is_log(&path), is_checkpoint(&path)) {
                (true, _) => "bit rot of a log",
                (_, true) => "bit rot of a checkpoint",
                _ => "bit rot of another file",
            });
        let isolation = *random.pick(&[Isolation::ReadUncommitted, Isolation::ReadCommitted]);
        self.flipped = Some(Flipped {
            path,
            isolation,
            seen: Rc::default(),
            written: written(&self.history.borrow(), isolation),
            ends: ends(&self.history.borrow(), isolation),
        });
        if let (Ok(sound), Ok(rotten)) = (sound, self.start_beside())
            && let Some(differs) = replay::machines_differ(&sound.engine, &rotten.engine)
        {
            let path = self.flipped.as_ref().map(|flipped| flipped.path.display());
            let path = path.map_or_else(String::new, |path| path.to_string());
            return self.found(format!("a bit of {path} flipped: {differs}"));
        }
        self.start();
        let taken = self
            .flipped
            .as_ref()
            .filter(|flipped| is_checkpoint(&flipped.path));
        if let Some(flipped) = taken {
            let path = flipped.path.display();
            let found = format!("a bit of {path} flipped, and a start takes it as it is");
            self.found(found);
        }
    }

    /// A checkpoint, and how many bits it has.
    fn checkpoint_on_disk(&self, random: &mut Random) -> Option<(PathBuf, u64)> {
        let root = Path::new("/data");
        let files = self.disk.list(root).unwrap_or_default();
        let checkpoints = files
            .iter()
            .filter(|file| CHECKPOINTS.contains(&&*file.name));
        let found: Vec<_> = checkpoints
            .map(|file| (root.join(&file.name), file.len * 8))
            .collect();
        (!found.is_empty()).then(|| random.pick(&found).clone())
    }

    /// A broker started on a copy of the disk.
    fn start_beside(&self) -> Result<Life, StartError> {
        let disk = Arc::new(self.disk.fork(Crash::Process));
        let settings = (&self.config, self.plan.journal.1);
        let mut random = Random::stream(self.plan.seed, "rotten start");
        Life::start(&disk, settings, self.now_ms(), &mut random).map(|(life, _)| life)
    }

    /// A partition's file of one of these kinds that is not empty, and how many bits it has.
    fn file_on_disk(&self, kinds: &[&str], random: &mut Random) -> Option<(PathBuf, u64)> {
        let root = Path::new("/data");
        let mut found = Vec::new();
        for dir in self.disk.list(root).unwrap_or_default() {
            let dir_path = root.join(&dir.name);
            for file in self.disk.list(&dir_path).unwrap_or_default() {
                let path = dir_path.join(&file.name);
                if kinds.iter().any(|kind| is(&path, kind)) && file.len > 0 {
                    found.push((path, file.len * 8));
                }
            }
        }
        (!found.is_empty()).then(|| random.pick(&found).clone())
    }

    /// The broker runs on what has rotted: it is read.
    pub(super) fn read_what_rotted(&mut self) {
        let Some(flipped) = &self.flipped else {
            return;
        };
        let seen = Rc::clone(&flipped.seen);
        // What this reader sees is judged here, not with the rest.
        let port = self.port_with(Rc::default());
        let (partitions, isolation) = (self.plan.partitions, flipped.isolation);
        let task = Box::pin(read_rotten(port.clone(), partitions, isolation, seen));
        self.sit(port, task);
    }

    /// The broker would not start on what has rotted: it says why.
    pub(super) fn refused_what_rotted(&mut self, error: &StartError) {
        if let Some(flipped) = self.flipped.take() {
            self.refused(&flipped, error);
        }
    }

    fn refused(&mut self, flipped: &Flipped, error: &StartError) {
        self.over = true;
        let (path, text) = (&flipped.path, error.to_string());
        let dir = path.parent().unwrap_or(path).display().to_string();
        let file = path.display().to_string();
        let is_named =
            text.contains(&dir) && is_log(path) || text.contains(&file) && is_checkpoint(path);
        if is_named {
            self.coverage.met("bit rot: a start is refused");
        } else {
            let path = path.display();
            self.found(format!("a bit of {path} flipped, and a start says: {text}"));
        }
    }

    /// The reader is done.
    pub(super) fn rotten_read(&mut self) {
        self.over = true;
        let Some(flipped) = self.flipped.take() else {
            return;
        };
        let seen = flipped.seen.borrow();
        let is_read = |(partition, offset): &(Partition, i64)| {
            let end = flipped.ends.get(partition);
            end.is_none_or(|end| offset < end)
        };
        for (place, value) in seen.values.iter().filter(|(place, _)| is_read(place)) {
            if flipped.written.get(place) != Some(value) {
                let (partition, offset) = place;
                let path = flipped.path.display();
                return self.found(format!(
                    "a bit of {path} flipped, and {partition} has {value:?} at {offset}"
                ));
            }
        }
        for partition in &seen.corrupt {
            let dir = flipped.path.parent().and_then(Path::file_name);
            let is_its = dir.is_some_and(|dir| *dir.to_string_lossy() == *partition.to_string());
            if !is_its || !is_log(&flipped.path) {
                let path = flipped.path.display();
                return self.found(format!(
                    "a bit of {path} flipped, and {partition} cannot be read"
                ));
            }
            self.coverage.met("bit rot: a fetch says so");
        }
        // Of the compacted topic less is left every time.
        let kept = |place: &&(Partition, i64)| *place.0.topic != *KEYED;
        let all = flipped.written.keys().filter(kept).count();
        let found = seen.values.keys().filter(|place| is_read(place));
        let found = found.filter(kept).count();
        if seen.corrupt.is_empty() && found != all {
            let mut all_kept = flipped.written.keys().filter(kept);
            let missing = all_kept.find(|place| !seen.values.contains_key(place));
            return self.found(format!(
                "of {all} records {found} can be read after a bit flipped, and not {missing:?}"
            ));
        }
        drop(seen);
        self.start_again_on(&flipped);
    }

    /// A kill, and one more start: nothing that was flushed is cut.
    fn start_again_on(&mut self, flipped: &Flipped) {
        match self.start_beside() {
            Err(error) => self.refused(flipped, &error),
            Ok(again) => {
                let lost = durable::unseen(&self.invariants, &again.engine, &again.engine);
                self.findings.extend(lost);
            }
        }
    }
}

fn is(path: &Path, kind: &str) -> bool {
    path.extension().is_some_and(|extension| extension == kind)
}

fn is_checkpoint(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| CHECKPOINTS.contains(&name))
}

fn is_log(path: &Path) -> bool {
    is(path, "log")
}

/// Where the logs ended for the last reader of everything.
fn ends(history: &History, isolation: Isolation) -> BTreeMap<Partition, i64> {
    let mut ends = BTreeMap::new();
    for event in history.events() {
        match &event.op {
            Op::Drained(drained) if drained.isolation == isolation => {
                let partitions = drained.partitions.iter();
                ends.extend(partitions.map(|(partition, bounds)| (partition.clone(), bounds.end)));
            }
            _ => {}
        }
    }
    ends
}

/// What readers of everything found so, when all was well, and what was not deleted since.
fn written(history: &History, isolation: Isolation) -> BTreeMap<(Partition, i64), Value> {
    let mut written = BTreeMap::new();
    for event in history.events() {
        if let Op::Drained(drained) = &event.op {
            for (partition, bounds) in &drained.partitions {
                written.retain(|(of, offset), _| of != partition || *offset >= bounds.start);
            }
        }
        let Op::Poll(poll) = &event.op else {
            continue;
        };
        if poll.isolation != isolation {
            continue;
        }
        for read in &poll.reads {
            for record in &read.records {
                let place = (read.partition.clone(), record.offset);
                written.insert(place, record.value.clone());
            }
        }
    }
    written
}
