//! The ideal cluster: partitions, transactions, group offsets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bug, Chance};
use crate::history::{
    End, Isolation, Name, Op, Partition, PartitionRead, Producer, Read, SendRecord, Value,
};

/// A transactional id's transaction, by its id, epoch and number.
type Txn = (Name, i16, u64);

/// What a request gets.
pub(super) enum Reply {
    Done(Op),
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

pub(super) struct Log {
    pub(super) name: Partition,
    records: Vec<(i64, Value, Option<Txn>)>,
    fates: BTreeMap<Txn, Fate>,
    end: i64,
}

impl Log {
    fn append(&mut self, value: &Value, txn: Option<Txn>) -> i64 {
        let offset = self.end;
        if let Some(txn) = &txn {
            self.fates.insert(txn.clone(), Fate::Open);
        }
        self.records.push((offset, value.clone(), txn));
        self.end += 1;
        offset
    }

    fn last_stable(&self) -> i64 {
        let undecided = self.records.iter().find(|(_, _, txn)| {
            let fate = txn.as_ref().map(|txn| self.fates[txn]);
            fate == Some(Fate::Open)
        });
        undecided.map_or(self.end, |record| record.0)
    }
}

/// An offset of a group, and when it took its place.
type Placed = (Option<i64>, u64);

pub(super) struct Cluster {
    pub(super) logs: Vec<Log>,
    epochs: BTreeMap<Name, i16>,
    open: BTreeMap<Name, Txn>,
    groups: BTreeMap<(Name, Partition), Placed>,
    pending: Vec<(Txn, Name, Partition, i64, u64)>,
    places: u64,
    pub(super) bug: Option<Bug>,
    pub(super) bug_happened: bool,
}

impl Cluster {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        let names = [("in", 0), ("out", 0), ("out", 1)];
        let log = |(topic, index): (&str, i32)| Log {
            name: Partition::new(topic, index),
            records: Vec::new(),
            fates: BTreeMap::new(),
            end: 0,
        };
        Self {
            logs: names.into_iter().map(log).collect(),
            epochs: BTreeMap::new(),
            open: BTreeMap::new(),
            groups: BTreeMap::new(),
            pending: Vec::new(),
            places: 0,
            bug,
            bug_happened: false,
        }
    }

    /// Whether this bug happens now.
    pub(super) fn is(&mut self, bug: Bug, chance: &mut Chance, times: usize) -> bool {
        let happens = self.bug == Some(bug) && chance.once_in(times);
        self.bug_happened |= happens;
        happens
    }

    /// What is committed in transactions, everywhere.
    pub(super) fn committed(&self) -> BTreeSet<&Value> {
        let all = self.logs.iter().flat_map(|log| {
            let fate = |txn: &Option<Txn>| txn.as_ref().map(|txn| log.fates[txn]);
            let committed = move |txn| fate(txn) == Some(Fate::Committed);
            log.records
                .iter()
                .filter(move |record| committed(&record.2))
        });
        all.map(|record| &record.1).collect()
    }

    pub(super) fn has_offsets(&self, group: &str) -> bool {
        self.groups.keys().any(|(name, _)| &**name == group)
    }

    fn log(&mut self, name: &Partition) -> &mut Log {
        let found = self.logs.iter_mut().find(|log| log.name == *name);
        found.expect("clients name partitions that exist")
    }

    pub(super) fn serve(&mut self, chance: &mut Chance, op: &Op, producer: &Producer) -> Reply {
        let mut op = op.clone();
        let done = match &mut op {
            Op::Init(init) => {
                let id = init.producer.transactional_id.clone();
                let id = id.expect("only transactional producers start");
                let epoch = self.epochs.entry(id.clone()).or_insert(-1);
                *epoch += 1;
                let number = id.len() as i64;
                init.producer = Producer::transactional(id.clone()).with_epoch(number, *epoch);
                self.end(chance, &id, Fate::Aborted);
                true
            }
            Op::Send(send) => self.append(chance, send),
            Op::SendOffsets(sent) => {
                let txn = self.join(chance, producer, sent.txn);
                txn.is_some_and(|txn| {
                    for (partition, offset) in &sent.offsets {
                        self.places += 1;
                        let (group, partition) = (sent.group.clone(), partition.clone());
                        let place = self.places;
                        self.pending
                            .push((txn.clone(), group, partition, *offset, place));
                    }
                    true
                })
            }
            Op::Commit(end) => self.finish(chance, end, Fate::Committed),
            Op::Abort(end) => self.finish(chance, end, Fate::Aborted),
            Op::Poll(poll) => {
                for read in &mut poll.reads {
                    *read = self.read(chance, poll.isolation, read);
                }
                true
            }
            Op::CommitOffsets(commit) => {
                for (partition, offset) in &commit.offsets {
                    self.places += 1;
                    let placed = (*offset, self.places);
                    if !self.is(Bug::ForgetCommittedOffset, chance, 5) {
                        let key = (commit.group.clone(), partition.clone());
                        self.groups.insert(key, placed);
                    }
                }
                true
            }
            Op::FetchOffsets(fetch) => {
                let group = &fetch.group;
                let unstable = self.pending.iter().any(|pending| pending.1 == *group);
                for (partition, offset) in &mut fetch.offsets {
                    let key = (group.clone(), partition.clone());
                    *offset = self.groups.get(&key).and_then(|placed| placed.0);
                }
                !(fetch.require_stable && unstable)
            }
            _ => true,
        };
        if done {
            Reply::Done(op)
        } else {
            Reply::Refused
        }
    }

