//! One step of the engine.

use super::action::Action;
use super::additions::Addition;
use super::asked::Asked;
use super::cleaner::Cleaner;
use super::context::Context;
use super::fence::{Fence, Fences};
use super::fetch_sessions::FetchSessions;
use super::identity::Identity;
use super::ids::{ConnectionId, LogId, ReadId};
use super::input::{Input, RequestInput};
use super::logs::Logs;
use super::metadata::Summary;
use super::order::Order;
use super::output::{Look, Output};
use super::session::Sessions;
use super::shard::Shard;
use super::space::Space;
use super::succession::Succession;
use super::timers::{Alarm, Timers};
use super::waiting::{RequestInfo, Waiting, WaitingCall};
use crate::api::{Outcome, Wake};
use crate::config::Config;
use once_coordinator::catalog::Catalog;
use once_coordinator::group::{self, Groups};
use once_coordinator::machine::{Machine, Millis, Waiter};
use once_coordinator::producer_id::ProducerIds;
use once_coordinator::transaction::{self, Transactions};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// All of a broker's state. See the module above for its place.
pub struct Engine {
    pub(super) config: Arc<Config>,
    pub(super) identity: Identity,
    pub(super) entropy: u128,
    pub(super) uuids_made: u64,
    pub(super) now: Millis,
    pub(super) logs: Logs,
    pub(super) next_log: u64,
    pub(super) catalog: Shard<Catalog>,
    pub(super) transactions: Vec<Shard<Transactions>>,
    pub(super) groups: Vec<Shard<Groups>>,
    pub(super) producer_ids: ProducerIds,
    pub(super) producer_ids_ordered: bool,
    pub(super) sessions: Sessions,
    pub(super) order: Order,
    pub(super) waiting: Waiting,
    pub(super) timers: Timers,
    pub(super) fetch_sessions: FetchSessions,
    /// Bytes that answers may take now.
    pub(super) room: usize,
    /// File reads that are under way.
    pub(super) asked: Asked,
    pub(super) cleaner: Cleaner,
    pub(super) succession: Succession,
    /// Partitions that transactions have, but not durably yet.
    pub(super) additions: BTreeSet<Addition>,
    pub(super) topics_changed: bool,
    pub(super) recompresses: bool,
    /// Bytes of recent records that each log keeps in memory.
    pub(super) tail_share: usize,
    pub(super) outputs: Vec<Output>,
    pub(super) space: Space,
    pub(super) summary: Summary,
    pub(super) fences: Fences<Action>,
    pub(super) actions: VecDeque<Action>,
    next_waiter: u64,
    next_read: u64,
}

impl Engine {
    /// An engine over a catalog and the logs it owns; recovery is in `replay`.
    pub(super) fn over(
        config: Arc<Config>,
        identity: Identity,
        now: Millis,
        entropy: u128,
        logs: Logs,
        catalog: Catalog,
    ) -> Self {
        let fetch_sessions = FetchSessions::new(config.max_fetch_sessions);
        let space = Space::new(&config);
        Self {
            space,
            config,
            identity,
            now,
            entropy,
            uuids_made: 0,
            logs,
            next_log: LogId::METADATA.0,
            catalog: Shard {
                machine: catalog,
                log: LogId::METADATA,
            },
            transactions: Vec::new(),
            groups: Vec::new(),
            producer_ids: ProducerIds::default(),
            producer_ids_ordered: false,
            sessions: Sessions::default(),
            order: Order::default(),
            waiting: Waiting::default(),
            timers: Timers::default(),
            fetch_sessions,
            room: usize::MAX,
            asked: Asked::default(),
            cleaner: Cleaner::default(),
            succession: Succession::default(),
            additions: BTreeSet::new(),
            topics_changed: false,
            recompresses: false,
            tail_share: super::topics::TAIL_MOST,
            outputs: Vec::new(),
            fences: Fences::default(),
            summary: Summary::default(),
            actions: VecDeque::new(),
            next_waiter: 0,
            next_read: 0,
        }
    }

    /// Says how many bytes answers may take from now on, within the broker's memory budget.
    pub fn set_room(&mut self, bytes: usize) {
        self.room = bytes;
    }

