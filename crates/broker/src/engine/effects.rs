//! Effects of transactions: markers into every partition, and what follows when all are flushed.

use super::action::Action;
use super::core::Engine;
use super::fence::Fence;
use super::ids::LogId;
use crate::mutant::Mutant;
use once_coordinator::group;
use once_coordinator::machine::Machine;
use once_coordinator::transaction;
use once_log::{AppendError, Marker};

impl Engine {
    /// Writes a prepared transaction's markers. When all are flushed the transaction completes.
    ///
    /// A partition that is gone needs no marker. A partition whose producer has a newer epoch is
    /// owned by a newer transaction: nothing of this one is open there (spec: KIP-98, Kafka's
    /// `TransactionMarkerChannelManager`).
    pub(super) fn begin(&mut self, shard: usize, effect: transaction::Effect) {
        let transaction::Effect::WriteMarkers {
            transactional_id,
            producer,
            commit,
            partitions,
            coordinator_epoch,
            transaction_version,
        } = effect;
        let marker = Marker {
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            coordinator_epoch,
            commit,
            transaction_version: transaction_version.level(),
        };
        let mut fences = Vec::new();
        let mut partitions = partitions;
        if partitions.len() > 1 && self.config.breaks(Mutant::SkipMarker) {
            partitions.pop();
        }
        for place in &partitions {
            let Some(log) = self.logs.find(&place.topic, place.partition) else {
                // Were it there again after a crash, it would have no marker.
                fences.push(self.end_of(self.catalog.log));
                continue;
            };
            match self.write_marker(log, &marker) {
                Ok(fence) => fences.push(fence),
                Err(error) => self.warn(format!(
                    "transaction {transactional_id}: no marker for {}-{}: {error}",
                    place.topic, place.partition
                )),
            }
        }
        let command = transaction::Command::MarkersWritten {
            transactional_id,
            producer,
        };
        self.hold(&fences, Action::MarkersFlushed { shard, command });
    }

    /// Appends one marker; in a group's log it also decides the group's pending offsets.
    pub(super) fn write_marker(
        &mut self,
        log: LogId,
        marker: &Marker,
    ) -> Result<Fence, AppendError> {
        let now = self.now;
        let appended = self
            .logs
            .append(&mut self.outputs, log, |log| log.append_marker(now, marker))?;
        if let Some(shard) = self.groups.iter_mut().find(|shard| shard.log == log) {
            let forget = !marker.commit && self.config.breaks(Mutant::ForgetPendingOnAbort);
            let commit = marker.commit || self.config.breaks(Mutant::CommitPendingOnAbort);
            let ended = group::Event::TransactionEnded {
                producer_id: if forget { -1 } else { marker.producer_id },
                commit,
            };
            shard.machine.apply(appended.last_offset, &ended);
        }
        Ok(Fence {
            log,
            end: appended.last_offset + 1,
        })
    }

    /// Forgets producers that wrote nothing for `producer.id.expiration.ms`.
    pub(super) fn expire_producers(&mut self) {
        let now = self.now;
        for (_, partition) in self.logs.iter_mut() {
            partition.log.expire_producers(now);
        }
        self.schedule_producer_expiry();
    }
}
