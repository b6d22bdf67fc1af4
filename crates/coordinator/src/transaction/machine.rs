//! The machine: its state, and which file decides what.

use std::collections::{BTreeMap, BTreeSet};

use once_wire::error::ErrorCode;

use super::codec;
use super::command::{Command, Effect, Event, Reply, RetryMemory, TransactionConfig, Wait};
use super::state::{TransactionMetadata, TransactionState};
use crate::ids::TopicPartition;
use crate::machine::{
    DamagedRecord, Decision, LogRecord, Machine, Millis, ProducerIdentity, Waiter,
};

/// The coordinator of one partition of `__transaction_state`.
#[derive(Clone, PartialEq, Debug)]
pub struct Transactions {
    pub(super) config: TransactionConfig,
    pub(super) coordinator_epoch: i32,
    pub(super) entries: BTreeMap<String, Entry>,
    /// When which id wants a tick: one element for each entry whose `wake` is set.
    pub(super) timers: BTreeSet<(Millis, String)>,
}

/// One transactional id.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Entry {
    /// Durable.
    pub(super) metadata: TransactionMetadata,
    /// Volatile.
    pub(super) memory: RetryMemory,
    /// Requests that wait for the completion, in order of arrival. Volatile; empty unless the
    /// state is prepared.
    pub(super) parked: Vec<Parked>,
    /// This id's element of `timers`.
    pub(super) wake: Option<Millis>,
}

/// A request that waits.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Parked {
    pub(super) waiter: Waiter,
    pub(super) until: Millis,
    pub(super) wait: Wait,
}

impl Transactions {
    /// A coordinator that knows no id, leading its partition in `coordinator_epoch`.
    #[must_use]
    pub fn new(config: TransactionConfig, coordinator_epoch: i32) -> Self {
        Self {
            config,
            coordinator_epoch,
            entries: BTreeMap::new(),
            timers: BTreeSet::new(),
        }
    }

    /// The markers that a restart finds owing: one effect for each prepared transaction. Some
    /// markers may be written twice by it, which partitions bear.
    #[must_use]
    pub fn resume(&self) -> Vec<Effect> {
        let prepared = self
            .entries
            .iter()
            .filter(|(_, e)| e.metadata.state.is_prepared());
        prepared
            .map(|(id, entry)| self.markers(id, &entry.metadata))
            .collect()
    }

    /// Every partition of every transaction that is open or not wholly ended, with its producer id:
    /// an open transaction found elsewhere has no coordinator.
    pub fn open_partitions(&self) -> impl Iterator<Item = (i64, &TopicPartition)> {
        self.entries.values().flat_map(|entry| {
            let producer_id = entry.metadata.producer.id;
            let partitions = entry.metadata.partitions.iter();
            partitions.map(move |partition| (producer_id, partition))
        })
    }

    /// The state without what a restart forgets: what replaying the log must give.
    #[must_use]
    pub fn durable(&self) -> Self {
        let mut durable = self.clone();
        durable.timers.clear();
        for (id, entry) in &mut durable.entries {
            entry.memory = RetryMemory::default();
            entry.parked.clear();
            entry.wake = entry.next_wake(&self.config);
            durable.timers.extend(entry.wake.map(|at| (at, id.clone())));
        }
        durable
    }

    /// The effect that a Prepare record demands.
    pub(super) fn markers(&self, transactional_id: &str, prepared: &TransactionMetadata) -> Effect {
        assert!(
            prepared.state.is_prepared(),
            "markers belong to a decided transaction"
        );
        Effect::WriteMarkers {
            transactional_id: transactional_id.to_owned(),
            producer: prepared.producer,
            commit: prepared.state == TransactionState::PrepareCommit,
            partitions: prepared.partitions.iter().cloned().collect(),
            coordinator_epoch: self.coordinator_epoch,
            transaction_version: prepared.client_version,
        }
    }

