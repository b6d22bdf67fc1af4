//! Files in memory that lose what a real disk may lose, and fail on demand.

mod node;
mod random;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use node::{Change, Dir, Node, NodeId, Nodes, ROOT, names, text};
use random::Random;

use super::{DirEntry, Disk};

/// A disk in memory. It keeps apart what everyone sees from what would survive power loss, and on
/// [`FakeDisk::crash`] keeps of the difference what a seed says.
#[derive(Default)]
pub struct FakeDisk {
    state: Mutex<State>,
}

/// An open file of a [`FakeDisk`]. After a crash or kill it is dead: every call with it fails.
#[derive(Clone)]
pub struct FakeFile {
    node: NodeId,
    boot: u64,
    _lock: Option<Arc<()>>,
}

#[derive(Default)]
struct State {
    nodes: Nodes,
    boot: u64,
    locks: BTreeMap<NodeId, std::sync::Weak<()>>,
    syncs: u64,
    changes: u64,
    fail_sync_in: Option<u64>,
    fail_write_in: Option<u64>,
    stop_in: Option<u64>,
    stopped: bool,
    ignores_dir_syncs: bool,
    capacity: Option<u64>,
}

/// What a crash keeps of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// All of it: the process ends, the machine goes on.
    Process,
    /// None of it.
    LoseAll,
    /// Each write wholly, its first bytes, some of its sectors, or not at all; of each directory's changes the first
    /// few.
    Seeded(u64),
}

impl FakeDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        FakeDisk::default()
    }

    /// The process ends, and with it every open file and lock; what was not synced is treated as told.
    pub fn crash(&self, how: Crash) {
        let mut state = self.state();
        state.boot += 1;
        state.locks.clear();
        (state.fail_sync_in, state.fail_write_in) = (None, None);
        (state.stop_in, state.stopped) = (None, false);
        let mut random = match how {
            Crash::Process => return,
            Crash::LoseAll => None,
            Crash::Seeded(seed) => Some(Random(seed)),
        };
        state
            .nodes
            .lose(&mut |choices| random.as_mut().map_or(0, |r| r.below(choices)));
    }

    /// The `n`-th sync from now on fails (1 is the next): its bytes stay visible, are never written by a later
    /// sync, and do not survive power loss.
    pub fn fail_sync_in(&self, n: u64) {
        self.state().fail_sync_in = Some(n);
    }

    /// The `n`-th write from now on fails (1 is the next), half of it written.
    pub fn fail_write_in(&self, n: u64) {
        self.state().fail_write_in = Some(n);
    }

    /// The `n`-th change from now on (1 is the next) is the one during which the process ends: a write gets half of
    /// its bytes out, anything else does not happen, and every call after it fails until [`FakeDisk::crash`].
    pub fn stop_in(&self, n: u64) {
        self.state().stop_in = Some(n);
    }

    /// Whether [`FakeDisk::stop_in`] came true.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// A bit of a file is another from now on, on the disk too; nobody is told. `bit` counts from the file's first.
    ///
    /// # Errors
    /// If there is no such file. A bit beyond its end is none of it, and changes nothing.
    pub fn flip(&self, path: &Path, bit: u64) -> io::Result<()> {
        let mut state = self.state();
        let node = state.nodes.find(path)?;
        state.nodes.file_mut(node)?.flip(bit);
        Ok(())
    }

    /// Syncs of directories do nothing from now on: what a broker would be that forgets them.
    pub fn ignore_dir_syncs(&self) {
        self.state().ignores_dir_syncs = true;
    }

    /// What this disk would be after a crash, as another disk; this one goes on as if nothing had been.
    #[must_use]
    pub fn fork(&self, how: Crash) -> Self {
        let state = self.state();
        let fork = State {
            nodes: state.nodes.clone(),
            boot: state.boot,
            ignores_dir_syncs: state.ignores_dir_syncs,
            capacity: state.capacity,
            ..State::default()
        };
        let fork = FakeDisk {
            state: Mutex::new(fork),
        };
        fork.crash(how);
        fork
    }

    /// All files together may not hold more than so many bytes; `None` is no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// What [`FakeDisk::set_capacity`] set.
    #[must_use]
    pub fn capacity(&self) -> Option<u64> {
        self.state().capacity
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().nodes.used()
    }

    /// How often something was synced so far, directories included.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How often something was changed or synced so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no call panics while it holds the state")
    }
}

impl Disk for FakeDisk {
    type File = FakeFile;

    fn open(&self, path: &Path, create: bool) -> io::Result<FakeFile> {
        let mut state = self.state();
        let (dir, name) = state.nodes.parent(path)?;
        let node = match state.nodes.dir(dir)?.get(name) {
            Some(node) => node,
            None if create => {
                state.goes_on()?;
                let node = state.nodes.add(Node::file());
                state
                    .nodes
                    .dir_mut(dir)?
                    .change(Change::Link(name.to_owned(), node));
                node
            }
            None => return Err(ErrorKind::NotFound.into()),
        };
        state.nodes.file(node)?;
        Ok(FakeFile {
            node,
            boot: state.boot,
            _lock: None,
        })
    }

    fn len(&self, file: &FakeFile) -> io::Result<u64> {
        let state = self.state();
        state.alive(file)?;
        Ok(state.nodes.file(file.node)?.data().len() as u64)
    }

