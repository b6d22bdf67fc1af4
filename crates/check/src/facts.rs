//! The history, digested once: operations joined, names and values numbered, reads tied to the
//! sends that they saw, and for each send whether readers must see it. Every rule works from this.

mod group;
mod operation;
mod partition;
mod position;
mod send;
mod transaction;

use crate::hash::Map;
use crate::history::{History, Isolation, Op, Partition, PartitionRead, Poll, Read, Value};

use group::Groups;
pub(crate) use group::{GroupFacts, OffsetFetch, OffsetWrite};
pub(crate) use operation::{Malformed, NEVER, Operation, Outcome};
pub(crate) use partition::PartitionFacts;
use partition::Partitions;
pub(crate) use position::Before;
use position::Positions;
pub(crate) use send::{Send, Status, Visibility};
pub(crate) use transaction::Transaction;
use transaction::Transactions;

/// The index of an event in the history.
pub(crate) type Line = u32;

/// Instead of a number: there is none.
pub(crate) const NONE: u32 = u32::MAX;

/// What one poll returned of one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartReads<'h> {
    /// The poll's operation.
    pub(crate) operation: u32,
    pub(crate) isolation: Isolation,
    /// The transaction that the poll says it belongs to, or [`NONE`].
    pub(crate) txn: u32,
    pub(crate) partition: u32,
    pub(crate) read: &'h PartitionRead,
    /// Where in [`Facts::read_sends`] the sends of its records begin.
    first: usize,
}

impl PartReads<'_> {
    /// Up to where it read: the position after it, as far as it can be told.
    pub(crate) fn end(&self) -> Option<i64> {
        let last = self
            .read
            .records
            .last()
            .map(|record| record.offset.saturating_add(1));
        self.read.position.max(last)
    }
}

/// A record that nobody sent there, or not before it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phantom<'h> {
    pub(crate) line: Line,
    pub(crate) partition: u32,
    pub(crate) read: &'h Read,
    pub(crate) why: &'static str,
}

/// The digest.
#[derive(Debug, Default)]
pub(crate) struct Facts<'h> {
    pub(crate) operations: Vec<Operation<'h>>,
    pub(crate) partitions: Vec<PartitionFacts<'h>>,
    pub(crate) sends: Vec<Send<'h>>,
    pub(crate) transactions: Vec<Transaction<'h>>,
    /// In the order in which the polls were invoked.
    pub(crate) reads: Vec<PartReads<'h>>,
    /// The send of each record read, in the order of `reads`; [`NONE`] for a phantom.
    read_sends: Vec<u32>,
    /// Where the reader was before each of `reads`.
    pub(crate) before: Vec<Before>,
    /// Group offsets, by group and partition.
    pub(crate) groups: Vec<GroupFacts<'h>>,
    by_name: Map<&'h Partition, u32>,
    pub(crate) phantoms: Vec<Phantom<'h>>,
    pub(crate) malformed: Vec<Malformed>,
    /// The line from which on nothing disturbs, or [`NEVER`].
    pub(crate) healed: Line,
    pub(crate) cut: bool,
}

impl<'h> Facts<'h> {
    pub(crate) fn new(history: &'h History) -> Self {
        let mut facts = Self {
            healed: NEVER,
            cut: history.is_cut(),
            ..Self::default()
        };
        facts.operations = operation::join(history.events(), &mut facts.malformed);
        let mut digest = Digest::default();
        digest.sends(&mut facts);
        digest.reads(&mut facts);
        digest.acknowledgements(&mut facts);
        digest.finish(&mut facts);
        facts
    }

    /// The sends of the records of a read, in their order.
    pub(crate) fn sends_of(&self, reads: &PartReads<'_>) -> &[u32] {
        &self.read_sends[reads.first..reads.first + reads.read.records.len()]
    }

    /// The line at which the records of a read were there.
    pub(crate) fn line_of(&self, reads: &PartReads<'_>) -> Line {
        self.operations[reads.operation as usize].end
    }

