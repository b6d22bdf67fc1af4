//! The fake disk's files and directories: what is seen, what is durable, and the changes in between.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// Which node.
pub(super) type NodeId = usize;

/// The directory above all.
pub(super) const ROOT: NodeId = 0;

/// What a disk writes at once or not at all, in bytes.
const SECTOR: u64 = 512;

/// All files and directories; a node without a name stays, as an open file does.
#[derive(Clone)]
pub(super) struct Nodes(Vec<Node>);

#[derive(Clone)]
pub(super) enum Node {
    File(FileNode),
    Dir(Dir),
}

/// A file. Applied to `durable`, all `pending` changes make `data`, unless a sync failed. Bytes are
/// shared until they change, so that a copy of the whole disk costs little.
#[derive(Clone, Default)]
pub(super) struct FileNode {
    data: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    pending: Vec<Edit>,
}

#[derive(Clone)]
enum Edit {
    Write(u64, Arc<[u8]>),
    Truncate(u64),
}

/// A directory; as with a file, but its changes are lost from the end.
#[derive(Clone, Default)]
pub(super) struct Dir {
    names: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
    pending: Vec<Change>,
}

#[derive(Clone)]
pub(super) enum Change {
    Link(String, NodeId),
    Unlink(String),
    Rename(String, String),
}

impl Default for Nodes {
    fn default() -> Self {
        Nodes(vec![Node::Dir(Dir::default())])
    }
}

impl Nodes {
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.0.push(node);
        self.0.len() - 1
    }

    pub(super) fn file(&self, id: NodeId) -> io::Result<&FileNode> {
        match &self.0[id] {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn file_mut(&mut self, id: NodeId) -> io::Result<&mut FileNode> {
        match &mut self.0[id] {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn dir(&self, id: NodeId) -> io::Result<&Dir> {
        match &self.0[id] {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn dir_mut(&mut self, id: NodeId) -> io::Result<&mut Dir> {
        match &mut self.0[id] {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// The node a path names.
    pub(super) fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut at = ROOT;
        for name in names(text(path)?) {
            at = self.dir(at)?.get(name).ok_or(ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    /// The directory a path lies in, and its name there.
    pub(super) fn parent<'p>(&self, path: &'p Path) -> io::Result<(NodeId, &'p str)> {
        let path = text(path)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let dir = self.find(Path::new(parent))?;
        self.dir(dir)?;
        Ok((dir, name))
    }

    /// Bytes of all files that have a name.
    pub(super) fn used(&self) -> u64 {
        let named = self.0.iter().filter_map(|node| match node {
            Node::Dir(dir) => Some(dir.names.values()),
            Node::File(_) => None,
        });
        named
            .flatten()
            .filter_map(|id| self.file(*id).ok())
            .map(|file| file.data.len() as u64)
            .sum()
    }

    /// The power goes: `choose(n)` picks one of n outcomes for each change, 0 being the loss of it.
    pub(super) fn lose(&mut self, choose: &mut dyn FnMut(u64) -> u64) {
        for node in &mut self.0 {
            match node {
                Node::File(file) => file.lose(choose),
                Node::Dir(dir) => dir.lose(choose),
            }
        }
    }
}

/// A path as the fake disk takes it.
pub(super) fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or(ErrorKind::InvalidInput.into())
}

/// The names on a path. (Faster than its components, and the simulation opens files all the time.)
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

impl Node {
    pub(super) fn file() -> Self {
        Node::File(FileNode::default())
    }
}

impl FileNode {
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(super) fn write(&mut self, at: u64, bytes: Vec<u8>) {
        self.change(Edit::Write(at, bytes.into()));
    }

    pub(super) fn truncate(&mut self, len: u64) {
        self.change(Edit::Truncate(len));
    }

    fn change(&mut self, edit: Edit) {
        edit.apply(Arc::make_mut(&mut self.data));
        self.pending.push(edit);
    }

    pub(super) fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let durable = Arc::make_mut(&mut self.durable);
        for edit in self.pending.drain(..) {
            edit.apply(durable);
        }
    }

    pub(super) fn flip(&mut self, bit: u64) {
        for bytes in [&mut self.data, &mut self.durable] {
            if let Some(byte) = Arc::make_mut(bytes).get_mut(index(bit / 8)) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// A sync failed: the changes stay visible, but nobody will ever write them out.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
    }

    fn lose(&mut self, choose: &mut dyn FnMut(u64) -> u64) {
        for edit in std::mem::take(&mut self.pending) {
            match (choose(4), edit) {
                (0, _) => {}
                (3, Edit::Write(at, bytes)) => {
                    for (at, sector) in sectors(at, &bytes) {
                        if choose(2) == 1 {
                            overwrite(Arc::make_mut(&mut self.durable), at, sector);
                        }
                    }
                }
                (1, Edit::Write(at, bytes)) => {
                    let kept = choose(bytes.len() as u64 + 1);
                    let kept = usize::try_from(kept).expect("no more than there was");
                    overwrite(Arc::make_mut(&mut self.durable), at, &bytes[..kept]);
                }
                (_, edit) => edit.apply(Arc::make_mut(&mut self.durable)),
            }
        }
        self.data = Arc::clone(&self.durable);
    }
}

/// A write, sector by sector.
fn sectors(at: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let (mut at, mut rest) = (at, bytes);
    std::iter::from_fn(move || {
        let room = usize::try_from(SECTOR - at % SECTOR).expect("no more than a sector");
        let (sector, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        let begins = at;
        (at, rest) = (at + sector.len() as u64, later);
        (!sector.is_empty()).then_some((begins, sector))
    })
}

/// Writes into a file's bytes; a gap reads as zeros.
fn overwrite(to: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let start = index(at);
    let end = start + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[start..end].copy_from_slice(bytes);
}

fn index(n: u64) -> usize {
    usize::try_from(n).expect("the fake disk lives in memory")
}

impl Edit {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Edit::Write(at, bytes) => overwrite(to, *at, bytes),
            Edit::Truncate(len) => to.resize(index(*len), 0),
        }
    }
}

impl Dir {
    pub(super) fn get(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn names(&self) -> &BTreeMap<String, NodeId> {
        &self.names
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    fn lose(&mut self, choose: &mut dyn FnMut(u64) -> u64) {
        let kept = usize::try_from(choose(self.pending.len() as u64 + 1))
            .expect("no more than there were");
        for change in self.pending.drain(..).take(kept) {
            change.apply(&mut self.durable);
        }
        self.names.clone_from(&self.durable);
    }
}

impl Change {
    fn apply(&self, to: &mut BTreeMap<String, NodeId>) {
        match self {
            Change::Link(name, node) => {
                to.insert(name.clone(), *node);
            }
            Change::Unlink(name) => {
                to.remove(name);
            }
            Change::Rename(from, name) => {
                if let Some(node) = to.remove(from) {
                    to.insert(name.clone(), node);
                }
            }
        }
    }
}