    fn read_at(&self, file: &FakeFile, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let state = self.state();
        state.alive(file)?;
        let data = state.nodes.file(file.node)?.data();
        let from = usize::try_from(at).map_or(data.len(), |at| at.min(data.len()));
        let n = into.len().min(data.len() - from);
        into[..n].copy_from_slice(&data[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, file: &FakeFile, at: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut state = self.state();
        state.alive(file)?;
        let was_stopped = state.stopped;
        let mut result = state.goes_on();
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        if result.is_err() {
            bytes.truncate(if was_stopped { 0 } else { bytes.len() / 2 });
        }
        if counted_down(&mut state.fail_write_in) {
            bytes.truncate(bytes.len() / 2);
            result = Err(io::Error::other(
                "the fake disk was told to fail this write",
            ));
        }
        let end = at + bytes.len() as u64;
        let grows = end.saturating_sub(state.nodes.file(file.node)?.data().len() as u64);
        let room = state
            .capacity
            .map_or(u64::MAX, |limit| limit.saturating_sub(state.nodes.used()));
        if grows > room {
            let fits = (bytes.len() as u64).saturating_sub(grows - room);
            bytes.truncate(usize::try_from(fits).expect("no more than there was"));
            result = Err(ErrorKind::StorageFull.into());
        }
        state.nodes.file_mut(file.node)?.write(at, bytes);
        result
    }

    fn truncate(&self, file: &FakeFile, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.alive(file)?;
        state.goes_on()?;
        state.nodes.file_mut(file.node)?.truncate(len);
        Ok(())
    }

    fn sync(&self, file: &FakeFile) -> io::Result<()> {
        let mut state = self.state();
        state.alive(file)?;
        state.goes_on()?;
        state.syncs += 1;
        let fails = counted_down(&mut state.fail_sync_in);
        let node = state.nodes.file_mut(file.node)?;
        if fails {
            node.forget();
            return Err(io::Error::other("the fake disk was told to fail this sync"));
        }
        node.sync();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.goes_on()?;
        let (dir, from) = state.nodes.parent(from)?;
        let (to_dir, to) = state.nodes.parent(to)?;
        if dir != to_dir {
            return Err(ErrorKind::CrossesDevices.into());
        }
        if state.nodes.dir(dir)?.get(from).is_none() {
            return Err(ErrorKind::NotFound.into());
        }
        state
            .nodes
            .dir_mut(dir)?
            .change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.goes_on()?;
        let (dir, name) = state.nodes.parent(path)?;
        let node = state.nodes.dir(dir)?.get(name).ok_or(ErrorKind::NotFound)?;
        if state.nodes.dir(node).is_ok_and(|d| !d.is_empty()) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state
            .nodes
            .dir_mut(dir)?
            .change(Change::Unlink(name.to_owned()));
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let mut at = ROOT;
        for name in names(text(path)?) {
            at = match state.nodes.dir(at)?.get(name) {
                Some(node) => node,
                None => {
                    state.goes_on()?;
                    let node = state.nodes.add(Node::Dir(Dir::default()));
                    let link = Change::Link(name.to_owned(), node);
                    state.nodes.dir_mut(at)?.change(link);
                    node
                }
            };
        }
        state.nodes.dir(at).map(|_| ())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let state = self.state();
        let dir = state.nodes.find(dir)?;
        let mut entries = Vec::new();
        for (name, node) in state.nodes.dir(dir)?.names() {
            let file = state.nodes.file(*node).ok();
            let len = file.map_or(0, |f| f.data().len() as u64);
            entries.push(DirEntry {
                name: name.clone(),
                is_dir: file.is_none(),
                len,
            });
        }
        Ok(entries)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.goes_on()?;
        let dir = state.nodes.find(dir)?;
        state.syncs += 1;
        if state.ignores_dir_syncs {
            return Ok(());
        }
        let fails = counted_down(&mut state.fail_sync_in);
        let node = state.nodes.dir_mut(dir)?;
        if fails {
            return Err(io::Error::other("the fake disk was told to fail this sync"));
        }
        node.sync();
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<FakeFile> {
        let file = self.open(path, true)?;
        let mut state = self.state();
        if state
            .locks
            .get(&file.node)
            .is_some_and(|held| held.strong_count() > 0)
        {
            return Err(ErrorKind::WouldBlock.into());
        }
        let guard = Arc::new(());
        state.locks.insert(file.node, Arc::downgrade(&guard));
        Ok(FakeFile {
            _lock: Some(guard),
            ..file
        })
    }
}

impl State {
    /// One more change, if the process still runs.
    fn goes_on(&mut self) -> io::Result<()> {
        self.changes += 1;
        if !self.stopped && !counted_down(&mut self.stop_in) {
            return Ok(());
        }
        self.stopped = true;
        Err(io::Error::other("the fake disk's process has ended"))
    }

    fn alive(&self, file: &FakeFile) -> io::Result<()> {
        if file.boot == self.boot {
            return Ok(());
        }
        Err(io::Error::other("the file was opened before the crash"))
    }
}

/// Counts down to a planned failure; true when it is due.
fn counted_down(counter: &mut Option<u64>) -> bool {
    match counter {
        None => false,
        Some(n) if *n > 1 => {
            *n -= 1;
            false
        }
        Some(_) => {
            *counter = None;
            true
        }
    }
}
