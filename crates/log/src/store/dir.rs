//! The data directory: whose it is, its checkpoints, and the directories of the partitions.

mod aside;
mod summed;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::Uuid;

pub use self::aside::SetAside;
use self::aside::{put_aside, remove_dir};
use super::checkpoint::{
    offsets_text, parse_metadata, parse_offsets, parse_properties, properties_text,
};
use super::disk::{Disk, read_file, replace_file};
use super::error::DirError;
use super::names::PARTITION_METADATA;

const LOCK: &str = ".lock";
const META_PROPERTIES: &str = "meta.properties";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// Ends the name of a directory that is being deleted.
const DELETED: &str = "-delete";
/// Ends the name of a directory that belongs to no topic.
const STRAY: &str = "-stray";
/// The longest name a file system takes, in bytes.
const NAME_MAX: usize = 255;

/// Whose a data directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `cluster.id`.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: i32,
    /// `directory.id`.
    pub directory_id: Uuid,
}

/// An offset per partition, kept in a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// Everything below is on disk and need not be looked at after a crash.
    RecoveryPoint,
    /// The high watermark.
    HighWatermark,
    /// The log start offset, where it lies within a segment.
    LogStart,
    /// Below it compaction has seen all keys.
    Cleaned,
}

impl Checkpoint {
    fn file_name(self) -> &'static str {
        match self {
            Checkpoint::RecoveryPoint => "recovery-point-offset-checkpoint",
            Checkpoint::HighWatermark => "replication-offset-checkpoint",
            Checkpoint::LogStart => "log-start-offset-checkpoint",
            Checkpoint::Cleaned => "cleaner-offset-checkpoint",
        }
    }

    /// Whether a changed digit would do harm without a word. That of a recovery point refuses the start or has more
    /// read again, and the high watermark's is for Kafka alone.
    fn is_summed(self) -> bool {
        matches!(self, Checkpoint::LogStart | Checkpoint::Cleaned)
    }
}

