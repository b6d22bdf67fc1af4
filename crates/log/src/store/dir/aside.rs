//! Directories that are on their way out, or out of the way.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::Uuid;

use super::{DELETED, NAME_MAX};
use crate::store::disk::Disk;

/// A deleted partition's directory, out of the way of another of its name.
pub struct SetAside<D: Disk> {
    disk: Arc<D>,
    path: PathBuf,
}

impl<D: Disk> SetAside<D> {
    /// Renames the directory `dir`. `unique` is part of its new name.
    ///
    /// # Errors
    /// The disk's: a topic of the same name that is made later could find files that are not its own.
    pub(crate) fn new(disk: Arc<D>, dir: &Path, unique: Uuid) -> io::Result<Self> {
        let path = put_aside(&*disk, dir, unique, DELETED)?;
        Ok(SetAside { disk, path })
    }

    /// Makes the new name durable, and with it those of all others in the same data directory.
    ///
    /// # Errors
    /// As if the directory could not be renamed.
    pub fn make_durable(&self) -> io::Result<()> {
        self.path
            .parent()
            .map_or(Ok(()), |parent| self.disk.sync_dir(parent))
    }

    /// Takes the files away. The new name is durable, or no topic of the old one is made before it is.
    ///
    /// # Errors
    /// The disk's. What is left is taken away at the next start.
    pub fn clear(self) -> io::Result<()> {
        remove_dir(&*self.disk, &self.path)
    }
}

/// Kafka's way: the name, shortened so that all fits, a dot, 32 hexadecimal digits, the suffix.
pub(super) fn put_aside<D: Disk>(
    disk: &D,
    dir: &Path,
    unique: Uuid,
    suffix: &str,
) -> io::Result<PathBuf> {
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let hex: String = unique.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let (topic, partition) = name.rsplit_once('-').unwrap_or((&name, ""));
    let rest = format!("-{partition}.{hex}{suffix}");
    let mut kept = topic.len().min(NAME_MAX - rest.len());
    while !topic.is_char_boundary(kept) {
        kept -= 1;
    }
    let aside = dir.with_file_name(format!("{}{rest}", &topic[..kept]));
    disk.rename(dir, &aside)?;
    Ok(aside)
}

pub(super) fn remove_dir<D: Disk>(disk: &D, dir: &Path) -> io::Result<()> {
    for entry in disk.list(dir)? {
        let path = dir.join(&entry.name);
        if entry.is_dir {
            remove_dir(disk, &path)?
        } else {
            disk.remove(&path)?
        }
    }
    disk.remove(dir)
}
