//! Looks at the whole state, for tests and simulation: nothing here changes anything.

use super::core::Engine;
use super::ids::LogId;
use once_coordinator::catalog::Catalog;
use once_coordinator::group::Groups;
use once_coordinator::transaction::Transactions;
use once_log::PartitionLog;
use once_wire::ids::Uuid;

/// One partition.
pub struct PartitionView<'e> {
    /// Its log's name in this life.
    pub id: LogId,
    /// Topic name.
    pub topic: &'e str,
    /// Topic id.
    pub topic_id: Uuid,
    /// Partition.
    pub index: i32,
    /// Its log's state.
    pub log: &'e PartitionLog,
}

impl Engine {
    /// Every partition, that of the catalog among them.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionView<'_>> {
        self.logs.iter().map(|(id, partition)| PartitionView {
            id,
            topic: &partition.topic,
            topic_id: partition.topic_id,
            index: partition.index,
            log: &partition.log,
        })
    }

    /// The topics and their settings.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog.machine
    }

    /// The transactions, by partition of `__transaction_state`.
    pub fn transactions(&self) -> impl Iterator<Item = &Transactions> {
        self.transactions.iter().map(|shard| &shard.machine)
    }

    /// The groups, by partition of `__consumer_offsets`.
    pub fn groups(&self) -> impl Iterator<Item = &Groups> {
        self.groups.iter().map(|shard| &shard.machine)
    }
}
