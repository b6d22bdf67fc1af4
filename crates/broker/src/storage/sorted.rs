//! Which of the partitions that were found are owned, and what the checkpoints say of those.

use super::points::Offsets;
use crate::engine::LogId;
use once_log::store::{Disk, PartitionDir, Store};

/// Partitions that a topic owns, with their offsets for the checkpoints, and those that none does.
pub(super) struct Sorted<D: Disk> {
    pub(super) stores: Vec<(LogId, PartitionDir, Store<D>)>,
    pub(super) strays: Vec<((String, i32), PartitionDir)>,
    pub(super) recovered: Offsets,
    pub(super) started: Offsets,
    pub(super) cleaned: Offsets,
}

/// `offsets` are the log start and the end of what is clean, of each partition.
pub(super) fn sort<D: Disk>(
    adopted: Vec<Option<LogId>>,
    places: Vec<(PartitionDir, Store<D>)>,
    offsets: Vec<(i64, i64)>,
) -> Sorted<D> {
    let mut sorted = Sorted {
        stores: Vec::new(),
        strays: Vec::new(),
        recovered: Offsets::new(),
        started: Offsets::new(),
        cleaned: Offsets::new(),
    };
    for ((log, (place, store)), (start, clean)) in adopted.into_iter().zip(places).zip(offsets) {
        let key = (place.topic.clone(), place.partition);
        let Some(log) = log else {
            sorted.strays.push((key, place));
            continue;
        };
        if start > 0 {
            sorted.started.insert(key.clone(), start);
        }
        if clean > start {
            sorted.cleaned.insert(key.clone(), clean);
        }
        sorted.recovered.insert(key, store.end_offset());
        sorted.stores.push((log, place, store));
    }
    sorted
}
