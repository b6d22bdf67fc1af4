//! What clients did and saw, as a list of events: one JSON line each, see `docs/history.md`.
//!
//! The order of the lines is the order of what happened: an invocation is written before its
//! request leaves, a completion after its answer came. All rules about "before" and "after" rest on
//! that order; `time_us` is for people.

mod error;
mod op;
mod partition;
mod value;
mod writer;

use std::io::{BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use error::HistoryError;
pub use op::{
    Assign, Begin, CommitOffsets, Crash, Drained, DrainedPartition, End, FetchOffsets, Init,
    Isolation, Note, Observe, Op, PartitionRead, Poll, Producer, Read, Revoke, Seek, SendOffsets,
    SendRecord, Subscribe, Topic,
};
pub use partition::{Coordinate, Partition};
pub use value::Value;
pub use writer::HistoryWriter;

/// A name of Kafka's (topic, group, transactional id): cheap to clone.
pub type Name = Arc<str>;

/// The number of an operation: its invocation and its completion carry the same one, and no other
/// operation of the history does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub u64);

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// About to be asked. What the answer will add (offsets, records) is empty.
    Invoke,
    /// Done, and the answer is in the operation.
    Ok,
    /// Certainly without effect, now and later. Only if that is certain: a timeout is no `fail`.
    Fail,
    /// Nobody knows: it may have had its effect, or have it later. An invocation that no other event
    /// completes means the same. Things that are no client's operation (a crash, a topic's creation)
    /// are single events of this kind.
    Info,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Microseconds since any fixed moment.
    pub time_us: u64,
    /// The client: one producer and one consumer at most, together. A client that crashed goes on
    /// under a new number. Operations of one process may overlap (sends in flight). Events of no
    /// client have a number that no client has.
    pub process: u32,
    /// The operation. None for a single event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<OpId>,
    /// Where the operation stands.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is done: whole in the invocation, and whole again, with the answer, in the completion.
    pub op: Op,
}

/// A history in memory, and its recorder.
///
/// ```
/// use once_check::history::{History, Partition, SendRecord};
/// let mut history = History::new();
/// let orders = Partition::new("orders", 0);
/// let send = history.invoke(10, 1, SendRecord::new(orders.clone(), 7u64));
/// history.ok_with(25, send, SendRecord::new(orders, 7u64).at(0));
/// assert_eq!(history.events().len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    events: Vec<Event>,
    next: u64,
    cut: bool,
}

impl History {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The events in their order; the first one's line is 1.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Adds an event as it is.
    pub fn push(&mut self, event: Event) {
        if let Some(OpId(id)) = event.id {
            self.next = self.next.max(id.saturating_add(1));
        }
        self.events.push(event);
    }

    /// An operation begins.
    pub fn invoke(&mut self, time_us: u64, process: u32, op: impl Into<Op>) -> Invoked {
        let id = OpId(self.next);
        let line = self.events.len();
        self.push(Event {
            time_us,
            process,
            id: Some(id),
            kind: Kind::Invoke,
            op: op.into(),
        });
        Invoked { id, line }
    }

    /// It succeeded, and its answer adds nothing to what was asked.
    pub fn ok(&mut self, time_us: u64, invoked: Invoked) {
        self.complete(time_us, invoked, Kind::Ok, None);
    }

    /// It succeeded, and here it is with its answer.
    pub fn ok_with(&mut self, time_us: u64, invoked: Invoked, op: impl Into<Op>) {
        self.complete(time_us, invoked, Kind::Ok, Some(op.into()));
    }

    /// It certainly has no effect, and never will.
    pub fn fail(&mut self, time_us: u64, invoked: Invoked) {
        self.complete(time_us, invoked, Kind::Fail, None);
    }

    /// Nobody knows whether it has, or will have, an effect.
    pub fn info(&mut self, time_us: u64, invoked: Invoked) {
        self.complete(time_us, invoked, Kind::Info, None);
    }

    /// A single event: what happened to the world, or a client's operation that cannot fail and
    /// takes no time (assign, revoke, seek, begin).
    pub fn event(&mut self, time_us: u64, process: u32, kind: Kind, op: impl Into<Op>) {
        self.push(Event {
            time_us,
            process,
            id: None,
            kind,
            op: op.into(),
        });
    }

    /// Completes an operation; without `op` as it was invoked.
    ///
    /// # Panics
    /// `invoked` is of another history.
    pub fn complete(&mut self, time_us: u64, invoked: Invoked, kind: Kind, op: Option<Op>) {
        let invocation = &self.events[invoked.line];
        assert_eq!(invocation.id, Some(invoked.id), "of another history");
        let (process, op) = (
            invocation.process,
            op.unwrap_or_else(|| invocation.op.clone()),
        );
        self.push(Event {
            time_us,
            process,
            id: Some(invoked.id),
            kind,
            op,
        });
    }

    /// Whether its writer died while writing it: the last line was torn.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Marks it as one whose end is missing.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Reads JSON lines. A last line that is torn (no event, and no line feed ends it) is left out,
    /// and the history [cut](Self::is_cut).
    ///
    /// # Errors
    /// A line that is no event, with its number.
    pub fn read(mut lines: impl BufRead) -> Result<Self, HistoryError> {
        let mut history = Self::new();
        let mut text = String::new();
        while lines.read_line(&mut text)? > 0 {
            match serde_json::from_str(text.trim_end()) {
                Ok(event) => history.push(event),
                Err(_) if !text.ends_with('\n') => history.cut(),
                Err(error) => {
                    let line = history.events.len() + 1;
                    return Err(HistoryError::Line { line, error });
                }
            }
            text.clear();
        }
        Ok(history)
    }

    /// Writes JSON lines.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write(&self, mut out: impl Write) -> Result<(), HistoryError> {
        for event in &self.events {
            writer::line(&mut out, event)?;
        }
        Ok(())
    }
}

/// An operation of a [`History`] that waits for its completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoked {
    id: OpId,
    line: usize,
}

#[cfg(test)]
mod tests;
