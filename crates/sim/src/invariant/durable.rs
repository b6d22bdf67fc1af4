//! No high watermark, and so no answer, outran the disk: what readers may see now would be there
//! after the worst crash that is promised to be survived.

use super::Invariants;
use super::replay::METADATA;
use once_broker::engine::{Engine, PartitionView};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// Whether all topics are durably there. A topic whose creation is not flushed shows in no answer, whatever its own log
/// holds.
pub(super) fn is_catalog_flushed(engine: &Engine) -> bool {
    let is_flushed = |p: &PartitionView<'_>| p.log.end_offset() == p.log.high_watermark();
    let mut partitions = engine.partitions();
    partitions.any(|p| p.topic == METADATA && is_flushed(&p))
}

/// What of the live engine the one recovered after a crash has lost. A topic may be gone whose
/// deletion is decided.
pub(crate) fn lost(live: &Engine, recovered: &Engine) -> Option<String> {
    let after: BTreeMap<(Uuid, i32), i64> = recovered
        .partitions()
        .map(|p| ((p.topic_id, p.index), p.log.end_offset()))
        .collect();
    let catalog_flushed = is_catalog_flushed(live);
    for partition in live.partitions() {
        let high = partition.log.high_watermark();
        let known = after.contains_key(&(partition.topic_id, partition.index));
        if !known && !catalog_flushed {
            continue;
        }
        let end = after.get(&(partition.topic_id, partition.index)).copied();
        if end.unwrap_or(0) < high {
            return Some(format!(
                "{}-{}: high watermark {high}, and a crash now would leave {end:?}",
                partition.topic, partition.index
            ));
        }
    }
    None
}

/// What readers saw in any life, and the engine recovered after a crash has lost.
pub(crate) fn unseen(invariants: &Invariants, live: &Engine, recovered: &Engine) -> Option<String> {
    let seen = |p: &PartitionView<'_>| invariants.seen().get(&(p.topic_id, p.index)).copied();
    live.partitions().find_map(|partition| {
        let (high, ..) = seen(&partition)?;
        let same = |p: &PartitionView<'_>| (p.topic_id, p.index) == (partition.topic_id, partition.index);
        let end = recovered.partitions().find(same).map(|p| p.log.end_offset());
        (end.unwrap_or(0) < high).then(|| {
            let (topic, index) = (partition.topic, partition.index);
            format!("{topic}-{index}: {high} was seen, and a crash right after the start would leave {end:?}")
        })
    })
}
