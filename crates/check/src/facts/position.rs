//! Where each consumer must be before each of its reads, from what it did before.

use super::{Line, Operation, Outcome, PartReads};
use crate::hash::Map;
use crate::history::{Crash, Op, Partition};

/// What a consumer's past says about its position before a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// It reads this partition for the first time, or for the first time since it got it: nobody
    /// said from where.
    New,
    /// It was moved, nobody said where to.
    Moved,
    /// It is here, since this line.
    At(i64, Line),
}

/// Positions by process and partition. A change of all of a process's positions is a new age.
#[derive(Default)]
pub(crate) struct Positions {
    at: Map<(u32, u32), (u32, Before)>,
    ages: Map<u32, u32>,
}

impl Positions {
    fn age(&self, process: u32) -> u32 {
        self.ages.get(&process).copied().unwrap_or(0)
    }

    fn set(&mut self, process: u32, partition: u32, before: Before) {
        let age = self.age(process);
        self.at.insert((process, partition), (age, before));
    }

    /// The position before these reads; moves it past them. A poll that did not end well leaves
    /// nobody sure.
    pub(crate) fn step(&mut self, reads: &PartReads<'_>, operation: &Operation<'_>) -> Before {
        let age = self.age(operation.process);
        let key = (operation.process, reads.partition);
        let known = self.at.entry(key).or_insert((age, Before::New));
        let before = if known.0 == age { known.1 } else { Before::New };
        let after = match (operation.outcome, reads.end()) {
            (Outcome::Ok, Some(end)) => Before::At(end, operation.end),
            (Outcome::Ok, None) => before,
            (Outcome::Fail | Outcome::Unknown, _) => Before::Moved,
        };
        *known = (age, after);
        before
    }

    /// What an operation that is no poll does to positions.
    pub(crate) fn note(
        &mut self,
        operation: &Operation<'_>,
        partition: impl Fn(&Partition) -> Option<u32>,
    ) {
        let process = operation.process;
        match operation.op {
            _ if operation.outcome == Outcome::Fail => {}
            Op::Subscribe(_) | Op::Crash(Crash::Client) => {
                *self.ages.entry(process).or_default() += 1;
            }
            Op::Assign(assign) => {
                for (name, offset) in &assign.partitions {
                    if let Some(id) = partition(name) {
                        let before = offset.map_or(Before::New, |at| Before::At(at, operation.end));
                        self.set(process, id, before);
                    }
                }
            }
            Op::Revoke(revoke) => {
                for id in revoke.partitions.iter().filter_map(partition) {
                    self.set(process, id, Before::New);
                }
            }
            Op::Seek(seek) => {
                if let Some(id) = partition(&seek.partition) {
                    let before = seek.offset;
                    let before = before.map_or(Before::Moved, |at| Before::At(at, operation.end));
                    self.set(process, id, before);
                }
            }
            _ => {}
        }
    }
}
