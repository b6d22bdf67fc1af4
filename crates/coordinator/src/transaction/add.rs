//! AddPartitionsToTxn and AddOffsetsToTxn: a transaction begins or grows.

use once_wire::error::ErrorCode;

use super::command::Event;
use super::machine::Transactions;
use super::state::{TransactionState, TransactionVersion};
use crate::ids::TopicPartition;
use crate::machine::{Millis, ProducerIdentity};

impl Transactions {
    /// The events that add `partitions`: none if the transaction has them all.
    pub(super) fn add(
        &self,
        now: Millis,
        id: &str,
        producer: ProducerIdentity,
        partitions: &[TopicPartition],
        client_version: TransactionVersion,
    ) -> Result<Vec<Event>, ErrorCode> {
        let metadata = &self.held_by(id, producer)?.metadata;
        let begins = match metadata.state {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                return Err(ErrorCode::ConcurrentTransactions);
            }
            TransactionState::Ongoing => false,
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort => true,
        };
        if !begins
            && partitions
                .iter()
                .all(|partition| metadata.partitions.contains(partition))
        {
            return Ok(Vec::new());
        }
        let mut next = metadata.moved_to(TransactionState::Ongoing, now);
        next.partitions.extend(partitions.iter().cloned());
        next.client_version = client_version;
        if begins {
            next.start_ms = now;
        }
        Ok(vec![Event::Stored {
            transactional_id: id.to_owned(),
            metadata: next,
        }])
    }
}