    /// Whether `producer` may write to `partition` in its open transaction: what a transactional
    /// Produce or TxnOffsetCommit asks (Kafka: verify-only AddPartitionsToTxn). Callers ask in
    /// the same step in which they append, so that no marker can come between.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING: id unknown, or another producer's. PRODUCER_FENCED: epoch is
    /// not the current one. CONCURRENT_TRANSACTIONS: already decided. TRANSACTION_ABORTABLE: the
    /// partition was not added.
    pub fn verify(
        &self,
        transactional_id: &str,
        producer: ProducerIdentity,
        partition: &TopicPartition,
    ) -> Result<(), ErrorCode> {
        let metadata = &self.held_by(transactional_id, producer)?.metadata;
        if metadata.state.is_prepared() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        // Only an open transaction has partitions here.
        if metadata.partitions.contains(partition) {
            Ok(())
        } else {
            Err(ErrorCode::TransactionAbortable)
        }
    }

    /// The entry of `transactional_id`, if `producer` is its holder.
    pub(super) fn held_by(
        &self,
        transactional_id: &str,
        producer: ProducerIdentity,
    ) -> Result<&Entry, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        match self.entries.get(transactional_id) {
            None => Err(ErrorCode::InvalidProducerIdMapping),
            Some(e) if e.metadata.producer.id != producer.id => {
                Err(ErrorCode::InvalidProducerIdMapping)
            }
            // The last epoch is never a client's: it stays free for fencing (Kafka: `isEpochExhausted`).
            Some(e)
                if e.metadata.producer.epoch != producer.epoch || producer.epoch == i16::MAX =>
            {
                Err(ErrorCode::ProducerFenced)
            }
            Some(entry) => Ok(entry),
        }
    }

    /// The event that keeps `waiter` until the transaction completes.
    pub(super) fn park(&self, id: &str, waiter: Waiter, now: Millis, wait: Wait) -> Event {
        Event::Parked {
            transactional_id: id.to_owned(),
            waiter,
            until: now.saturating_add(self.config.park_ms),
            wait,
        }
    }
}

impl Machine for Transactions {
    type Command = Command;
    type Event = Event;
    type Reply = Reply;
    type Effect = Effect;

    fn decide(&self, now: Millis, waiter: Waiter, command: &Command) -> Decision<Self> {
        match command {
            Command::Init {
                transactional_id,
                timeout_ms,
                expected,
                fresh_producer_id,
            } => {
                let ask = super::init::Ask {
                    timeout_ms: *timeout_ms,
                    expected: *expected,
                    fresh_producer_id: *fresh_producer_id,
                };
                self.init(now, waiter, transactional_id, ask)
            }
            Command::AddPartitions {
                transactional_id,
                producer,
                partitions,
                client_version,
            } => {
                let result = self.add(
                    now,
                    transactional_id,
                    *producer,
                    partitions,
                    *client_version,
                );
                let (events, result) = match result {
                    Ok(events) => (events, Ok(())),
                    Err(error) => (Vec::new(), Err(error)),
                };
                let replies = vec![(waiter, Reply::AddPartitions(result))];
                Decision {
                    events,
                    replies,
                    effects: Vec::new(),
                }
            }
            Command::End {
                transactional_id,
                producer,
                commit,
                client_version,
            } => self.end(
                now,
                waiter,
                transactional_id,
                *producer,
                *commit,
                *client_version,
            ),
            Command::MarkersWritten {
                transactional_id,
                producer,
            } => self.complete(now, transactional_id, *producer),
            Command::Tick => self.tick(now),
        }
    }

    fn apply(&mut self, offset: i64, event: &Event) {
        self.apply_event(offset, event);
    }

    fn deadline(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn encode(event: &Event) -> Option<LogRecord> {
        codec::encode(event)
    }

    fn decode(
        record: &LogRecord,
        _producer: Option<ProducerIdentity>,
    ) -> Result<Option<Event>, DamagedRecord> {
        codec::decode(record)
    }
}
