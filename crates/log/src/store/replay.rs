//! Giving a partition's files back what only the journal has.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::Disk;
use super::error::RecoverError;
use super::journal::{JournalBatch, JournalScan};
use super::partition::Store;
use super::recover::{Opening, recover, recover_below};
use crate::config::LogConfig;
use crate::log::Recovered;
use crate::mutant::Mutant;
use crate::write::{BatchWrite, Write};

/// As [`recover`], and then what the files lack of `batches`, which the journal holds in their order: it is
/// appended, and the files are recovered once more.
///
/// # Errors
/// As [`recover`]; and if the journal begins after the files' end, for then something in between is lost.
pub fn restore<D: Disk>(
    disk: &Arc<D>,
    dir: PathBuf,
    config: &LogConfig,
    opening: &Opening,
    (journal, batches): (&JournalScan<D>, &[&JournalBatch]),
) -> Result<(Recovered, Store<D>), RecoverError> {
    let governed = batches.last().map_or(0, |last| last.last_offset + 1);
    let below = if opening.durable && config.breaks(Mutant::CutUngovernedFile) {
        governed.max(opening.recovery_point)
    } else {
        i64::MAX
    };
    let place = (Arc::clone(disk), dir.clone());
    let (recovered, mut store) = recover_below(place.0, place.1, config, opening, below)?;
    let failed = |error| RecoverError::io(&dir)(error);
    let mut appended = Appended::after(&recovered);
    for batch in batches
        .iter()
        .filter(|batch| batch.last_offset >= recovered.end_offset)
    {
        let bytes = journal.bytes(batch).map_err(failed)?;
        if batch.base_offset != appended.end {
            return Err(RecoverError::Hole {
                path: dir,
                end: appended.end,
                next: batch.base_offset,
            });
        }
        for write in appended.place(batch, bytes, u64::from(config.segment_bytes)) {
            store.write(&write).map_err(failed)?;
        }
    }
    if appended.count == 0 {
        return Ok((recovered, store));
    }
    drop(store);
    recover(Arc::clone(disk), dir, config, opening)
}

/// Where the next batch goes.
struct Appended {
    segment: Option<(i64, u64)>,
    end: i64,
    count: usize,
}

impl Appended {
    fn after(recovered: &Recovered) -> Self {
        Appended {
            segment: recovered.segments.last().map(|s| (s.base, s.size)),
            end: recovered.end_offset,
            count: 0,
        }
    }

    /// The writes of one batch. Its index entries come from the recovery that follows.
    fn place(&mut self, batch: &JournalBatch, bytes: Bytes, segment_bytes: u64) -> Vec<Write> {
        let mut writes = Vec::new();
        let size = bytes.len() as u64;
        let far = |base: i64| batch.last_offset - base > i64::from(i32::MAX);
        let (segment, position) = match self.segment {
            Some((base, at)) if at == 0 || (at + size <= segment_bytes && !far(base)) => (base, at),
            _ => {
                let base = batch.base_offset;
                writes.push(Write::Roll { base });
                (base, 0)
            }
        };
        self.segment = Some((segment, position + size));
        self.end = batch.last_offset + 1;
        self.count += 1;
        writes.push(Write::Batch(BatchWrite {
            segment,
            position,
            end: self.end,
            bytes,
            index: None,
            time_index: None,
            aborted: None,
        }));
        writes
    }
}
