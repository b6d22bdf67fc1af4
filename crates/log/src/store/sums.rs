//! Checksums of the index files of a segment that is closed: a start trusts what was written, and nothing else.
//!
//! Kafka takes an aborted index that is gone, or shorter than it was, for one of fewer aborted transactions
//! (`TransactionIndex.sanityCheck`), and reads as committed what was not. Nothing in an index file tells, so a file of
//! ours beside them does: `<base>.sums`, a checkpoint with a line for each that is there, its length and its CRC-32C.
//! A segment that has none, or another, is walked.

use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::checkpoint;
use super::disk::{Disk, read_if_there, write_file};
use super::names::Kind;

const SUMMED: [Kind; 3] = [Kind::Index, Kind::TimeIndex, Kind::TxnIndex];

/// The index files of a segment by what they are to hold. Kafka's tools want both or neither of the first two.
pub(super) fn index_files<'a>(
    index: &'a [u8],
    time_index: &'a [u8],
    aborted: &'a [u8],
) -> impl Iterator<Item = (Kind, &'a [u8])> + Clone {
    let either = !index.is_empty() || !time_index.is_empty();
    let all = [
        (Kind::Index, index, either),
        (Kind::TimeIndex, time_index, either),
        (Kind::TxnIndex, aborted, !aborted.is_empty()),
    ];
    let wanted = all.into_iter().filter(|(_, _, wanted)| *wanted);
    wanted.map(|(kind, bytes, _)| (kind, bytes))
}

/// The text for files that hold these bytes, in the order of their kinds.
pub(super) fn text<'a>(files: impl Iterator<Item = (Kind, &'a [u8])>) -> String {
    let line = |(kind, bytes): (Kind, &[u8])| {
        let (len, sum) = (bytes.len(), crc32c::crc32c(bytes));
        format!("{} {len} {sum:08x}", kind.suffix())
    };
    checkpoint(files.map(line).collect::<Vec<_>>().into_iter())
}

/// Writes down what a segment's index files hold, if that is not there already. The file, if it was written.
pub(super) fn write<D: Disk>(disk: &D, dir: &Path, base: i64) -> io::Result<Option<PathBuf>> {
    let path = Kind::Sums.path(dir, base);
    let found = found(disk, dir, base)?;
    if read_if_there(disk, &path)?.is_some_and(|said| said == found.as_bytes()) {
        return Ok(None);
    }
    write_file(disk, &path, found.as_bytes())?;
    Ok(Some(path))
}

/// Whether a segment's index files hold what was written down.
pub(super) fn hold<D: Disk>(disk: &D, dir: &Path, base: i64) -> io::Result<bool> {
    let said = read_if_there(disk, &Kind::Sums.path(dir, base))?;
    Ok(said == Some(found(disk, dir, base)?.into_bytes()))
}

fn found<D: Disk>(disk: &D, dir: &Path, base: i64) -> io::Result<String> {
    let mut files = Vec::new();
    for kind in SUMMED {
        files.extend(read_if_there(disk, &kind.path(dir, base))?.map(|bytes| (kind, bytes)));
    }
    Ok(text(files.iter().map(|(kind, bytes)| (*kind, &**bytes))))
}
