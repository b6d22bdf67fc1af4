//! How much room the disk has.

use std::io;
use std::path::Path;

/// Bytes that may still be written to the file system of `directory`, and bytes that it has in all.
///
/// # Errors
/// The system's.
pub(in crate::shell) fn room(directory: &Path) -> io::Result<(u64, u64)> {
    let seen = rustix::fs::statvfs(directory)?;
    let bytes = |blocks: u64| blocks.saturating_mul(seen.f_frsize);
    Ok((bytes(seen.f_bavail), bytes(seen.f_blocks)))
}
