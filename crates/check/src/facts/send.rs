//! Sends, and who must see them.

use super::{Line, NEVER, NONE, Operation, Outcome};
use crate::history::SendRecord;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// A commit was acknowledged; or one was asked for, nobody knows, and read_committed readers
    /// saw something of it.
    Committed,
    /// An abort was acknowledged, or nobody asked for a commit that may have been heard.
    Aborted,
    /// A commit was asked for, and nobody knows.
    Unknown,
}

/// What a read_committed reader that reads past a record may make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// It must see it.
    Must,
    /// It may or may not.
    May,
    /// It must not.
    MustNot,
}

/// One record that was sent.
#[derive(Debug)]
pub(crate) struct Send<'h> {
    pub(crate) op: &'h SendRecord,
    pub(crate) begin: Line,
    pub(crate) end: Line,
    pub(crate) outcome: Outcome,
    pub(crate) process: u32,
    pub(crate) partition: u32,
    /// The number of its transaction, or [`NONE`].
    pub(crate) txn: u32,
    /// The partition and offset that it was made from.
    pub(crate) input: Option<(u32, i64)>,
    /// The lowest offset at which it is known to lie.
    pub(crate) offset: Option<i64>,
    /// The line of the first read by a read_committed reader.
    pub(crate) first_committed: Line,
    /// The line of the first read by anyone.
    pub(crate) first_any: Line,
    pub(crate) visibility: Visibility,
}

impl<'h> Send<'h> {
    pub(crate) fn new(operation: &Operation<'h>, op: &'h SendRecord, partition: u32) -> Self {
        Self {
            op,
            begin: operation.begin,
            end: operation.end,
            outcome: operation.outcome,
            process: operation.process,
            partition,
            txn: NONE,
            input: None,
            offset: None,
            first_committed: NEVER,
            first_any: NEVER,
            visibility: Visibility::May,
        }
    }

    /// Whether its producer promised that it is there once at most, and in order.
    pub(crate) fn idempotent(&self) -> bool {
        self.op.producer.is_some() || self.txn != NONE
    }

    /// Decides who must see it, from how its transaction ended.
    pub(crate) fn settle(&mut self, transaction: Option<Status>) {
        let seen = match transaction {
            None => self.first_any,
            Some(_) => self.first_committed,
        };
        self.visibility = match (transaction, self.outcome) {
            (Some(Status::Aborted), _) | (_, Outcome::Fail) => Visibility::MustNot,
            (Some(Status::Unknown), _) => Visibility::May,
            (None | Some(Status::Committed), Outcome::Ok) => Visibility::Must,
            (None | Some(Status::Committed), Outcome::Unknown) if seen != NEVER => Visibility::Must,
            (None | Some(Status::Committed), Outcome::Unknown) => Visibility::May,
        };
    }
}
