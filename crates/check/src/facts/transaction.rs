//! Transactions: what belongs to each, and how each ended.

use super::{Line, NEVER, Operation, Outcome, Status};
use crate::hash::Map;
use crate::history::{Begin, CommitOffsets, End, Op, Producer, SendOffsets, SendRecord};

/// One transaction of one process.
#[derive(Debug)]
pub(crate) struct Transaction<'h> {
    pub(crate) process: u32,
    pub(crate) number: u64,
    pub(crate) transactional_id: Option<&'h str>,
    /// The line at which it is met first.
    pub(crate) first: Line,
    /// The first line that asks for its commit and may have been heard; [`NEVER`]: none.
    pub(crate) commit: Line,
    /// The line that says it is committed.
    pub(crate) committed: Line,
    /// The line that says it is aborted.
    pub(crate) aborted: Line,
    /// Its sends, as they were invoked.
    pub(crate) sends: Vec<u32>,
    /// Its `send_offsets`, by their operation.
    pub(crate) offsets: Vec<u32>,
    /// The first line at which a read_committed reader had read something of it.
    pub(crate) seen: Line,
}

impl Transaction<'_> {
    /// What is known of its end.
    pub(crate) fn status(&self) -> Status {
        if self.committed != NEVER {
            Status::Committed
        } else if self.aborted != NEVER || self.commit == NEVER {
            Status::Aborted
        } else if self.seen != NEVER {
            Status::Committed
        } else {
            Status::Unknown
        }
    }

    /// The first line at which it is certain that it is committed.
    pub(crate) fn certain(&self) -> Line {
        self.committed.min(self.seen)
    }
}

/// Collects transactions.
#[derive(Debug, Default)]
pub(crate) struct Transactions<'h> {
    pub(crate) all: Vec<Transaction<'h>>,
    by_number: Map<(u32, u64), u32>,
}

impl<'h> Transactions<'h> {
    /// The transaction of this number, met first at `line` if it is new.
    pub(crate) fn of(&mut self, process: u32, number: u64, line: Line) -> u32 {
        let next = self.all.len() as u32;
        let id = *self.by_number.entry((process, number)).or_insert(next);
        if id == next {
            self.all.push(Transaction {
                process,
                number,
                transactional_id: None,
                first: line,
                commit: NEVER,
                committed: NEVER,
                aborted: NEVER,
                sends: Vec::new(),
                offsets: Vec::new(),
                seen: NEVER,
            });
        }
        id
    }

    /// Takes note of an operation, if it is of a transaction; `at` is its index.
    pub(crate) fn note(&mut self, at: u32, operation: &Operation<'h>) {
        let Some((number, producer)) = belongs(operation.op) else {
            return;
        };
        let id = self.of(operation.process, number, operation.begin);
        let transaction = &mut self.all[id as usize];
        if transaction.transactional_id.is_none() {
            let known = producer.and_then(|producer| producer.transactional_id.as_deref());
            transaction.transactional_id = known;
        }
        match operation.op {
            Op::SendOffsets(_) if operation.outcome != Outcome::Fail => {
                transaction.offsets.push(at);
            }
            Op::Commit(_) if operation.outcome != Outcome::Fail => {
                transaction.commit = transaction.commit.min(operation.begin);
                transaction.committed = transaction.committed.min(operation.done());
            }
            Op::Abort(_) => transaction.aborted = transaction.aborted.min(operation.done()),
            _ => {}
        }
    }
}

/// The number of the transaction that an operation belongs to, and its producer.
fn belongs(op: &Op) -> Option<(u64, Option<&Producer>)> {
    match op {
        Op::Begin(Begin { txn, producer })
        | Op::Commit(End { txn, producer })
        | Op::Abort(End { txn, producer })
        | Op::SendOffsets(SendOffsets { txn, producer, .. }) => Some((*txn, Some(producer))),
        Op::Send(SendRecord { txn, producer, .. }) => Some(((*txn)?, producer.as_ref())),
        Op::Poll(poll) => Some((poll.txn?, None)),
        Op::CommitOffsets(CommitOffsets { .. })
        | Op::Init(_)
        | Op::Subscribe(_)
        | Op::Assign(_)
        | Op::Revoke(_)
        | Op::Seek(_)
        | Op::FetchOffsets(_)
        | Op::Observe(_)
        | Op::Topic(_)
        | Op::Crash(_)
        | Op::Healed {}
        | Op::Drained(_)
        | Op::Note(_) => None,
    }
}
