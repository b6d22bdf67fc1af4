//! InitProducerId: a producer takes over a transactional id, and everyone before it is fenced.

use once_wire::error::ErrorCode;

use super::command::{Event, Reply, RetryMemory, Wait};
use super::machine::{Entry, Transactions};
use super::state::{NO_PRODUCER_EPOCH, TransactionMetadata, TransactionState, is_exhausted};
use crate::machine::{Decision, Millis, ProducerIdentity, Waiter};

/// The longest transactional id, in bytes: a record's key can hold no longer one, while a request in a
/// flexible version can bring it. Every other request only looks its id up.
const LONGEST_ID: usize = i16::MAX as usize;

/// What the client asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    pub(super) timeout_ms: i32,
    pub(super) expected: Option<ProducerIdentity>,
    pub(super) fresh_producer_id: i64,
}

/// What the client gets.
pub(super) struct Grant {
    pub(super) metadata: TransactionMetadata,
    pub(super) memory: RetryMemory,
}

impl Transactions {
    pub(super) fn init(&self, now: Millis, waiter: Waiter, id: &str, ask: Ask) -> Decision<Self> {
        let refuse = |error| Decision::reply(waiter, Reply::Init(Err(error)));
        if id.is_empty() || id.len() > LONGEST_ID {
            return refuse(ErrorCode::InvalidRequest);
        }
        if ask.timeout_ms <= 0 || ask.timeout_ms > self.config.max_timeout_ms {
            return refuse(ErrorCode::InvalidTransactionTimeout);
        }
        let Some(entry) = self.entries.get(id) else {
            return match newcomer(ask, now).grant(ask, now) {
                Ok(grant) => granted(waiter, id, grant),
                Err(error) => refuse(error),
            };
        };
        if !entry.admits(ask.expected) {
            return refuse(ErrorCode::ProducerFenced);
        }
        match entry.metadata.state {
            TransactionState::Ongoing => self.take_over(now, waiter, id, entry, ask),
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                let mut decision = Decision::none();
                decision.events.push(self.park(id, waiter, now, ask.wait()));
                decision
            }
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort => match entry.grant(ask, now) {
                Ok(grant) => granted(waiter, id, grant),
                Err(error) => refuse(error),
            },
        }
    }

    /// Over an open transaction: fence its producer, abort, and have the client wait its turn.
    ///
    /// A client that names an epoch that is not the current one is refused at once. Kafka first
    /// aborts the transaction and refuses the retry: there a zombie ends its successor's work.
    fn take_over(
        &self,
        now: Millis,
        waiter: Waiter,
        id: &str,
        entry: &Entry,
        ask: Ask,
    ) -> Decision<Self> {
        let current = entry.metadata.producer.epoch;
        if ask
            .expected
            .is_some_and(|expected| expected.epoch != current)
        {
            return Decision::reply(waiter, Reply::Init(Err(ErrorCode::ProducerFenced)));
        }
        let prepared = entry.fenced(now, self.config.version);
        let memory = RetryMemory {
            last_epoch: None,
            claimant: ask.expected.map(|expected| expected.epoch),
        };
        let effects = vec![self.markers(id, &prepared)];
        let transactional_id = id.to_owned();
        let events = vec![
            Event::Stored {
                transactional_id: transactional_id.clone(),
                metadata: prepared,
            },
            Event::Remembered {
                transactional_id,
                memory,
            },
            self.park(id, waiter, now, ask.wait()),
        ];
        Decision {
            events,
            replies: Vec::new(),
            effects,
        }
    }
}

impl Ask {
    fn wait(self) -> Wait {
        Wait::Init {
            timeout_ms: self.timeout_ms,
            expected: self.expected,
            fresh_producer_id: self.fresh_producer_id,
        }
    }
}

impl Entry {
    /// Kafka's `isValidProducerId`: whether the identity that the client names may ask at all.
    /// The epoch is judged when the new one is chosen.
    fn admits(&self, expected: Option<ProducerIdentity>) -> bool {
        expected.is_none_or(|expected| {
            let metadata = &self.metadata;
            metadata.producer.epoch == NO_PRODUCER_EPOCH
                || expected.id == metadata.producer.id
                || (expected.id == metadata.previous_producer_id && is_exhausted(expected.epoch))
        })
    }

    /// The next producer for a client that asks while no transaction is open: the same id with
    /// the next epoch, or a fresh id when epochs are used up, or, to a retry, the current one.
    pub(super) fn grant(&self, ask: Ask, now: Millis) -> Result<Grant, ErrorCode> {
        if !self.admits(ask.expected) {
            return Err(ErrorCode::ProducerFenced);
        }
        let current = self.metadata.producer;
        let named = ask.expected.map(|expected| expected.epoch);
        let holds =
            named.is_none_or(|epoch| epoch == current.epoch || self.memory.claimant == Some(epoch));
        let newborn = current.epoch == NO_PRODUCER_EPOCH;
        let (producer, last_epoch) = if holds && self.metadata.epoch_exhausted() {
            (
                ProducerIdentity {
                    id: ask.fresh_producer_id,
                    epoch: 0,
                },
                named,
            )
        } else if newborn {
            (
                ProducerIdentity {
                    id: current.id,
                    epoch: 0,
                },
                None,
            )
        } else if holds {
            (
                ProducerIdentity {
                    id: current.id,
                    epoch: current.epoch + 1,
                },
                named,
            )
        } else if named == self.memory.last_epoch {
            (current, self.memory.last_epoch)
        } else {
            return Err(ErrorCode::ProducerFenced);
        };
        let mut metadata = self.metadata.moved_to(TransactionState::Empty, now);
        metadata.producer = producer;
        metadata.timeout_ms = ask.timeout_ms;
        metadata.start_ms = -1;
        Ok(Grant {
            metadata,
            memory: RetryMemory {
                last_epoch,
                claimant: None,
            },
        })
    }
}

/// The events that make a grant true.
pub(super) fn grant_events(id: &str, grant: Grant) -> [Event; 2] {
    [
        Event::Stored {
            transactional_id: id.to_owned(),
            metadata: grant.metadata,
        },
        Event::Remembered {
            transactional_id: id.to_owned(),
            memory: grant.memory,
        },
    ]
}

fn granted(waiter: Waiter, id: &str, grant: Grant) -> Decision<Transactions> {
    let reply = Reply::Init(Ok(grant.metadata.producer));
    Decision {
        events: grant_events(id, grant).into(),
        replies: vec![(waiter, reply)],
        effects: Vec::new(),
    }
}

/// An id that nobody used before.
fn newcomer(ask: Ask, now: Millis) -> Entry {
    Entry {
        metadata: TransactionMetadata::unborn(ask.fresh_producer_id, ask.timeout_ms, now),
        memory: RetryMemory::default(),
        parked: Vec::new(),
        wake: None,
    }
}
