//! Invocations and completions, joined.

use super::Line;
use crate::hash::Map;
use crate::history::{Event, Kind, Op};

/// Later than every line.
pub(crate) const NEVER: Line = Line::MAX;

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it was asked.
    Ok,
    /// Without effect, for certain.
    Fail,
    /// Nobody knows.
    Unknown,
}

/// An operation of a client, or a single event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'h> {
    /// The line of its invocation.
    pub(crate) begin: Line,
    /// The line of its completion, [`NEVER`] if there is none.
    pub(crate) end: Line,
    pub(crate) outcome: Outcome,
    pub(crate) process: u32,
    /// As completed if it was, else as invoked.
    pub(crate) op: &'h Op,
}

impl Operation<'_> {
    /// From when on its effect is certain: its completion's line if that is an ok.
    pub(crate) fn done(&self) -> Line {
        match self.outcome {
            Outcome::Ok => self.end,
            Outcome::Fail | Outcome::Unknown => NEVER,
        }
    }
}

/// Something that no history should contain; it makes the verdict unknown.
#[derive(Debug, Clone)]
pub(crate) struct Malformed {
    pub(crate) line: Line,
    pub(crate) what: String,
}

impl Malformed {
    pub(crate) fn new(line: Line, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { line, what }
    }
}

/// Joins the events into operations, in the order of their invocations.
pub(crate) fn join<'h>(events: &'h [Event], bad: &mut Vec<Malformed>) -> Vec<Operation<'h>> {
    let mut operations: Vec<Operation<'h>> = Vec::with_capacity(events.len() / 2 + 1);
    let mut by_id: Map<u64, usize> = Map::default();
    by_id.reserve(events.len() / 2 + 1);
    for (line, event) in (0..).zip(events) {
        let outcome = match event.kind {
            Kind::Ok => Outcome::Ok,
            Kind::Fail => Outcome::Fail,
            Kind::Invoke | Kind::Info => Outcome::Unknown,
        };
        let mut operation = Operation {
            begin: line,
            end: line,
            outcome,
            process: event.process,
            op: &event.op,
        };
        match (event.id, event.kind) {
            (None, Kind::Invoke) => bad.push(Malformed::new(line, "an invocation without id")),
            (None, _) => operations.push(operation),
            (Some(id), Kind::Invoke) => {
                operation.end = NEVER;
                if by_id.insert(id.0, operations.len()).is_some() {
                    bad.push(Malformed::new(line, format!("id {} is used twice", id.0)));
                }
                operations.push(operation);
            }
            (Some(id), _) => match by_id.get(&id.0) {
                Some(&at) => complete(&mut operations[at], operation, bad),
                None => {
                    let what = format!("id {} is completed without an invocation", id.0);
                    bad.push(Malformed::new(line, what));
                }
            },
        }
    }
    operations
}

fn complete<'h>(
    operation: &mut Operation<'h>,
    completion: Operation<'h>,
    bad: &mut Vec<Malformed>,
) {
    let line = completion.end;
    if operation.end != NEVER {
        return bad.push(Malformed::new(line, "an operation is completed twice"));
    }
    let same = std::mem::discriminant(operation.op) == std::mem::discriminant(completion.op);
    if !same || operation.process != completion.process {
        let what = "a completion is of another operation or process than its invocation";
        return bad.push(Malformed::new(line, what));
    }
    operation.end = line;
    operation.outcome = completion.outcome;
    operation.op = completion.op;
}
