//! The driver loop: an input goes into the engine, its outputs go out to the world.
//!
//! One mutex makes steps and the dispatch of their outputs one sequence, so writes to a log reach
//! its thread in the order in which the engine made them. Dispatching never blocks: it puts
//! things into queues.

use super::budget::Budget;
use super::clock::Clock;
use super::connection::Sender;
use super::disk::DiskThreads;
use super::panic::EndOnPanic;
use crate::api::BatchRules;
use crate::engine::{ConnectionId, Engine, Input, Output};
use crate::storage::Work;
use once_log::store::RealDisk;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

struct Inner {
    /// Closed for good: nothing that still comes in may write.
    finished: bool,
    engine: Engine,
    connections: BTreeMap<ConnectionId, Sender>,
}

/// The engine and its hands.
pub(crate) struct Driver {
    inner: Mutex<Inner>,
    clock: Clock,
    disk: DiskThreads,
    budget: Arc<Budget>,
    /// Rung when the engine's deadline may have moved.
    alarm: Notify,
    /// As the engine said last: asked before each request, without its lock.
    recompresses: AtomicBool,
    me: Weak<Driver>,
}

impl Driver {
    /// Takes over an engine.
    pub(crate) fn new(
        engine: Engine,
        clock: Clock,
        disk: DiskThreads,
        budget: Arc<Budget>,
    ) -> Arc<Self> {
        let recompresses = AtomicBool::new(engine.recompresses());
        Arc::new_cyclic(|me| Self {
            inner: Mutex::new(Inner {
                finished: false,
                engine,
                connections: BTreeMap::new(),
            }),
            clock,
            disk,
            budget,
            alarm: Notify::new(),
            recompresses,
            me: Weak::clone(me),
        })
    }

    /// The memory that requests and answers share.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The log threads.
    pub(crate) fn disk(&self) -> &DiskThreads {
        &self.disk
    }

    /// A client connected; its answers go to `sender`.
    pub(crate) fn connect(&self, id: ConnectionId, peer: std::net::SocketAddr, sender: Sender) {
        let mut inner = self.lock();
        inner.connections.insert(id, sender);
        self.run(&mut inner, Input::Connected(id, peer));
    }

    /// A client is gone.
    pub(crate) fn disconnect(&self, id: ConnectionId) {
        let mut inner = self.lock();
        inner.connections.remove(&id);
        self.run(&mut inner, Input::Disconnected(id));
    }

    /// What holds for a topic's batches; `None` if there is no such topic.
    pub(crate) fn batch_rules(&self, topic: &str) -> Option<BatchRules> {
        self.lock().engine.batch_rules(topic)
    }

    /// Whether some topic may store batches in another codec than they come in.
    pub(crate) fn recompresses(&self) -> bool {
        self.recompresses.load(Ordering::Relaxed)
    }

    /// One step.
    pub(crate) fn step(&self, input: Input) {
        self.run(&mut self.lock(), input);
    }

    /// Begins: outputs of recovery go out.
    pub(crate) fn begin(&self, outputs: Vec<Output>) {
        let mut inner = self.lock();
        self.dispatch_all(&mut inner, outputs);
    }

    /// Waits until what recovery wrote is flushed: markers of prepared transactions, the first
    /// block of producer ids. Only then may clients come.
    pub(crate) fn settle(&self) {
        while !self.lock().engine.is_flushed() {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }

    /// Lets what is under way come to its end, and the engine make its last outputs, for a clean
    /// stop.
    pub(crate) fn finish(&self) {
        self.settle();
        let mut inner = self.lock();
        inner.connections.clear();
        inner.finished = true;
        let last = inner.engine.close();
        self.dispatch_all(&mut inner, last);
    }

    /// Sleeps until the engine wants a tick, for ever.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            let deadline = self.lock().engine.deadline();
            let alarm = self.alarm.notified();
            match deadline.map(|at| at - self.clock.now()) {
                Some(wait) if wait <= 0 => self.step(Input::Tick),
                Some(wait) => {
                    let wait = std::time::Duration::from_millis(wait.unsigned_abs());
                    let _ = tokio::time::timeout(wait, alarm).await;
                }
                None => alarm.await,
            }
        }
    }

    fn run(&self, inner: &mut Inner, input: Input) {
        if inner.finished {
            return;
        }
        let _ends_with_a_panic = EndOnPanic;
        inner.engine.set_room(self.budget.room());
        let before = inner.engine.deadline();
        let outputs = inner.engine.step(self.clock.now(), input);
        let recompresses = inner.engine.recompresses();
        self.recompresses.store(recompresses, Ordering::Relaxed);
        self.dispatch_all(inner, outputs);
        let after = inner.engine.deadline();
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.alarm.notify_one();
        }
    }

    /// What a step wants of the disk goes there as one: it is recovered wholly or not at all.
    fn dispatch_all(&self, inner: &mut Inner, outputs: Vec<Output>) {
        let step = outputs.into_iter();
        let step = step.filter_map(|output| self.dispatch(inner, output));
        self.disk.carry_out(step.collect());
    }

    /// Carries out what is not for the disk's files, and returns what is.
    fn dispatch(&self, inner: &mut Inner, output: Output) -> Option<Work<RealDisk>> {
        match output {
            Output::Reply { connection, frames } => {
                if let Some(sender) = inner.connections.get(&connection) {
                    sender.reply(frames);
                }
            }
            Output::Close { connection, reason } => {
                tracing::info!(connection = connection.0, "closing: {reason}");
                inner.connections.remove(&connection);
            }
            Output::Open {
                log,
                topic,
                topic_id,
                partition,
            } => {
                return Some(self.disk.open(log, topic, topic_id, partition));
            }
            Output::Write { log, writes, end } => return Some(Work::Write(log, writes, end)),
            Output::Compact { log, plan } => return Some(Work::Compact(log, plan)),
            Output::Start { log, start } => return Some(Work::Start(log, start)),
            Output::Read { read, log, look } => {
                if let Some(driver) = self.me.upgrade() {
                    self.disk.read(driver, read, log, look);
                }
            }
            Output::Measure => {
                if let Some(driver) = self.me.upgrade() {
                    self.disk.measure(driver);
                }
            }
            Output::Remove { log } => return self.disk.remove(log),
            Output::Warn(text) => tracing::warn!("{text}"),
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Poisoned only on the way out of a process that `EndOnPanic` ends.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