    /// The transaction of a send.
    pub(crate) fn transaction_of(&self, send: &Send<'_>) -> Option<&Transaction<'h>> {
        self.transactions.get(send.txn as usize)
    }

    /// The number of a partition, if anything touched it.
    pub(crate) fn partition(&self, name: &Partition) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// How many records were read, by all readers together.
    pub(crate) fn records_read(&self) -> usize {
        self.read_sends.len()
    }
}

/// What is needed only while digesting.
#[derive(Default)]
struct Digest<'h> {
    partitions: Partitions<'h>,
    transactions: Transactions<'h>,
    by_value: Map<&'h Value, u32>,
}

impl<'h> Digest<'h> {
    /// All sends and transactions, before any read.
    fn sends(&mut self, facts: &mut Facts<'h>) {
        self.by_value.reserve(facts.operations.len() / 2);
        for (at, operation) in (0..).zip(&facts.operations) {
            self.transactions.note(at, operation);
            match operation.op {
                Op::Send(_) => self.send(operation, &mut facts.sends, &mut facts.malformed),
                Op::Topic(_) => self.partitions.topic(operation),
                Op::Healed {} if facts.healed == NEVER => facts.healed = operation.begin,
                _ => {}
            }
        }
    }

    fn send(
        &mut self,
        operation: &Operation<'h>,
        sends: &mut Vec<Send<'h>>,
        malformed: &mut Vec<Malformed>,
    ) {
        let Op::Send(op) = operation.op else {
            return;
        };
        let id = sends.len() as u32;
        let partition = self.partitions.of(&op.partition);
        let mut send = Send::new(operation, op, partition);
        if let Some(input) = &op.input {
            send.input = Some((self.partitions.of(&input.partition), input.offset));
        }
        if let Some(number) = op.txn {
            send.txn = self.transactions.of(operation.process, number, send.begin);
            self.transactions.all[send.txn as usize].sends.push(id);
        }
        if self.by_value.insert(&op.value, id).is_some() {
            let what = format!("the value {} is sent twice", op.value);
            malformed.push(Malformed::new(send.begin, what));
        }
        sends.push(send);
    }

    /// All reads, and which sends they saw.
    fn reads(&mut self, facts: &mut Facts<'h>) {
        for at in 0..facts.operations.len() {
            let operation = facts.operations[at];
            let Op::Poll(poll) = operation.op else {
                continue;
            };
            let txn = poll.txn.map_or(NONE, |number| {
                self.transactions
                    .of(operation.process, number, operation.begin)
            });
            for read in &poll.reads {
                let reads = PartReads {
                    operation: at as u32,
                    isolation: poll.isolation,
                    txn,
                    partition: self.partitions.of(&read.partition),
                    read,
                    first: facts.read_sends.len(),
                };
                self.read(facts, poll, &reads, operation.end);
                facts.reads.push(reads);
            }
        }
    }

    fn read(&mut self, facts: &mut Facts<'h>, poll: &Poll, reads: &PartReads<'h>, line: Line) {
        for record in &reads.read.records {
            let found = self.by_value.get(&record.value).copied().unwrap_or(NONE);
            let id = match self.origin(facts, found, reads.partition, line) {
                Ok(id) => id,
                Err(why) => {
                    facts.phantoms.push(Phantom {
                        line,
                        partition: reads.partition,
                        read: record,
                        why,
                    });
                    NONE
                }
            };
            facts.read_sends.push(id);
            let Some(send) = facts.sends.get_mut(id as usize) else {
                continue;
            };
            send.first_any = send.first_any.min(line);
            if poll.isolation == Isolation::ReadCommitted {
                send.first_committed = send.first_committed.min(line);
            }
            if let (None, Some(input)) = (send.input, &record.input) {
                send.input = Some((self.partitions.of(&input.partition), input.offset));
            }
            send.offset = Some(
                send.offset
                    .map_or(record.offset, |at| at.min(record.offset)),
            );
            let order = &mut self.partitions.all[reads.partition as usize].order;
            order.add(record.offset, id);
        }
    }

