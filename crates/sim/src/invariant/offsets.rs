//! Start ≤ LSO ≤ high watermark ≤ end; the last stable offset never passes an open transaction, as
//! far as it is still in the log; and what readers may have seen never goes back, crash or not.

use super::durable::is_catalog_flushed;
use once_broker::engine::Engine;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// The bounds that readers saw last.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    /// Of partitions that somebody may know of.
    seen: BTreeMap<(Uuid, i32), (i64, i64, i64)>,
}

impl Offsets {
    /// High watermark, last stable offset and start by partition.
    pub(crate) fn seen(&self) -> &BTreeMap<(Uuid, i32), (i64, i64, i64)> {
        &self.seen
    }

    pub(crate) fn look(&mut self, engine: &Engine) -> Option<String> {
        let catalog_flushed = is_catalog_flushed(engine);
        for partition in engine.partitions() {
            let log = partition.log;
            let (start, stable) = (log.log_start_offset(), log.last_stable_offset());
            let (high, end) = (log.high_watermark(), log.end_offset());
            let name = format_args!("{}-{}", partition.topic, partition.index);
            if !(start <= stable && stable <= high && high <= end) {
                return Some(format!(
                    "{name}: start {start}, LSO {stable}, high watermark {high}, end {end}"
                ));
            }
            let open = log.producers().filter_map(|(id, entry)| {
                let first = entry.current_txn_first_offset?.max(start);
                (first < stable).then_some((id, first))
            });
            if let Some((id, first)) = open.min() {
                return Some(format!(
                    "{name}: LSO {stable} has passed producer {id}'s open transaction at {first}"
                ));
            }
            let key = (partition.topic_id, partition.index);
            if !catalog_flushed && !self.seen.contains_key(&key) {
                continue;
            }
            let seen = self.seen.entry(key).or_insert((high, stable, start));
            if high < seen.0 || stable < seen.1 || start < seen.2 {
                return Some(format!(
                    "{name}: high watermark {}, LSO {} and start {} went back to {high}, {stable} \
                     and {start}",
                    seen.0, seen.1, seen.2
                ));
            }
            *seen = (high, stable, start);
        }
        None
    }
}
