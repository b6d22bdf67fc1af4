//! Drives a machine as the engine does, and holds it to the laws of [`crate::machine`].

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::machine::{Decision, LogRecord, Machine, Millis, ProducerIdentity, Waiter};

/// The durable records of one decision: what one record batch holds.
type Batch = Vec<(LogRecord, Option<ProducerIdentity>)>;

/// A machine with its log.
pub(crate) struct Rig<M: Machine> {
    pub(crate) live: M,
    blank: M,
    forget: fn(&M) -> M,
    batches: Vec<Batch>,
    waiters: u64,
}

impl<M: Machine + Clone + PartialEq + Debug> Rig<M> {
    /// Starts from `blank`. `forget` gives the state without what only volatile events made.
    pub(crate) fn new(blank: M, forget: fn(&M) -> M) -> Self {
        Self {
            live: blank.clone(),
            blank,
            forget,
            batches: Vec::new(),
            waiters: 0,
        }
    }

    /// Decides and applies `command`, then checks that replaying the log gives the live state.
    pub(crate) fn step(&mut self, now: Millis, command: &M::Command) -> (Waiter, Decision<M>) {
        let waiter = Waiter(self.waiters);
        self.waiters += 1;
        let decision = self.live.decide(now, waiter, command);
        self.apply(&decision.events);
        assert_eq!(
            self.replay(self.batches.len()),
            (self.forget)(&self.live),
            "replay ≠ live"
        );
        for tombstones in [true, false] {
            assert_eq!(
                self.replay_compacted(tombstones),
                (self.forget)(&self.live),
                "replay of the compacted log ≠ live; with tombstones: {tombstones}"
            );
        }
        (waiter, decision)
    }

    /// Appends and applies events that no command led to.
    pub(crate) fn apply(&mut self, events: &[M::Event]) {
        let mut offset = self.end();
        let mut batch = Batch::new();
        for event in events {
            let Some(record) = M::encode(event) else {
                self.live.apply(-1, event);
                continue;
            };
            let producer = M::producer(event);
            assert_eq!(
                M::decode(&record, producer).as_ref(),
                Ok(&Some(event.clone()))
            );
            self.live.apply(offset, event);
            batch.push((record, producer));
            offset += 1;
        }
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }

    /// The state that recovery finds when only the first `batches` are durable.
    pub(crate) fn replay(&self, batches: usize) -> M {
        self.fold((0..).zip(self.batches[..batches].iter().flatten()))
    }

    /// The state that recovery finds when of each key only the last record is left, a tombstone or not. A record
    /// without a key is in no compacted log.
    fn replay_compacted(&self, tombstones: bool) -> M {
        let mut last = BTreeMap::new();
        for (offset, (record, _)) in (0..).zip(self.batches.iter().flatten()) {
            last.insert(record.key.as_ref(), offset);
        }
        let kept = (0..).zip(self.batches.iter().flatten());
        self.fold(kept.filter(|(offset, (record, _))| {
            let is_last = last.get(&record.key.as_ref()) == Some(offset);
            record.key.is_none() || (is_last && (tombstones || record.value.is_some()))
        }))
    }

    fn fold<'a>(
        &self,
        records: impl Iterator<Item = (i64, &'a (LogRecord, Option<ProducerIdentity>))>,
    ) -> M {
        let mut machine = self.blank.clone();
        for (offset, (record, producer)) in records {
            let event = M::decode(record, *producer).expect("our own record decodes");
            machine.apply(offset, &event.expect("our own record is known"));
        }
        machine
    }

    /// The rig that a crash leaves when only the first `batches` are durable.
    pub(crate) fn crashed(&self, batches: usize) -> Self {
        Self {
            live: self.replay(batches),
            blank: self.blank.clone(),
            forget: self.forget,
            batches: self.batches[..batches].to_vec(),
            waiters: self.waiters,
        }
    }

    /// How many batches the log holds.
    pub(crate) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// The offset of the next record.
    fn end(&self) -> i64 {
        self.batches.iter().map(Vec::len).sum::<usize>() as i64
    }
}
