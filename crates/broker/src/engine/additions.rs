//! Partitions that a transaction has, but not durably yet.
//!
//! Data that reached a partition's disk before the record that makes the partition a part of the
//! transaction would outlive it in a crash: nobody would know to end it, or the markers of the
//! transaction before, written again, would. So such data waits. Refused, as on Kafka, the first of
//! several batches would come after the second, which a partition takes from a producer it does
//! not know whatever its sequence.

use super::action::Action;
use super::core::Engine;
use crate::mutant::Mutant;
use once_coordinator::ids::TopicPartition;
use once_coordinator::transaction::Command;

/// A partition of the transaction of a transactional id.
pub(super) type Addition = (String, TopicPartition);

impl Engine {
    /// A command was recorded in a shard's log; if it added partitions, they wait for the flush.
    pub(super) fn note_additions(&mut self, shard: usize, command: &Command) {
        let Command::AddPartitions {
            transactional_id,
            partitions,
            ..
        } = command
        else {
            return;
        };
        let fence = self.end_of(self.transactions[shard].log);
        let added = partitions
            .iter()
            .map(|place| (transactional_id.clone(), place.clone()));
        let added: Vec<Addition> = added.collect();
        self.additions.extend(added.iter().cloned());
        self.promise_room(added.len());
        self.hold(&[fence], Action::Added(added));
    }

    /// What was added is durable.
    pub(super) fn added(&mut self, added: &[Addition]) {
        for addition in added {
            self.additions.remove(addition);
        }
    }

    /// Whether a partition is part of a transaction, but not durably yet.
    pub(super) fn is_early(&self, transactional_id: &str, place: &TopicPartition) -> bool {
        let addition = (transactional_id.to_owned(), place.clone());
        self.additions.contains(&addition) && !self.config.breaks(Mutant::DataBeforeAddition)
    }
}
