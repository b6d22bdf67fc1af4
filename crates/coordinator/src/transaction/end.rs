//! EndTxn: the outcome is decided.

use once_wire::error::ErrorCode;

use super::command::{Event, Reply, Wait};
use super::machine::{Entry, Transactions};
use super::state::{TransactionMetadata, TransactionState, TransactionVersion};
use crate::machine::{Decision, Millis, ProducerIdentity, Waiter};

/// What an EndTxn leads to.
enum Ending {
    /// The transaction is open: decide it.
    Prepare(TransactionState),
    /// The same outcome is being carried out: wait with the first who asked.
    Join,
    /// It has this outcome already: a retry.
    Done,
}

impl Transactions {
    pub(super) fn end(
        &self,
        now: Millis,
        waiter: Waiter,
        id: &str,
        producer: ProducerIdentity,
        commit: bool,
        client_version: TransactionVersion,
    ) -> Decision<Self> {
        let refuse = |error| Decision::reply(waiter, Reply::End(Err(error)));
        let metadata = match self.held_by(id, producer) {
            Ok(entry) => &entry.metadata,
            Err(error) => return refuse(error),
        };
        match ending(metadata.state, commit) {
            Err(error) => refuse(error),
            Ok(Ending::Done) => Decision::reply(waiter, Reply::End(Ok(metadata.producer))),
            Ok(Ending::Join) => Decision {
                events: vec![self.park(id, waiter, now, Wait::End)],
                replies: Vec::new(),
                effects: Vec::new(),
            },
            Ok(Ending::Prepare(state)) => {
                let mut prepared = metadata.moved_to(state, now);
                prepared.client_version = client_version;
                let effects = vec![self.markers(id, &prepared)];
                let stored = Event::Stored {
                    transactional_id: id.to_owned(),
                    metadata: prepared,
                };
                let events = vec![stored, self.park(id, waiter, now, Wait::End)];
                Decision {
                    events,
                    replies: Vec::new(),
                    effects,
                }
            }
        }
    }
}

/// Kafka's table for clients below transaction version 2. Ending an empty transaction is an
/// error: such a client knows that it added nothing.
fn ending(state: TransactionState, commit: bool) -> Result<Ending, ErrorCode> {
    match (state, commit) {
        (TransactionState::Ongoing, true) => Ok(Ending::Prepare(TransactionState::PrepareCommit)),
        (TransactionState::Ongoing, false) => Ok(Ending::Prepare(TransactionState::PrepareAbort)),
        (TransactionState::PrepareCommit, true) | (TransactionState::PrepareAbort, false) => {
            Ok(Ending::Join)
        }
        (TransactionState::CompleteCommit, true) | (TransactionState::CompleteAbort, false) => {
            Ok(Ending::Done)
        }
        (TransactionState::Empty, _)
        | (TransactionState::PrepareCommit | TransactionState::CompleteCommit, false)
        | (TransactionState::PrepareAbort | TransactionState::CompleteAbort, true) => {
            Err(ErrorCode::InvalidTxnState)
        }
    }
}

impl Entry {
    /// The Prepare record of an abort that the coordinator wills itself. Its epoch is one more
    /// than any client holds, so that from its markers on the old producer is fenced on every
    /// partition (Kafka: `prepareFenceProducerEpoch`). At the last epoch there is none: the abort
    /// goes through without a bump, as on Kafka 4.3, and no client can have it.
    pub(super) fn fenced(&self, now: Millis, version: TransactionVersion) -> TransactionMetadata {
        let mut prepared = self.metadata.moved_to(TransactionState::PrepareAbort, now);
        prepared.producer.epoch = prepared.producer.epoch.saturating_add(1);
        prepared.client_version = version;
        prepared
    }
}
