//! The offsets that groups commit, and what was read of them.

use super::{Line, NEVER, Operation, Outcome, Status, Transaction};
use crate::hash::Map;
use crate::history::{Op, Partition};

/// One attempt to set a group's offset of a partition.
#[derive(Debug, Clone)]
pub(crate) struct OffsetWrite {
    /// None: it is deleted, or was never set.
    pub(crate) offset: Option<i64>,
    /// Between these lines it took its place in the log, if it did: the later place wins.
    pub(crate) placed: (Line, Line),
    /// From this line on it may be visible.
    pub(crate) visible_from: Line,
    /// From this line on every stable fetch must see it, or a later one. [`NEVER`]: nobody knows
    /// that it is there.
    pub(crate) certain_stable: Line,
    /// The same for fetches that do not ask for stability.
    pub(crate) certain: Line,
    /// Its transaction, if any.
    pub(crate) txn: Option<u32>,
}

/// One answer to a fetch of a group's offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OffsetFetch {
    pub(crate) begin: Line,
    pub(crate) end: Line,
    pub(crate) offset: Option<i64>,
    pub(crate) stable: bool,
}

/// All about one group's offset of one partition, whichever incarnation.
#[derive(Debug)]
pub(crate) struct GroupFacts<'h> {
    pub(crate) group: &'h str,
    pub(crate) partition: &'h Partition,
    pub(crate) writes: Vec<OffsetWrite>,
    pub(crate) fetches: Vec<OffsetFetch>,
    /// By offset its only write, or none if there are several.
    only: Map<i64, Option<usize>>,
}

impl GroupFacts<'_> {
    /// The write that alone can explain what a fetch returned.
    pub(crate) fn only_write(&self, fetch: &OffsetFetch) -> Option<&OffsetWrite> {
        let at = self.only.get(&fetch.offset?).copied().flatten()?;
        self.writes.get(at)
    }

    /// What a fetch returned was visible when it returned: a write that alone can explain it is
    /// certain from then on, and so is its transaction.
    pub(crate) fn recognise(&mut self, transactions: &mut [Transaction<'_>]) {
        for (at, write) in self.writes.iter().enumerate() {
            if let Some(offset) = write.offset {
                let writer = self.only.entry(offset).or_insert(Some(at));
                *writer = writer.filter(|other| *other == at);
            }
        }
        for fetch in &self.fetches {
            let only = fetch.offset.and_then(|offset| self.only.get(&offset));
            let Some(at) = only.copied().flatten() else {
                continue;
            };
            let write = &mut self.writes[at];
            if let Some(txn) = write.txn {
                let transaction = &mut transactions[txn as usize];
                if transaction.status() == Status::Aborted {
                    continue;
                }
                transaction.seen = transaction.seen.min(fetch.end);
            }
            write.certain = write.certain.min(fetch.end);
            write.certain_stable = write.certain_stable.min(fetch.end);
            write.placed.1 = write.placed.1.min(fetch.end);
        }
        // What readers saw of a transaction's records makes its offsets certain for stable fetches.
        for write in &mut self.writes {
            if let Some(txn) = write.txn
                && write.placed.1 != NEVER
            {
                let transaction = &transactions[txn as usize];
                if transaction.status() == Status::Committed {
                    write.certain_stable = write.certain_stable.min(transaction.certain());
                }
            }
        }
    }
}

/// Collects them.
#[derive(Default)]
pub(crate) struct Groups<'h> {
    all: Vec<GroupFacts<'h>>,
    by_name: Map<(&'h str, &'h str, i32), usize>,
}

impl<'h> Groups<'h> {
    pub(crate) fn collect(
        operations: &[Operation<'h>],
        transactions: &[Transaction<'h>],
    ) -> Vec<GroupFacts<'h>> {
        let mut groups = Self::default();
        for operation in operations {
            groups.plain(operation);
        }
        for (id, transaction) in (0..).zip(transactions) {
            for &at in &transaction.offsets {
                groups.transactional(id, transaction, &operations[at as usize]);
            }
        }
        for operation in operations {
            if let Op::Topic(topic) = operation.op
                && topic.deleted
                && operation.outcome != Outcome::Fail
            {
                groups.forget(&topic.topic, operation.begin);
            }
        }
        groups.all
    }

    fn of(&mut self, group: &'h str, partition: &'h Partition) -> &mut GroupFacts<'h> {
        let key = (group, &*partition.topic, partition.index);
        let next = self.all.len();
        let at = *self.by_name.entry(key).or_insert(next);
        if at == next {
            self.all.push(GroupFacts {
                group,
                partition,
                writes: Vec::new(),
                fetches: Vec::new(),
                only: Map::default(),
            });
        }
        &mut self.all[at]
    }

    fn plain(&mut self, operation: &Operation<'h>) {
        match operation.op {
            Op::CommitOffsets(commit) if operation.outcome != Outcome::Fail => {
                for (partition, offset) in &commit.offsets {
                    let done = operation.done();
                    self.of(&commit.group, partition).writes.push(OffsetWrite {
                        offset: *offset,
                        placed: (operation.begin, done),
                        visible_from: operation.begin,
                        certain_stable: done,
                        certain: done,
                        txn: None,
                    });
                }
            }
            Op::FetchOffsets(fetch) if operation.outcome == Outcome::Ok => {
                for (partition, offset) in &fetch.offsets {
                    self.of(&fetch.group, partition).fetches.push(OffsetFetch {
                        begin: operation.begin,
                        end: operation.end,
                        // Kafka's own -1 for none is taken too.
                        offset: offset.filter(|offset| *offset >= 0),
                        stable: fetch.require_stable,
                    });
                }
            }
            _ => {}
        }
    }

    fn transactional(&mut self, id: u32, transaction: &Transaction<'h>, operation: &Operation<'h>) {
        let Op::SendOffsets(sent) = operation.op else {
            return;
        };
        for (partition, offset) in &sent.offsets {
            let done = operation.done();
            let certain = match done {
                NEVER => NEVER,
                _ => transaction.committed,
            };
            self.of(&sent.group, partition).writes.push(OffsetWrite {
                offset: Some(*offset),
                placed: (operation.begin, done),
                visible_from: transaction.commit,
                // Kafka answers EndTxn before the markers are written: until then a fetch that
                // does not ask for stability may see what was before.
                certain_stable: certain,
                certain: NEVER,
                txn: Some(id),
            });
        }
    }

    /// A topic's offsets go with it, at some time.
    fn forget(&mut self, topic: &str, line: Line) {
        let of_topic = |facts: &&mut GroupFacts<'h>| &*facts.partition.topic == topic;
        for facts in self.all.iter_mut().filter(of_topic) {
            facts.writes.push(OffsetWrite {
                offset: None,
                placed: (line, NEVER),
                visible_from: line,
                certain_stable: NEVER,
                certain: NEVER,
                txn: None,
            });
        }
    }
}