/// Makes the names durable that lead to a directory, any of which may just have been made. Those above its parent may
/// be nothing that we may open; then they are older.
fn sync_way_to<D: Disk>(disk: &D, path: &Path) -> Result<(), DirError> {
    let above = path
        .ancestors()
        .skip(1)
        .filter(|dir| !dir.as_os_str().is_empty());
    for (n, dir) in above.enumerate() {
        match disk.sync_dir(dir) {
            Err(error) if n == 0 => return Err(DirError::io(dir)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// The directory of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDir {
    /// Where it is.
    pub path: PathBuf,
    /// The topic's name.
    pub topic: String,
    /// The partition's index.
    pub partition: i32,
    /// The topic's id; none if the file that says it is missing or torn, as when a crash cut its making short.
    pub topic_id: Option<Uuid>,
}

/// A data directory, locked for this process.
pub struct DataDir<D: Disk> {
    disk: Arc<D>,
    path: PathBuf,
    identity: Identity,
    _lock: D::File,
}

impl<D: Disk> DataDir<D> {
    /// Makes the directory if it is missing, locks it, and checks whose it is. One that belongs to nobody yet
    /// gets the identity `fresh`. Its `node.id` must be the one asked for. Whether the rest is its own, what lies in
    /// it tells: the journal, and the catalog's partitions.
    ///
    /// # Errors
    /// See [`DirError`]; each is a sentence for the operator.
    pub fn open(disk: Arc<D>, path: PathBuf, fresh: &Identity) -> Result<Self, DirError> {
        disk.create_dir(&path).map_err(DirError::io(&path))?;
        let lock = disk.lock(&path.join(LOCK)).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => DirError::InUse(path.clone()),
            _ => DirError::io(path.join(LOCK))(e),
        })?;
        let file = path.join(META_PROPERTIES);
        let identity = match read_text(&*disk, &file)? {
            Some(text) => {
                // A start that was killed may have left names, or taken them away, in memory only.
                disk.sync_dir(&path).map_err(DirError::io(&path))?;
                read_identity(&file, &text)?
            }
            None => {
                // Before it belongs to anybody, so that who finds whose it is finds it after a power loss too.
                sync_way_to(&*disk, &path)?;
                replace_file(&*disk, &file, identity_text(fresh).as_bytes())
                    .map_err(DirError::io(&file))?;
                fresh.clone()
            }
        };
        if identity.node_id != fresh.node_id {
            return Err(DirError::OtherOwner {
                path,
                field: "node.id",
                found: identity.node_id.to_string(),
                expected: fresh.node_id.to_string(),
            });
        }
        Ok(DataDir {
            disk,
            path,
            identity,
            _lock: lock,
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a partition's directory is, or would be.
    #[must_use]
    pub fn partition_path(&self, topic: &str, partition: i32) -> PathBuf {
        self.path.join(format!("{topic}-{partition}"))
    }

    /// Says whether the last stop was clean, and forgets it durably: from now on only the next clean stop counts.
    ///
    /// # Errors
    /// The disk's.
    pub fn take_clean_marker(&self) -> Result<bool, DirError> {
        let file = self.path.join(CLEAN_SHUTDOWN);
        match self.disk.remove(&file) {
            Ok(()) => self.sync().map(|()| true),
            // For good: opening the directory made its names durable.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(DirError::io(file)(e)),
        }
    }

    /// The stop is clean: everything is on disk. The last thing to be written.
    ///
    /// # Errors
    /// The disk's.
    pub fn write_clean_marker(&self) -> Result<(), DirError> {
        let file = self.path.join(CLEAN_SHUTDOWN);
        let json = br#"{"version":0,"brokerEpoch":-1}"#;
        replace_file(&*self.disk, &file, json).map_err(DirError::io(&file))
    }

    /// Reads a checkpoint; an absent one is empty.
    ///
    /// # Errors
    /// The disk's, [`DirError::Malformed`] and [`DirError::Changed`].
    pub fn read_checkpoint(
        &self,
        which: Checkpoint,
    ) -> Result<BTreeMap<(String, i32), i64>, DirError> {
        let path = self.path.join(which.file_name());
        let Some(text) = read_text(&*self.disk, &path)? else {
            return Ok(BTreeMap::new());
        };
        let holds = !which.is_summed()
            || summed::holds(&*self.disk, &path, text.as_bytes()).map_err(DirError::io(&path))?;
        if !holds {
            let sums = summed::sums_of(&path);
            return Err(DirError::Changed { path, sums });
        }
        parse_offsets(&text).map_err(|reason| DirError::Malformed { path, reason })
    }

    /// Replaces a checkpoint; after a power loss it is the old or the new one.
    ///
    /// # Errors
    /// The disk's.
    pub fn write_checkpoint(
        &self,
        which: Checkpoint,
        offsets: &BTreeMap<(String, i32), i64>,
    ) -> Result<(), DirError> {
        let path = self.path.join(which.file_name());
        let text = offsets_text(offsets);
        let replaced = if which.is_summed() {
            summed::replace(&*self.disk, &path, text.as_bytes())
        } else {
            replace_file(&*self.disk, &path, text.as_bytes())
        };
        replaced.map_err(DirError::io(&path))
    }

    /// The directories of partitions, by name. What is being deleted or went stray is not among them.
    ///
    /// # Errors
    /// The disk's.
    pub fn partitions(&self) -> Result<Vec<PartitionDir>, DirError> {
        let mut found = Vec::new();
        for entry in self
            .disk
            .list(&self.path)
            .map_err(DirError::io(&self.path))?
        {
            let Some((topic, partition)) = parse_partition(&entry.name).filter(|_| entry.is_dir)
            else {
                continue;
            };
            let path = self.path.join(&entry.name);
            let metadata = read_text(&*self.disk, &path.join(PARTITION_METADATA))?;
            let topic_id = metadata.and_then(|text| parse_metadata(&text));
            found.push(PartitionDir {
                path,
                topic: topic.to_owned(),
                partition,
                topic_id,
            });
        }
        Ok(found)
    }

    /// Takes away what deletions that were cut short have left, as far as it can.
    ///
    /// # Errors
    /// The disk's first.
    pub fn finish_deletions(&self) -> Result<(), DirError> {
        let mut all = Ok(());
        for entry in self
            .disk
            .list(&self.path)
            .map_err(DirError::io(&self.path))?
        {
            if entry.is_dir && entry.name.ends_with(DELETED) {
                let path = self.path.join(&entry.name);
                all = all.and(remove_dir(&*self.disk, &path).map_err(DirError::io(&path)));
            }
        }
        all
    }

    /// Deletes a partition's directory, as [`Store::set_aside`](super::Store::set_aside) and [`SetAside::clear`] do of one that
    /// is open.
    ///
    /// # Errors
    /// The disk's.
    pub fn delete(&self, partition: &PartitionDir, unique: Uuid) -> Result<(), DirError> {
        SetAside::new(Arc::clone(&self.disk), &partition.path, unique)
            .and_then(|aside| aside.make_durable().and_then(|()| aside.clear()))
            .map_err(DirError::io(&partition.path))
    }

    /// Puts aside a directory that belongs to no topic we know; it is never deleted. Returns its new place.
    ///
    /// # Errors
    /// The disk's.
    pub fn set_stray(&self, partition: &PartitionDir, unique: Uuid) -> Result<PathBuf, DirError> {
        let aside = put_aside(&*self.disk, &partition.path, unique, STRAY)
            .map_err(DirError::io(&partition.path))?;
        self.sync().map(|()| aside)
    }

    fn sync(&self) -> Result<(), DirError> {
        self.disk
            .sync_dir(&self.path)
            .map_err(DirError::io(&self.path))
    }
}

/// Topic and partition of a directory's name; the partition follows the last dash.
fn parse_partition(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let digits = !partition.is_empty() && partition.bytes().all(|b| b.is_ascii_digit());
    (digits && !topic.is_empty()).then(|| partition.parse().ok().map(|p| (topic, p)))?
}

fn read_text<D: Disk>(disk: &D, path: &Path) -> Result<Option<String>, DirError> {
    match read_file(disk, path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(DirError::io(path)(e)),
    }
}

fn identity_text(identity: &Identity) -> String {
    let (node, directory) = (
        identity.node_id.to_string(),
        identity.directory_id.to_string(),
    );
    properties_text(&[
        ("version", "1"),
        ("cluster.id", &identity.cluster_id),
        ("node.id", &node),
        ("directory.id", &directory),
    ])
}

fn read_identity(path: &Path, text: &str) -> Result<Identity, DirError> {
    let properties = parse_properties(text);
    let malformed = |reason: String| DirError::Malformed {
        path: path.to_path_buf(),
        reason,
    };
    let get = |key| {
        properties
            .get(key)
            .copied()
            .ok_or_else(|| malformed(format!("it has no {key}")))
    };
    match get("version")?.parse() {
        Ok(1) => {}
        Ok(version @ 2_u32..) => {
            let path = path.to_path_buf();
            return Err(DirError::Newer { path, version });
        }
        _ => {
            return Err(malformed(format!(
                "its version is {}, not 1",
                get("version")?
            )));
        }
    }
    let node_id = get("node.id")?;
    let directory_id = get("directory.id")?;
    Ok(Identity {
        cluster_id: get("cluster.id")?.to_owned(),
        node_id: node_id
            .parse()
            .map_err(|_| malformed(format!("node.id {node_id:?} is no number")))?,
        directory_id: directory_id
            .parse()
            .map_err(|_| malformed(format!("directory.id {directory_id:?} is no id")))?,
    })
}

#[cfg(test)]
mod tests;