    /// The send that a record read in `partition` comes from, or why there can be none.
    fn origin(
        &self,
        facts: &mut Facts<'h>,
        id: u32,
        partition: u32,
        line: Line,
    ) -> Result<u32, &'static str> {
        let send = facts
            .sends
            .get_mut(id as usize)
            .ok_or("nobody ever sent it")?;
        if send.begin > line {
            return Err("it was sent only later");
        }
        if send.partition != partition {
            let [to, from] =
                [send.partition, partition].map(|id| self.partitions.all[id as usize].name);
            let born = self.partitions.incarnation(&from.topic, from.generation);
            let same_name = to.topic == from.topic && to.index == from.index;
            // Who sends by name may meet the topic's next incarnation without knowing.
            let may_be = same_name && to.generation < from.generation && born < send.end;
            if !may_be || send.first_any != NEVER {
                return Err("it was sent to another partition");
            }
            send.partition = partition;
        }
        Ok(id)
    }

    /// Offsets that the broker gave when it acknowledged.
    fn acknowledgements(&mut self, facts: &mut Facts<'h>) {
        for (id, send) in (0..).zip(&mut facts.sends) {
            let name = self.partitions.all[send.partition as usize].name;
            let next = self
                .partitions
                .incarnation(&name.topic, name.generation.saturating_add(1));
            if next < send.end && send.first_any == NEVER {
                // It went to this incarnation or to the next one.
                send.outcome = Outcome::Unknown;
            }
            if let (Outcome::Ok, Some(offset)) = (send.outcome, send.op.offset) {
                send.offset = Some(send.offset.map_or(offset, |at| at.min(offset)));
                let order = &mut self.partitions.all[send.partition as usize].order;
                order.add(offset, id);
            }
        }
    }

    /// What may be gone, orders, and who must see what.
    fn finish(mut self, facts: &mut Facts<'h>) {
        for reads in &facts.reads {
            let known = &mut self.partitions.all[reads.partition as usize].log_start;
            *known = reads.read.log_start.unwrap_or(0).max(*known);
        }
        for operation in &facts.operations {
            match operation.op {
                Op::Topic(topic) if operation.outcome != Outcome::Fail => {
                    self.partitions.allow(topic, operation.begin);
                }
                Op::Drained(drained) => {
                    for (name, bounds) in &drained.partitions {
                        let id = self.partitions.of(name);
                        let known = &mut self.partitions.all[id as usize].log_start;
                        *known = bounds.start.max(*known);
                    }
                }
                _ => {}
            }
        }
        for partition in &mut self.partitions.all {
            partition.order.settle();
        }
        (facts.partitions, facts.by_name) = self.partitions.done();
        facts.transactions = self.transactions.all;
        facts.groups = Groups::collect(&facts.operations, &facts.transactions);
        for send in &facts.sends {
            if let Some(transaction) = facts.transactions.get_mut(send.txn as usize) {
                transaction.seen = transaction.seen.min(send.first_committed);
            }
        }
        for group in &mut facts.groups {
            group.recognise(&mut facts.transactions);
        }
        for send in &mut facts.sends {
            let transaction = facts.transactions.get(send.txn as usize);
            send.settle(transaction.map(Transaction::status));
        }
        positions(facts);
    }
}

/// Follows every consumer.
fn positions(facts: &mut Facts<'_>) {
    let mut positions = Positions::default();
    let mut reads = facts.reads.iter().peekable();
    facts.before.reserve(facts.reads.len());
    for (at, operation) in (0..).zip(&facts.operations) {
        let by_name = &facts.by_name;
        positions.note(operation, |name| by_name.get(name).copied());
        while let Some(read) = reads.next_if(|read| read.operation == at) {
            facts.before.push(positions.step(read, operation));
        }
    }
}
