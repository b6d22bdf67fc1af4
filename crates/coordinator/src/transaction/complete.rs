//! The markers are written: the transaction is over, and those who waited are answered.

use super::command::{Event, Reply, Wait};
use super::init::{Ask, grant_events};
use super::machine::{Entry, Transactions};
use super::state::{NO_PRODUCER_EPOCH, NO_PRODUCER_ID, TransactionMetadata, TransactionState};
use crate::machine::{Decision, Millis, ProducerIdentity};

impl Transactions {
    /// Completes the transaction whose markers carried `producer`. Markers of a transaction that
    /// is complete already (a restart writes them again) change nothing.
    pub(super) fn complete(
        &self,
        now: Millis,
        id: &str,
        producer: ProducerIdentity,
    ) -> Decision<Self> {
        let mut decision = Decision::none();
        let Some(entry) = self.entries.get(id) else {
            return decision;
        };
        if !entry.metadata.state.is_prepared() || entry.metadata.producer != producer {
            return decision;
        }
        let completed = completed(&entry.metadata, now);
        decision.events.push(Event::Stored {
            transactional_id: id.to_owned(),
            metadata: completed.clone(),
        });
        self.answer_parked(now, id, entry, completed, &mut decision);
        decision
    }

    /// Answers, in order of arrival: each EndTxn with the producer that it ended as; each
    /// InitProducerId with its turn, of which a later one fences an earlier one.
    fn answer_parked(
        &self,
        now: Millis,
        id: &str,
        entry: &Entry,
        completed: TransactionMetadata,
        decision: &mut Decision<Self>,
    ) {
        let ended_as = completed.producer;
        let mut turn = Entry {
            metadata: completed,
            memory: entry.memory,
            parked: Vec::new(),
            wake: None,
        };
        for parked in &entry.parked {
            let reply = match &parked.wait {
                Wait::End => Reply::End(Ok(ended_as)),
                Wait::Init {
                    timeout_ms,
                    expected,
                    fresh_producer_id,
                } => {
                    let ask = Ask {
                        timeout_ms: *timeout_ms,
                        expected: *expected,
                        fresh_producer_id: *fresh_producer_id,
                    };
                    Reply::Init(turn.grant(ask, now).map(|grant| {
                        turn.metadata = grant.metadata.clone();
                        turn.memory = grant.memory;
                        decision.events.extend(grant_events(id, grant));
                        turn.metadata.producer
                    }))
                }
            };
            decision.replies.push((parked.waiter, reply));
            decision.events.push(Event::Released {
                transactional_id: id.to_owned(),
                waiter: parked.waiter,
            });
        }
    }
}

/// The Complete record of a prepared transaction. A producer id that was waiting takes over.
fn completed(prepared: &TransactionMetadata, now: Millis) -> TransactionMetadata {
    let state = if prepared.state == TransactionState::PrepareCommit {
        TransactionState::CompleteCommit
    } else {
        TransactionState::CompleteAbort
    };
    let mut completed = prepared.moved_to(state, now);
    if prepared.next_producer_id != NO_PRODUCER_ID {
        completed.producer = ProducerIdentity {
            id: prepared.next_producer_id,
            epoch: 0,
        };
        completed.next_producer_id = NO_PRODUCER_ID;
        completed.next_producer_epoch = NO_PRODUCER_EPOCH;
    }
    completed
}
