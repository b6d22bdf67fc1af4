//! The shape that every machine has: decide, then record, then apply.
//!
//! `decide` borrows the machine immutably and says what should happen; `apply` is the only
//! mutator, and recovery calls the same `apply` with the events read back from the log. So the
//! state after a crash is the state that the durable events describe, and no rollback exists.
//!
//! ```text
//!   command ──► decide(&self) ──► Decision { events, replies, effects }
//!                                    │          │         └─ leave when the events are durable
//!                                    │          └─ leave when all that was read is durable
//!                                    └─ encoded, appended, applied at once
//! ```
//!
//! Waiting is data: a command whose answer must wait returns no reply; the machine keeps the
//! [`Waiter`] by a volatile event, and a later decision replies to it.

use bytes::Bytes;

/// Milliseconds since the Unix epoch. Within one run of a broker it never goes back.
pub type Millis = i64;

/// Names a request that may be answered later. Unique within a run of the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Waiter(pub u64);

/// One record of a machine's log, as Kafka would write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// Encoded key with its leading type; absent only in `__cluster_metadata`.
    pub key: Option<Bytes>,
    /// Encoded value with its leading version; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// The producer whose transaction a record belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProducerIdentity {
    /// Producer id, never negative.
    pub id: i64,
    /// Producer epoch.
    pub epoch: i16,
}

/// What a machine wants to happen. All of a decision's durable events go into one record batch,
/// so recovery sees all of them or none.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision<M: Machine + ?Sized> {
    /// Facts, in order. Durable ones are appended to the machine's log before they are applied.
    pub events: Vec<M::Event>,
    /// Answers to this command's waiter or to earlier ones. They leave when everything appended
    /// to the machine's log so far is durable.
    pub replies: Vec<(Waiter, M::Reply)>,
    /// Work outside the machine, begun when the decision's events are durable.
    pub effects: Vec<M::Effect>,
}

impl<M: Machine + ?Sized> Decision<M> {
    /// Nothing happens.
    #[must_use]
    pub fn none() -> Self {
        Self {
            events: Vec::new(),
            replies: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Only an answer.
    #[must_use]
    pub fn reply(waiter: Waiter, reply: M::Reply) -> Self {
        Self {
            events: Vec::new(),
            replies: vec![(waiter, reply)],
            effects: Vec::new(),
        }
    }
}

/// A pure state machine over one log.
///
/// Laws, tested for every machine: replaying the durable events gives the live state less what
/// only volatile events made; `decode(encode(event)) == event` for durable events.
pub trait Machine {
    /// What can be asked.
    type Command;
    /// What can become true.
    type Event: Clone + PartialEq + std::fmt::Debug;
    /// What can be answered.
    type Reply: Clone + PartialEq + std::fmt::Debug;
    /// What must be done outside.
    type Effect: Clone + PartialEq + std::fmt::Debug;

    /// Decides. `waiter` names the request that asks; timers use a waiter that nobody awaits.
    fn decide(&self, now: Millis, waiter: Waiter, command: &Self::Command) -> Decision<Self>;

    /// Makes `event` true. `offset` is the record's offset in the machine's log for a durable
    /// event and for the end of a transaction; −1 for a volatile event.
    fn apply(&mut self, offset: i64, event: &Self::Event);

    /// When the machine next wants its timer command decided, if ever.
    fn deadline(&self) -> Option<Millis>;

    /// The record that makes `event` durable; `None` marks a volatile event.
    fn encode(event: &Self::Event) -> Option<LogRecord>;

    /// The transaction that `event`'s record is part of. All durable events of one decision
    /// agree on it.
    fn producer(event: &Self::Event) -> Option<ProducerIdentity> {
        let _ = event;
        None
    }

    /// Reads a record back. `Ok(None)` is a record that this machine does not use (a newer
    /// version's addition); `producer` is the transaction of its batch, if any.
    ///
    /// # Errors
    /// The record is of a known type but does not decode: the log is damaged.
    fn decode(
        record: &LogRecord,
        producer: Option<ProducerIdentity>,
    ) -> Result<Option<Self::Event>, DamagedRecord>;
}

/// A record of an internal topic that does not decode.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("damaged record in an internal topic: {0}")]
pub struct DamagedRecord(pub String);
