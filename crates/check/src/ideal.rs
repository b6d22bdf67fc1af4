//! An ideal Kafka in a few lines, with clients that use it at random and write their history: what
//! the judge must call valid. With a [`Bug`] it is ideal but for that.

mod client;
mod cluster;
mod laws;
mod lifecycle;

use crate::history::{
    Drained, DrainedPartition, History, Invoked, Isolation, Kind, Note, Op, PartitionRead, Poll,
};
use client::Client;
use cluster::{Cluster, Reply};

/// Numbers that look like chance: xorshift.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) as usize) % bound
    }

    /// Once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What goes wrong now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    DropAcknowledged,
    AppendTwice,
    AppendOutOfOrder,
    AcknowledgeWrongOffset,
    ShowAborted,
    ShowUndecided,
    TearTransaction,
    LetZombiesCommit,
    SkipInPoll,
    RewindPoll,
    ForgeRecord,
    ForgetCommittedOffset,
    ForgetTransactionalOffset,
    ProcessTwice,
    PassOverInput,
    StallLso,
    LowerHighWatermark,
    LoseTailInTheEnd,
}

/// An operation under way.
struct Action {
    invoked: Invoked,
    client: usize,
    op: Op,
    /// Once it took effect.
    reply: Option<Reply>,
}

/// The clients, the cluster, and what is between them.
pub(crate) struct World {
    chance: Chance,
    cluster: Cluster,
    history: History,
    clients: Vec<Client>,
    under_way: Vec<Action>,
    processes: u32,
    values: u64,
    now: u64,
}

impl World {
    /// A history of so many steps; whether the bug happened.
    fn run(seed: u64, steps: usize, bug: Option<Bug>) -> (History, bool) {
        let mut world = Self {
            chance: Chance::new(seed),
            cluster: Cluster::new(bug),
            history: History::new(),
            clients: Vec::new(),
            under_way: Vec::new(),
            processes: 0,
            values: 0,
            now: 0,
        };
        world.clients = Client::cast();
        for client in &mut world.clients {
            world.processes += 1;
            client.process = world.processes;
        }
        for _ in 0..steps {
            world.step();
        }
        world.heal();
        let happened = match bug {
            // A second attempt counts only if it is committed.
            Some(Bug::ProcessTwice) => world.processed_twice(),
            _ => world.cluster.bug_happened,
        };
        (world.history, happened)
    }

    /// The truth, as only the cluster knows it.
    fn processed_twice(&self) -> bool {
        let committed = self.cluster.committed();
        let mut inputs = std::collections::BTreeSet::new();
        self.history.events().iter().any(|event| match &event.op {
            Op::Send(send) if event.kind == Kind::Invoke && committed.contains(&send.value) => send
                .input
                .as_ref()
                .is_some_and(|input| !inputs.insert(input)),
            _ => false,
        })
    }

    fn step(&mut self) {
        self.now += 1 + self.chance.below(50) as u64;
        if self.chance.once_in(2) && !self.under_way.is_empty() {
            let at = self.chance.below(self.under_way.len());
            return self.progress(at);
        }
        let at = self.chance.below(self.clients.len());
        if self.chance.once_in(120) {
            return self.crash(at);
        }
        let busy = self.under_way.iter().filter(|action| action.client == at);
        if busy.count() >= self.clients[at].window() {
            return;
        }
        let mut client = std::mem::replace(&mut self.clients[at], Client::nobody());
        client.act(self, at);
        self.clients[at] = client;
    }

    pub(crate) fn value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    pub(crate) fn ask(&mut self, client: usize, process: u32, op: Op) {
        let invoked = self.history.invoke(self.now, process, op.clone());
        self.under_way.push(Action {
            invoked,
            client,
            op,
            reply: None,
        });
    }

    pub(crate) fn tell(&mut self, process: u32, op: impl Into<Op>) {
        self.history.event(self.now, process, Kind::Ok, op);
    }

