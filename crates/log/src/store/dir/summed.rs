//! Checkpoints in which a changed digit would do harm without a word: beside each lies what it may hold.
//!
//! Kafka's checkpoints have no checksum. A log start that reads as a higher one takes records away; a cleaned offset
//! that does makes compaction pass over the tombstone of a key. So the checksums are written first, of what is there
//! and of what comes: whichever of the two a power loss leaves, it is known. In the end only the second stays. A
//! checkpoint without such a file, Kafka's for one, is taken as it is.

use std::io;
use std::path::{Path, PathBuf};

use super::super::checkpoint::checkpoint;
use super::super::disk::{Disk, place_file, read_if_there, replace_file};

/// Ends the name of the file with the checksums.
const SUMS: &str = ".sums";

/// Where the checksums of a checkpoint are.
pub(super) fn sums_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUMS);
    name.into()
}

/// Replaces a checkpoint and its checksums; after a power loss it is the old or the new one.
pub(super) fn replace<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (sums, before) = (
        sums_of(path),
        read_if_there(disk, path)?.unwrap_or_default(),
    );
    let either = checkpoint([sum(&before), sum(bytes)].into_iter());
    // Of the names in one directory a power loss takes the last changes only: each is there when the next one is.
    place_file(disk, &sums, either.as_bytes())?;
    replace_file(disk, path, bytes)?;
    place_file(disk, &sums, checkpoint([sum(bytes)].into_iter()).as_bytes())
}

/// Whether a checkpoint holds what was written there.
pub(super) fn holds<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let Some(sums) = read_if_there(disk, &sums_of(path))? else {
        return Ok(true);
    };
    let sums = String::from_utf8_lossy(&sums);
    Ok(sums.lines().skip(2).any(|line| line == sum(bytes)))
}

fn sum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}
