//! What follows within a step, or waits behind fences for a later one.

use super::additions::Addition;
use super::ids::{ConnectionId, LogId};
use super::submit::Settled;
use super::waiting::RequestInfo;
use crate::api::{Frames, Wake};
use once_coordinator::machine::Waiter;
use once_coordinator::transaction;
use once_log::StateWrite;

/// What was held behind fences, or follows from an input, within one step.
pub(super) enum Action {
    /// An answer leaves.
    Reply(RequestInfo, Frames),
    /// A request without an answer is finished: what it wrote is flushed.
    Silence(RequestInfo),
    /// The deletion of a log's topic is durable.
    Remove(LogId),
    /// A machine's answer reaches a parked call.
    Settle(Waiter, Settled),
    /// A transaction shard's effect begins.
    Effect {
        shard: usize,
        effect: transaction::Effect,
    },
    /// All markers of a transaction are flushed.
    MarkersFlushed {
        shard: usize,
        command: transaction::Command,
    },
    /// A parked call is visited.
    Wake(Waiter, Wake),
    /// The request that others of its connection waited for is decided.
    GoOn(ConnectionId),
    /// Partitions are durably a part of their transactions.
    Added(Vec<Addition>),
    /// A block of producer ids is durable.
    Refill(std::ops::Range<i64>),
    /// The catalog's log is durable as far as this snapshot stands for it.
    Snapshot(StateWrite),
}

impl Action {
    /// It writes more, and lets nobody outside know. A block of producer ids is no such thing: an id
    /// is given away without a record that its answer could wait for.
    pub(super) fn is_internal(&self) -> bool {
        match self {
            Action::Effect { .. } | Action::MarkersFlushed { .. } | Action::Added(_) => true,
            Action::Reply(..)
            | Action::Silence(_)
            | Action::Remove(_)
            | Action::Settle(..)
            | Action::Refill(_)
            | Action::Snapshot(_)
            | Action::GoOn(_)
            | Action::Wake(..) => false,
        }
    }
}