    /// Requests of one client take effect in their order; replies may overtake each other.
    fn progress(&mut self, at: usize) {
        let client = self.under_way[at].client;
        let reordered = self.cluster.bug == Some(Bug::AppendOutOfOrder);
        let waiting = |action: &Action| action.client == client && action.reply.is_none();
        if self.under_way[at].reply.is_none() {
            let first = self.under_way.iter().position(waiting).unwrap_or(at);
            let at = if reordered { at } else { first };
            self.cluster.bug_happened |= reordered && at != first;
            if self.chance.once_in(80) {
                // The request is lost on its way, and so are those behind it: nobody knows.
                return self.lose(at, client);
            }
            let action = &mut self.under_way[at];
            let producer = &self.clients[client].producer;
            action.reply = Some(self.cluster.serve(&mut self.chance, &action.op, producer));
            return;
        }
        let action = self.under_way.remove(at);
        if self.chance.once_in(80) {
            self.history.info(self.now, action.invoked);
            self.clients[client].unsure(&action.op);
            return;
        }
        match action.reply.unwrap_or(Reply::Refused) {
            Reply::Refused => {
                self.history.fail(self.now, action.invoked);
                self.clients[client].refused(&action.op);
            }
            Reply::Done(op) => {
                self.history.ok_with(self.now, action.invoked, op.clone());
                self.clients[client].done(&op);
            }
        }
    }

    fn lose(&mut self, at: usize, client: usize) {
        let actions = std::mem::take(&mut self.under_way).into_iter().enumerate();
        let behind = |(index, action): &(usize, Action)| {
            action.client == client && action.reply.is_none() && *index >= at
        };
        let (lost, kept): (Vec<_>, Vec<_>) = actions.partition(behind);
        self.under_way = kept.into_iter().map(|(_, action)| action).collect();
        for (_, action) in lost {
            self.history.info(self.now, action.invoked);
            self.clients[client].unsure(&action.op);
        }
    }

    /// The client is replaced; what it had under way may still take effect.
    fn crash(&mut self, at: usize) {
        let process = self.clients[at].process;
        if self.clients[at].may_become_zombie() && self.chance.once_in(2) {
            // It is only cut off, and goes on beside its successor.
            let zombie = self.clients[at].clone();
            self.clients.push(zombie);
            let last = self.clients.len() - 1;
            for action in self.under_way.iter_mut().filter(|a| a.client == at) {
                action.client = last;
            }
        } else {
            let died = crate::history::Crash::Client;
            self.history.event(self.now, process, Kind::Info, died);
            for action in self.under_way.iter_mut().filter(|a| a.client == at) {
                action.client = usize::MAX;
            }
            let orphans = self.under_way.extract_if(.., |a| a.client == usize::MAX);
            let orphans: Vec<Action> = orphans.collect();
            for action in orphans {
                if action.reply.is_none() && self.chance.once_in(2) {
                    let producer = &self.clients[at].producer;
                    self.cluster.serve(&mut self.chance, &action.op, producer);
                }
            }
        }
        self.processes += 1;
        self.clients[at].reborn(self.processes);
    }

    /// All that is under way ends, transactions are decided, and readers read it all.
    fn heal(&mut self) {
        while !self.under_way.is_empty() {
            let at = self.chance.below(self.under_way.len());
            self.progress(at);
        }
        self.cluster.decide_all();
        self.cluster.lose_tail();
        self.history.event(self.now, 0, Kind::Info, Op::Healed {});
        let text = "drain".into();
        self.history.event(self.now, 0, Kind::Info, Note { text });
        for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted] {
            self.processes += 1;
            self.drain(isolation, self.processes);
        }
        self.now += 1;
    }

    fn drain(&mut self, isolation: Isolation, process: u32) {
        let mut drained = Drained {
            isolation,
            ..Drained::default()
        };
        for index in 0..self.cluster.logs.len() {
            let name = self.cluster.logs[index].name.clone();
            let mut bounds = DrainedPartition::new(0, 0);
            loop {
                let mut poll = Poll::new(isolation);
                let invoked = self.history.invoke(self.now, process, poll.clone());
                let read = PartitionRead::new(name.clone()).positions(bounds.end, bounds.end);
                let read = self.cluster.read(&mut self.chance, isolation, &read);
                let position = read.position.unwrap_or(bounds.end);
                bounds.high_watermark = read.high_watermark;
                bounds.last_stable = read.last_stable;
                poll.reads.push(read);
                self.history.ok_with(self.now, invoked, poll);
                if position == bounds.end {
                    break;
                }
                bounds.end = position;
            }
            drained.partitions.insert(name, bounds);
        }
        self.tell(process, drained);
    }
}