    /// Takes one input at a time that never goes back, and says what is to be done.
    pub fn step(&mut self, now: Millis, input: Input) -> Vec<Output> {
        self.now = self.now.max(now);
        match input {
            Input::Connected(connection, peer) => self.sessions.open(connection, peer),
            Input::Request(request) => self.request(request),
            Input::Refused(connection, reason) => self.refuse(connection, reason),
            Input::Flushed(logs) => {
                for (log, end) in logs {
                    self.flushed(log, end);
                }
            }
            Input::Started(logs) => {
                for (log, start) in logs {
                    self.started(log, start);
                }
            }
            Input::Compacted(log, outcome) => self.compacted(log, outcome),
            Input::Read(read, result) => self.read_came(read, result),
            Input::Disconnected(connection) => self.forget(connection),
            Input::Space { free, total } => self.measured(free, total),
            Input::Tick => {}
        }
        self.ring();
        self.act();
        self.follow_topics();
        self.sum_up_catalog();
        self.look_at_the_disk();
        let outputs = std::mem::take(&mut self.outputs);
        self.succession.keep_back(outputs)
    }

    /// When [`Input::Tick`] is next wanted, if nothing else happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Something the operator should know.
    pub(super) fn warn(&mut self, text: String) {
        self.outputs.push(Output::Warn(text));
    }

    /// What one step writes is recovered wholly or not at all, because one entry of the journal
    /// holds it. Then what follows inside the broker need not wait for a flush; only what leaves
    /// does.
    #[must_use]
    pub fn is_atomic(&self) -> bool {
        self.config.has_journal()
    }

    /// Holds `action` until `fences` are open; at once if they are.
    pub(super) fn hold(&mut self, fences: &[Fence], action: Action) {
        if self.is_atomic() && action.is_internal() {
            self.actions.push_back(action);
            return;
        }
        let mut closed: Vec<Fence> = fences
            .iter()
            .filter(|fence| !self.logs.is_flushed(fence.log, fence.end))
            .filter(|_| !self.lets_pass(&action))
            .copied()
            .collect();
        closed.sort_unstable();
        closed.dedup();
        if let Some(action) = self.fences.hold(&closed, action) {
            self.actions.push_back(action);
        }
    }

    /// Asks for a file read.
    pub(super) fn ask_read(&mut self, log: LogId, look: Look) -> ReadId {
        let read = ReadId(self.next_read);
        self.next_read += 1;
        self.asked.insert(read, log, &look);
        self.outputs.push(Output::Read { read, log, look });
        read
    }

    /// A name for a request, or for a command that nobody waits for.
    pub(super) fn fresh_waiter(&mut self) -> Waiter {
        self.next_waiter += 1;
        Waiter(self.next_waiter)
    }

    /// The last writes before a clean stop: what makes the next start quick.
    pub fn close(&mut self) -> Vec<Output> {
        let mut outputs = std::mem::take(&mut self.outputs);
        for (log, partition) in self.logs.iter() {
            let (writes, end) = (partition.log.clean_close(), partition.log.end_offset());
            if !writes.is_empty() {
                outputs.push(Output::Write { log, writes, end });
            }
        }
        outputs
    }

    /// Sets the machines' alarms after recovery.
    pub(super) fn set_machine_alarms(&mut self) {
        for (index, shard) in self.transactions.iter().enumerate() {
            self.timers
                .set(Alarm::Transactions(index), shard.machine.deadline());
        }
        for (index, shard) in self.groups.iter().enumerate() {
            self.timers
                .set(Alarm::Groups(index), shard.machine.deadline());
        }
    }

    fn refuse(&mut self, connection: ConnectionId, reason: String) {
        let Some(number) = self.sessions.request(connection) else {
            return;
        };
        let leaving = self.sessions.refuse(connection, number, reason);
        self.depart(connection, leaving);
    }