    /// The producer's transaction, if it is not fenced.
    fn join(&mut self, chance: &mut Chance, producer: &Producer, number: u64) -> Option<Txn> {
        let (id, epoch) = (producer.transactional_id.clone()?, producer.epoch?);
        let fenced = self.epochs.get(&id) != Some(&epoch);
        if fenced && !self.is(Bug::LetZombiesCommit, chance, 1) {
            return None;
        }
        let txn = (id.clone(), epoch, number);
        self.open.insert(id, txn.clone());
        Some(txn)
    }

    fn append(&mut self, chance: &mut Chance, send: &mut SendRecord) -> bool {
        let txn = match (send.txn, send.producer.clone()) {
            (Some(number), Some(producer)) => match self.join(chance, &producer, number) {
                None => return false,
                txn => txn,
            },
            _ => None,
        };
        let drop = self.is(Bug::DropAcknowledged, chance, 10);
        let idempotent = send.producer.is_some();
        let twice = idempotent && self.is(Bug::AppendTwice, chance, 10);
        let wrong = self.is(Bug::AcknowledgeWrongOffset, chance, 10);
        let log = self.log(&send.partition);
        if drop {
            send.offset = Some(log.end);
            log.end += 1;
            return true;
        }
        let offset = log.append(&send.value, txn.clone());
        if twice {
            log.append(&send.value, txn);
        }
        send.offset = Some(offset + i64::from(wrong));
        true
    }

    fn finish(&mut self, chance: &mut Chance, end: &End, fate: Fate) -> bool {
        let Some(txn) = self.join(chance, &end.producer, end.txn) else {
            return false;
        };
        self.end(chance, &txn.0, fate);
        true
    }

    fn end(&mut self, chance: &mut Chance, id: &Name, fate: Fate) {
        let Some(txn) = self.open.remove(id) else {
            return;
        };
        let torn = fate == Fate::Committed && self.is(Bug::TearTransaction, chance, 3);
        for (index, log) in self.logs.iter_mut().enumerate() {
            if let Some(known) = log.fates.get_mut(&txn) {
                *known = if torn && index == 1 {
                    Fate::Aborted
                } else {
                    fate
                };
                log.end += 1;
            }
        }
        let (ours, others) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|pending| pending.0 == txn);
        self.pending = others;
        let ours: Vec<_> = ours;
        for (_, group, partition, offset, place) in ours {
            let current = self.groups.get(&(group.clone(), partition.clone()));
            let newer = current.is_none_or(|current| current.1 < place);
            if fate == Fate::Committed
                && newer
                && !self.is(Bug::ForgetTransactionalOffset, chance, 3)
            {
                self.groups
                    .insert((group, partition), (Some(offset), place));
            }
        }
    }

    /// Every transaction that is still open is aborted.
    pub(super) fn decide_all(&mut self) {
        if self.bug == Some(Bug::StallLso) && !self.open.is_empty() {
            self.bug_happened = self.logs.iter().any(|log| log.last_stable() < log.end);
            return;
        }
        let ids: Vec<Name> = self.open.keys().cloned().collect();
        for id in ids {
            self.end(&mut Chance::new(0), &id, Fate::Aborted);
        }
    }

    /// What everybody saw is gone after a last crash.
    fn lose(log: &mut Log) -> bool {
        let lost = log.records.pop();
        log.end = lost.as_ref().map_or(log.end, |record| record.0);
        lost.is_some()
    }

    pub(super) fn lose_tail(&mut self) {
        if self.bug == Some(Bug::LoseTailInTheEnd) {
            self.bug_happened = Self::lose(&mut self.logs[0]);
        }
    }

    pub(super) fn read(
        &mut self,
        chance: &mut Chance,
        isolation: Isolation,
        asked: &PartitionRead,
    ) -> PartitionRead {
        let committed = isolation == Isolation::ReadCommitted;
        let undecided = committed && self.is(Bug::ShowUndecided, chance, 3);
        let aborted = committed && self.is(Bug::ShowAborted, chance, 3);
        let skip = self.is(Bug::SkipInPoll, chance, 10);
        let forge = self.is(Bug::ForgeRecord, chance, 20);
        let rewind = self.is(Bug::RewindPoll, chance, 10);
        let low = self.is(Bug::LowerHighWatermark, chance, 5);
        let log = self.log(&asked.partition);
        let stable = log.last_stable();
        let bound = if committed && !undecided {
            stable
        } else {
            log.end
        };
        let from = asked.from.unwrap_or(0);
        let begin = if rewind { from - 2 } else { from };
        let mut read = PartitionRead::new(asked.partition.clone());
        let mut position = from.max(bound);
        let limit = 1 + chance.below(8);
        for (offset, value, txn) in &log.records {
            if *offset < begin || *offset >= bound {
                continue;
            }
            let fate = txn.as_ref().map(|txn| log.fates[txn]);
            if committed && fate == Some(Fate::Aborted) && !aborted {
                continue;
            }
            if read.records.len() == limit {
                position = *offset;
                break;
            }
            read.records.push(Read::new(*offset, value.clone()));
        }
        if skip && !read.records.is_empty() {
            let at = chance.below(read.records.len());
            read.records.remove(at);
        }
        if let Some(record) = read.records.last_mut().filter(|_| forge) {
            record.value = Value::from("forged");
        }
        read = read.positions(from, position);
        read.high_watermark = Some(log.end - i64::from(low));
        let stable = if undecided { bound } else { stable };
        read.last_stable = Some(stable.min(log.end - i64::from(low)));
        read
    }
}
