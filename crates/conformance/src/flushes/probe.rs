//! What the disk can do by itself: appends of 16 KiB, each followed by fdatasync.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;

const BYTES: usize = 16 << 10;

/// How long each append took with its flush, for so long.
pub(super) fn flushes(directory: &Path, length: Duration) -> Result<Vec<Duration>, Error> {
    let failed = |e| Error::io("probe the disk")(e);
    let path = directory.join("probe");
    let mut file = File::create(&path).map_err(failed)?;
    let (bytes, mut took, began) = (vec![7; BYTES], Vec::new(), Instant::now());
    while began.elapsed() < length {
        let from = Instant::now();
        file.write_all(&bytes).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        took.push(from.elapsed());
    }
    std::fs::remove_file(path).map_err(failed)?;
    Ok(took)
}
