//! The producers as they were at an offset: the newest snapshot that can be used, and what follows it.

use std::collections::BTreeMap;
use std::path::Path;

use super::Recovery;
use crate::producer::ProducerEntry;
use crate::producers::Producers;
use crate::snapshot::{decode_snapshot, widen};
use crate::store::batches::FileBatches;
use crate::store::disk::{Disk, read_file};
use crate::store::error::RecoverError;
use crate::store::names::Kind;

impl<D: Disk> Recovery<'_, D> {
    /// The producers as the batches below `upto` leave them; those lie in segments already opened.
    pub(super) fn load_producers(&self, upto: i64) -> Result<Producers, RecoverError> {
        let (from, table) = self.newest_snapshot(upto)?;
        let mut producers = Producers::new(table);
        for segment in self.segments.iter().filter(|s| s.end > from) {
            let position = segment
                .index
                .at_or_before(from)
                .map_or(0, |entry| u64::from(entry.position));
            let mut batches =
                FileBatches::open(&self.disk, &self.dir, segment.base, position, upto)?;
            while let Some(batch) = batches.next_batch()? {
                if batch.base_offset() >= from {
                    producers.replay(&batch, batch.control().as_ref(), self.opening.now);
                }
            }
        }
        Ok(producers)
    }

    /// The newest snapshot at or below `upto` that is whole and has its window: one without knows only the last
    /// batch of each producer. If there is no window at all, the directory is Kafka's; then the snapshot before
    /// the newest serves, so that the replay from there fills the windows. A narrow one is still better than none.
    fn newest_snapshot(
        &self,
        upto: i64,
    ) -> Result<(i64, BTreeMap<i64, ProducerEntry>), RecoverError> {
        let first = self.files.segments.keys().next().copied().unwrap_or(0);
        let kafkas = self.files.windows.is_empty();
        let mut narrow = None;
        let ends = self.files.snapshots.range(first..=upto.max(first));
        for end in ends.rev().copied() {
            let Some(table) = self.table(end)? else {
                continue;
            };
            match table {
                Table::Wide(table) => return Ok((end, table)),
                Table::Narrow(table) if kafkas && narrow.is_some() => return Ok((end, table)),
                Table::Narrow(table) => narrow = Some((end, table)),
            }
        }
        // What lies before the first segment is nowhere else.
        let narrow = narrow.filter(|_| first > 0);
        Ok(narrow.unwrap_or((first, BTreeMap::new())))
    }

    /// The table at an offset, if its snapshot is whole and has its window.
    pub(super) fn whole_snapshot(
        &self,
        end: i64,
    ) -> Result<Option<BTreeMap<i64, ProducerEntry>>, RecoverError> {
        let table = self.table(end)?;
        Ok(table.and_then(|table| match table {
            Table::Wide(table) => Some(table),
            Table::Narrow(_) => None,
        }))
    }

    fn table(&self, end: i64) -> Result<Option<Table>, RecoverError> {
        let Some(Ok(mut table)) = self
            .read(Kind::Snapshot, end)?
            .map(|bytes| decode_snapshot(&bytes))
        else {
            return Ok(None);
        };
        if table.values().all(|entry| entry.batches().is_empty()) {
            return Ok(Some(Table::Wide(table)));
        }
        let window = self.read(Kind::Window, end)?;
        let wide = window.is_some_and(|bytes| widen(&mut table, &bytes).is_ok());
        Ok(Some(if wide {
            Table::Wide(table)
        } else {
            Table::Narrow(table)
        }))
    }

    pub(super) fn read(&self, kind: Kind, end: i64) -> Result<Option<Vec<u8>>, RecoverError> {
        let path = kind.path(&self.dir, end);
        read_if_there(&*self.disk, &path)
    }
}

/// A snapshot's table, with all remembered batches of each producer, or only with the last.
enum Table {
    Wide(BTreeMap<i64, ProducerEntry>),
    Narrow(BTreeMap<i64, ProducerEntry>),
}

fn read_if_there<D: Disk>(disk: &D, path: &Path) -> Result<Option<Vec<u8>>, RecoverError> {
    match read_file(disk, path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(RecoverError::io(path)(e)),
    }
}
