//! One test per law of the transaction coordinator.

mod bytes;
mod ending;
mod producers;
mod random;
mod time;

use once_wire::error::ErrorCode;

use super::*;
use crate::ids::TopicPartition;
use crate::machine::{Decision, Machine, Millis, ProducerIdentity, Waiter};
use crate::rig::Rig;

const ID: &str = "app";
const TIMEOUT_MS: i32 = 60_000;

/// A coordinator under test, with a source of producer ids.
struct Bench {
    rig: Rig<Transactions>,
    now: Millis,
    next_producer_id: i64,
}

impl Bench {
    fn new() -> Self {
        Self::with(TransactionConfig::default())
    }

    fn with(config: TransactionConfig) -> Self {
        let rig = Rig::new(Transactions::new(config, 7), Transactions::durable);
        Self {
            rig,
            now: 1_000,
            next_producer_id: 100,
        }
    }

    fn run(&mut self, command: &Command) -> (Waiter, Decision<Transactions>) {
        self.rig.step(self.now, command)
    }

    fn init_as(&mut self, expected: Option<ProducerIdentity>) -> (Waiter, Decision<Transactions>) {
        self.next_producer_id += 1;
        self.run(&Command::Init {
            transactional_id: ID.into(),
            timeout_ms: TIMEOUT_MS,
            expected,
            fresh_producer_id: self.next_producer_id,
        })
    }

    /// InitProducerId that is answered at once.
    fn init_now(
        &mut self,
        expected: Option<ProducerIdentity>,
    ) -> Result<ProducerIdentity, ErrorCode> {
        let (waiter, decision) = self.init_as(expected);
        match decision.replies[..] {
            [(to, Reply::Init(result))] if to == waiter => result,
            _ => panic!("not answered at once: {decision:?}"),
        }
    }

    fn init(&mut self) -> ProducerIdentity {
        self.init_now(None).expect("a plain start is granted")
    }

    fn add(&mut self, producer: ProducerIdentity, partition: i32) -> Result<(), ErrorCode> {
        let command = Command::AddPartitions {
            transactional_id: ID.into(),
            producer,
            partitions: vec![TopicPartition::new("t", partition)],
            client_version: TransactionVersion::V0,
        };
        let (waiter, decision) = self.run(&command);
        assert!(decision.effects.is_empty());
        match decision.replies[..] {
            [(to, Reply::AddPartitions(result))] if to == waiter => result,
            _ => panic!("not answered at once: {decision:?}"),
        }
    }

    fn end(
        &mut self,
        producer: ProducerIdentity,
        commit: bool,
    ) -> (Waiter, Decision<Transactions>) {
        self.run(&Command::End {
            transactional_id: ID.into(),
            producer,
            commit,
            client_version: TransactionVersion::V0,
        })
    }

    /// EndTxn that is answered at once.
    fn end_now(
        &mut self,
        producer: ProducerIdentity,
        commit: bool,
    ) -> Result<ProducerIdentity, ErrorCode> {
        let (waiter, decision) = self.end(producer, commit);
        match decision.replies[..] {
            [(to, Reply::End(result))] if to == waiter => result,
            _ => panic!("not answered at once: {decision:?}"),
        }
    }

    /// What the marker effect of the prepared transaction leads to.
    fn markers_written(&mut self) -> Decision<Transactions> {
        let effects = self.rig.live.resume();
        let [
            Effect::WriteMarkers {
                transactional_id,
                producer,
                ..
            },
        ] = &effects[..]
        else {
            panic!("not one prepared transaction: {effects:?}");
        };
        let command = Command::MarkersWritten {
            transactional_id: transactional_id.clone(),
            producer: *producer,
        };
        self.run(&command).1
    }

    /// A whole transaction on partition 0.
    fn transact(&mut self, producer: ProducerIdentity, commit: bool) {
        self.add(producer, 0).expect("partitions are added");
        self.end(producer, commit);
        self.markers_written();
    }

    fn tick(&mut self, at: Millis) -> Decision<Transactions> {
        self.now = at;
        self.run(&Command::Tick).1
    }

    fn stored(&self) -> &TransactionMetadata {
        self.rig.live.describe(ID).expect("the id is stored")
    }

    fn verify(&self, producer: ProducerIdentity, partition: i32) -> Result<(), ErrorCode> {
        self.rig
            .live
            .verify(ID, producer, &TopicPartition::new("t", partition))
    }

    /// Puts the id where `change` takes it, by way of the log.
    fn force(&mut self, change: impl FnOnce(&mut TransactionMetadata)) {
        let mut metadata = self.stored().clone();
        change(&mut metadata);
        self.rig.apply(&[Event::Stored {
            transactional_id: ID.into(),
            metadata,
        }]);
    }
}

fn epoch(producer: ProducerIdentity, epoch: i16) -> ProducerIdentity {
    ProducerIdentity {
        id: producer.id,
        epoch,
    }
}