    fn request(&mut self, input: RequestInput) {
        let Some(number) = self.sessions.request(input.connection) else {
            return;
        };
        let waiter = self.fresh_waiter();
        let request = RequestInfo {
            connection: input.connection,
            number,
            version: input.header.version,
            correlation_id: input.header.correlation_id,
            client_id: input.header.client_id,
            entropy: input.entropy,
        };
        let call = WaitingCall {
            request,
            call: input.call,
            watches: vec![],
            reads: BTreeSet::new(),
            moved: false,
            fences: vec![],
        };
        if let Some((waiter, call)) = self.order.arrive(waiter, call) {
            self.visit(waiter, call, None);
        }
    }

    /// Visits a call for the first time, or with what woke it.
    pub(super) fn visit(&mut self, waiter: Waiter, mut waiting: WaitingCall, wake: Option<Wake>) {
        let mut cx = Context::new(self, waiting.request.clone(), waiter);
        let outcome = match wake {
            None => waiting.call.start(&mut cx),
            Some(wake) => waiting.call.wake(&mut cx, wake),
        };
        let Context {
            fences,
            watches,
            reads,
            deadline,
            ..
        } = cx;
        waiting.fences.extend(fences);
        let request = waiting.request.clone();
        match outcome {
            Outcome::Early => self.order.block(request.connection, waiter),
            _ if self.order.decided(request.connection, waiter) => {
                self.actions.push_back(Action::GoOn(request.connection));
            }
            _ => {}
        }
        match outcome {
            Outcome::Reply(frames) => self.hold(&waiting.fences, Action::Reply(request, frames)),
            Outcome::Silent => self.hold(&waiting.fences, Action::Silence(request)),
            Outcome::Close(reason) => {
                let (connection, number) = (request.connection, request.number);
                let leaving = self.sessions.refuse(connection, number, reason);
                self.depart(connection, leaving);
            }
            Outcome::Parked | Outcome::Early => {
                waiting.watches = watches;
                self.waiting.park(waiter, waiting, reads);
                self.timers.set(Alarm::Call(waiter), deadline);
                return;
            }
        }
        self.waiting.forget_reads(&waiting.reads);
        self.timers.set(Alarm::Call(waiter), None);
    }

    /// Rings the alarms that are due.
    fn ring(&mut self) {
        while let Some(alarm) = self.timers.due(self.now) {
            let nobody = self.fresh_waiter();
            match alarm {
                Alarm::Transactions(shard) => {
                    self.run_transactions(shard, nobody, &transaction::Command::Tick);
                }
                Alarm::Groups(shard) => {
                    self.run_groups(shard, nobody, &group::Command::Tick);
                }
                Alarm::Call(waiter) => {
                    self.actions.push_back(Action::Wake(waiter, Wake::Deadline));
                }
                Alarm::ExpireProducers => self.expire_producers(),
                Alarm::Retain => self.retain(),
                Alarm::Clean => self.clean(),
            }
        }
    }

    /// Does what this step made possible, until nothing more follows.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Reply(request, frames) => {
                    let connection = request.connection;
                    let leaving = self.sessions.answer(connection, request.number, frames);
                    self.depart(connection, leaving);
                }
                Action::Silence(request) => {
                    let connection = request.connection;
                    let leaving = self.sessions.silence(connection, request.number);
                    self.depart(connection, leaving);
                }
                Action::Settle(waiter, settled) => self.revisit(waiter, Wake::Settled(settled)),
                Action::Wake(waiter, wake) => self.revisit(waiter, wake),
                Action::Remove(log) => self.remove_files(log),
                Action::Added(added) => self.added(&added),
                Action::GoOn(connection) => self.go_on(connection),
                Action::Refill(block) => self.refill_producer_ids(block),
                Action::Snapshot(state) => self.write_snapshot(state),
                Action::Effect { shard, effect } => self.begin(shard, effect),
                Action::MarkersFlushed { shard, command } => {
                    let nobody = self.fresh_waiter();
                    self.run_transactions(shard, nobody, &command);
                }
            }
        }
    }

    fn revisit(&mut self, waiter: Waiter, wake: Wake) {
        if let Some(call) = self.waiting.take(waiter) {
            self.visit(waiter, call, Some(wake));
        }
    }
}
