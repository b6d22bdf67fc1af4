//! Reading a log again, only to see whether it can be read: a flipped bit is found before somebody
//! needs the record that it hit, while another copy may still be had.

use once_log::store::{Disk, ReadFailure, SegmentReader};

/// Reads a log's batches below `end`, which must be on disk and closed to writers up to there, and says
/// what is damaged, if anything is. `pace` is told the bytes of each batch, and whether to go on.
///
/// Segments that deletion or compaction took away meanwhile are no damage. A compaction may also put new
/// segments into their places under a read, which then looks like damage: so that counts only if a
/// second read fails too.
pub fn scrub<D: Disk>(
    reader: &SegmentReader<D>,
    end: i64,
    pace: &mut dyn FnMut(usize) -> bool,
) -> Option<ReadFailure> {
    let mut look = || read(reader, end, pace).err();
    look().filter(is_damage)?;
    look().filter(is_damage)
}

fn is_damage(failure: &ReadFailure) -> bool {
    matches!(
        failure,
        ReadFailure::Corrupt { .. } | ReadFailure::Io { .. }
    )
}

fn read<D: Disk>(
    reader: &SegmentReader<D>,
    end: i64,
    pace: &mut dyn FnMut(usize) -> bool,
) -> Result<(), ReadFailure> {
    for batch in reader.batches(0, end)? {
        if !pace(batch?.as_bytes().len()) {
            break;
        }
    }
    Ok(())
}
