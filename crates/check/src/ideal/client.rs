//! Clients: producers, processors, consumers.

use super::{Bug, World};
use crate::history::{
    Assign, CommitOffsets, FetchOffsets, Init, Isolation, Op, Partition, PartitionRead, Poll,
    Producer, Seek, SendOffsets, SendRecord,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Sends to the input topic, several at a time.
    Producer {
        idempotent: bool,
    },
    /// Transactions over two partitions.
    Transactional,
    /// Consume, process, produce.
    Processor,
    Reader(Isolation),
    /// Commits offsets, and asks for them.
    Member,
}

/// Where a transactional client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Ready,
    /// So many operations into its transaction.
    Open(usize),
    /// An operation is under way that must end first.
    Waiting,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    role: Role,
    pub(super) process: u32,
    pub(super) producer: Producer,
    stage: Stage,
    txn: u64,
    position: Option<i64>,
    /// Its position is not where it left off reading.
    moved: bool,
    partition: i32,
    /// Inputs polled in this transaction, and which of them are processed.
    inputs: Vec<i64>,
    member_offset: i64,
}

impl Client {
    fn new(role: Role) -> Self {
        let id = match role {
            Role::Transactional => Some("writer".into()),
            Role::Processor => Some("processor".into()),
            _ => None,
        };
        Self {
            role,
            process: 0,
            producer: Producer {
                transactional_id: id,
                ..Producer::default()
            },
            stage: Stage::New,
            txn: 0,
            position: None,
            moved: false,
            partition: 0,
            inputs: Vec::new(),
            member_offset: 0,
        }
    }

    pub(super) fn nobody() -> Self {
        Self::new(Role::Member)
    }

    pub(super) fn cast() -> Vec<Self> {
        let roles = [
            Role::Producer { idempotent: true },
            Role::Producer { idempotent: false },
            Role::Transactional,
            Role::Processor,
            Role::Reader(Isolation::ReadCommitted),
            Role::Reader(Isolation::ReadCommitted),
            Role::Reader(Isolation::ReadUncommitted),
            Role::Member,
        ];
        roles.into_iter().map(Self::new).collect()
    }

    pub(super) fn window(&self) -> usize {
        match self.role {
            Role::Producer { .. } => 5,
            _ => 1,
        }
    }

    pub(super) fn may_become_zombie(&self) -> bool {
        self.producer.transactional_id.is_some() && self.stage != Stage::New
    }

    pub(super) fn reborn(&mut self, process: u32) {
        *self = Self::new(self.role);
        self.process = process;
    }

    fn input() -> Partition {
        Partition::new("in", 0)
    }

    pub(super) fn act(&mut self, world: &mut World, me: usize) {
        match self.role {
            Role::Producer { idempotent } => {
                let record = SendRecord::new(Self::input(), world.value());
                let record = match idempotent {
                    true => record.by(Producer::default()),
                    false => record,
                };
                world.ask(me, self.process, record.into());
            }
            Role::Transactional | Role::Processor => self.transact(world, me),
            Role::Reader(isolation) => self.poll(world, me, isolation),
            Role::Member => self.member(world, me),
        }
    }

    fn transact(&mut self, world: &mut World, me: usize) {
        match self.stage {
            Stage::New => {
                let producer = Producer {
                    transactional_id: self.producer.transactional_id.clone(),
                    ..Producer::default()
                };
                self.stage = Stage::Waiting;
                world.ask(me, self.process, Init { producer }.into());
            }
            Stage::Waiting => {}
            Stage::Ready if self.role == Role::Processor && self.position.is_none() => {
                self.fetch(world, me, "processors", true);
            }
            Stage::Ready => {
                self.txn += 1;
                self.inputs.clear();
                self.stage = Stage::Open(0);
                if std::mem::take(&mut self.moved) {
                    let (partition, offset) = (Self::input(), self.position);
                    world.tell(self.process, Seek { partition, offset });
                }
            }
            Stage::Open(steps) => {
                let op = match self.role {
                    Role::Processor => self.process(world, steps),
                    _ => self.write(world, steps),
                };
                self.stage = match &op {
                    Op::Commit(_) | Op::Abort(_) => Stage::Waiting,
                    _ => Stage::Open(steps + 1),
                };
                world.ask(me, self.process, op);
            }
        }
    }

    fn end(&self, world: &mut World) -> Op {
        let producer = self.producer.clone();
        match world.chance.once_in(4) {
            true => Op::abort(self.txn, producer),
            false => Op::commit(self.txn, producer),
        }
    }

    fn write(&self, world: &mut World, steps: usize) -> Op {
        if steps >= 2 && world.chance.once_in(2) {
            return self.end(world);
        }
        let to = Partition::new("out", (steps % 2) as i32);
        let record = SendRecord::new(to, world.value()).txn(self.txn);
        record.by(self.producer.clone()).into()
    }

