//! The epoch of a producer id never goes back: not at its coordinator, not in a partition, crash or
//! not.

use once_broker::engine::Engine;
use once_coordinator::transaction::ListFilter;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// The epochs that were durable when they were seen last.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    of_ids: BTreeMap<String, (i64, i16)>,
    of_partitions: BTreeMap<(Uuid, i32, i64), i16>,
}

impl Epochs {
    /// Looks at an engine all of whose state is flushed.
    pub(crate) fn look(&mut self, engine: &Engine) -> Option<String> {
        for shard in engine.transactions() {
            for listed in shard.list(0, &ListFilter::default()).transactions {
                let id = listed.transactional_id;
                let Ok(metadata) = shard.describe(&id) else {
                    continue;
                };
                let now = (metadata.producer.id, metadata.producer.epoch);
                let before = self.of_ids.insert(id.clone(), now);
                if let Some(before) = before.filter(|b| b.0 == now.0 && b.1 > now.1) {
                    return Some(format!("{id}: epoch {before:?} went back to {now:?}"));
                }
            }
        }
        for partition in engine.partitions() {
            for (producer_id, entry) in partition.log.producers() {
                let key = (partition.topic_id, partition.index, producer_id);
                let before = self.of_partitions.insert(key, entry.epoch);
                if let Some(before) = before.filter(|before| *before > entry.epoch) {
                    return Some(format!(
                        "{}-{}: epoch {before} of producer {producer_id} went back to {}",
                        partition.topic, partition.index, entry.epoch
                    ));
                }
            }
        }
        None
    }
}
