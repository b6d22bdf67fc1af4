//! No high watermark, and so no answer, outran the disk: what readers may see now would be there
//! after the worst crash that is promised to be survived.

use super::replay::METADATA;
use once_broker::engine::{Engine, PartitionView};
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// What of the live engine the one recovered after a crash has lost. A topic may be gone whose
/// deletion is decided.
pub(crate) fn lost(live: &Engine, recovered: &Engine) -> Option<String> {
    let after: BTreeMap<(Uuid, i32), i64> = recovered
        .partitions()
        .map(|p| ((p.topic_id, p.index), p.log.end_offset()))
        .collect();
    // A topic whose creation is not flushed: no answer shows it, whatever its own log holds.
    let catalog_end = |p: &PartitionView<'_>| p.log.end_offset() == p.log.high_watermark();
    let catalog_flushed = live
        .partitions()
        .any(|p| p.topic == METADATA && catalog_end(&p));
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