    /// One poll, one output for each record, the offset, the end.
    fn process(&mut self, world: &mut World, steps: usize) -> Op {
        if steps == 0 {
            let mut poll = Poll::new(Isolation::ReadCommitted);
            poll.txn = Some(self.txn);
            poll.reads = self.asked(Self::input());
            return poll.into();
        }
        if self.inputs.is_empty() {
            return Op::abort(self.txn, self.producer.clone());
        }
        if let Some(&input) = self.inputs.get(steps - 1) {
            let next = self.inputs.get(steps).copied();
            let pass = next.is_some() && world.cluster.is(Bug::PassOverInput, &mut world.chance, 4);
            let input = next.filter(|_| pass).unwrap_or(input);
            let to = Partition::new("out", (input % 2) as i32);
            let record = SendRecord::new(to, world.value()).txn(self.txn);
            let record = record.from_input(Self::input().at(input));
            return record.by(self.producer.clone()).into();
        }
        if steps == self.inputs.len() + 1 {
            let offset = self.position.unwrap_or(0);
            return SendOffsets {
                txn: self.txn,
                producer: self.producer.clone(),
                group: "processors".into(),
                offsets: [(Self::input(), offset)].into(),
            }
            .into();
        }
        self.end(world)
    }

    fn asked(&self, partition: Partition) -> Vec<PartitionRead> {
        let at = self.position.unwrap_or(0);
        vec![PartitionRead::new(partition).positions(at, at)]
    }

    fn poll(&mut self, world: &mut World, me: usize, isolation: Isolation) {
        if self.position.is_none() || world.chance.once_in(30) {
            self.partition = world.chance.below(3) as i32;
            let at = match world.chance.once_in(2) {
                true => 0,
                false => world.chance.below(20) as i64,
            };
            self.position = Some(at);
            let (name, process) = (self.reads(), self.process);
            match world.chance.once_in(2) {
                true => world.tell(process, Assign::at([(name, at)])),
                false => world.tell(
                    process,
                    Seek {
                        partition: name,
                        offset: Some(at),
                    },
                ),
            }
        }
        let mut poll = Poll::new(isolation);
        poll.reads = self.asked(self.reads());
        world.ask(me, self.process, poll.into());
    }

    fn reads(&self) -> Partition {
        match self.partition {
            0 => Self::input(),
            index => Partition::new("out", index - 1),
        }
    }

    fn member(&mut self, world: &mut World, me: usize) {
        if world.chance.once_in(2) {
            let group = ["members", "processors"][world.chance.below(2)];
            let stable = world.chance.once_in(2);
            return self.fetch(world, me, group, stable);
        }
        self.member_offset += 1 + world.chance.below(3) as i64;
        // Now and then somebody resets the group.
        if world.chance.once_in(10) {
            self.member_offset = world.chance.below(5) as i64;
        }
        let offsets = [(Self::input(), Some(self.member_offset))].into();
        let group = "members".into();
        world.ask(me, self.process, CommitOffsets { group, offsets }.into());
    }

    fn fetch(&mut self, world: &mut World, me: usize, group: &str, require_stable: bool) {
        let fetch = FetchOffsets {
            group: group.into(),
            require_stable,
            offsets: [(Self::input(), None)].into(),
        };
        self.stage = Stage::Waiting;
        let op: Op = fetch.into();
        let processor = self.role == Role::Processor && world.cluster.has_offsets(group);
        if processor && world.cluster.is(Bug::ProcessTwice, &mut world.chance, 2) {
            // It asks, and does not listen.
            self.stage = Stage::Ready;
            (self.position, self.moved) = (Some(0), true);
            return;
        }
        world.ask(me, self.process, op);
    }
}

/// Answers.
impl Client {
    pub(super) fn done(&mut self, op: &Op) {
        match op {
            Op::Init(init) => {
                self.producer = init.producer.clone();
                self.stage = Stage::Ready;
            }
            Op::Commit(_) => self.stage = Stage::Ready,
            // What it polled in the transaction it must poll again.
            Op::Abort(_) => {
                (self.stage, self.position) = (Stage::Ready, None);
            }
            Op::Poll(poll) => {
                for read in &poll.reads {
                    self.position = read.position;
                    self.inputs = read.records.iter().map(|record| record.offset).collect();
                }
            }
            Op::FetchOffsets(fetch) if self.role == Role::Processor => {
                let offset = fetch.offsets.values().next().copied().flatten();
                (self.position, self.moved) = (Some(offset.unwrap_or(0)), true);
                self.stage = Stage::Ready;
            }
            _ => {}
        }
    }

    /// It was refused: a fenced producer starts again, a fetch is tried again.
    pub(super) fn refused(&mut self, op: &Op) {
        match op {
            Op::FetchOffsets(_) if self.role == Role::Processor => self.stage = Stage::Ready,
            Op::Send(_) | Op::SendOffsets(_) | Op::Commit(_) | Op::Abort(_) => self.restart(),
            _ => {}
        }
    }

    /// Nobody knows what became of it: who is in a transaction starts again.
    pub(super) fn unsure(&mut self, op: &Op) {
        match op {
            Op::FetchOffsets(_) if self.role == Role::Processor => self.stage = Stage::Ready,
            _ => self.restart(),
        }
    }

    fn restart(&mut self) {
        (self.stage, self.position) = (Stage::New, None);
    }
}
