//! Consume, process, produce: a member of a group whose outputs and offsets are one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use once_check::history::{
    Crash, Isolation as Seen, Kind, Name, Partition, Poll, SendOffsets, Subscribe,
};
use once_client::{
    Consumer, Engine, Error as ClientError, Isolation, Offsets, Producer, Record, TopicPartition,
};

use tokio::time::sleep;

use super::group::{Standing, name};
use super::load::{Client, RESTART_PAUSE};
use super::recorder::Witness;
use super::sender::send;
use super::transactor::{Transactions, transactional};

/// How long a poll waits for records.
const POLL: Duration = Duration::from_millis(100);

/// Processes until told to stop. One that cannot go on is followed by another, which ends what it
/// left open.
pub(super) async fn run<E: Engine>(client: Client<E>) {
    let mut open = false;
    while open || !client.is_stopped() {
        let witness = client.recorder.client();
        let ended = incarnation(&client, &witness).await;
        open = ended.is_err();
        if let Err(error) = ended {
            witness.met(&error);
            sleep(RESTART_PAUSE).await;
        }
        witness.event(Kind::Info, Crash::Client);
    }
}

async fn incarnation<E: Engine>(client: &Client<E>, witness: &Witness) -> Result<(), ClientError> {
    let id: Name = client.named(&format!("cpp-{}", client.number)).into();
    let group = client.group();
    let config = transactional(client.producer_config(), client, &id);
    let producer = client.engine.producer(&config)?;
    let own = Transactions::new(witness, &id);
    own.init(&producer).await?;
    let config = client.consumer_config(Isolation::ReadCommitted);
    let config = config.group(&group);
    let config = config.set("max.poll.records", &client.options.batch.to_string());
    let mut consumer = client.engine.consumer(&config)?;
    let input = &client.options.topics.input;
    let subscribe = Subscribe {
        group: group.clone(),
        topics: vec![input.as_str().into()],
    };
    witness.event(Kind::Ok, subscribe);
    consumer.subscribe(&[input.as_str()]).await?;
    let mut processor = Processor {
        client,
        own,
        standing: Standing::new(witness, group.clone()),
        group,
        producer,
        consumer,
    };
    let outcome = processor.process().await;
    let closed = processor.consumer.close().await;
    let closed = closed.and(processor.producer.close(Duration::from_secs(5)).await);
    if let Err(error) = closed {
        tracing::debug!(%error, "closing a processor");
    }
    outcome
}

struct Processor<'c, E: Engine> {
    client: &'c Client<E>,
    own: Transactions<'c>,
    standing: Standing<'c>,
    group: Name,
    producer: E::Producer,
    consumer: E::Consumer,
}

impl<E: Engine> Processor<'_, E> {
    /// The loop of an exactly-once application, and its rule for errors: what can be aborted is
    /// aborted and read again; anything else ends this incarnation.
    async fn process(&mut self) -> Result<(), ClientError> {
        while !self.client.is_stopped() {
            let batch = self.poll().await?;
            if batch.is_empty() {
                continue;
            }
            self.own.begin(&self.producer)?;
            match self.transact(&batch).await {
                Ok(()) => {}
                Err(error @ ClientError::Abort(_)) => {
                    self.own.witness.met(&error);
                    self.own.end(&self.producer, false).await?;
                    self.standing.rewinds();
                    self.consumer.rewind().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Polls for the next transaction's inputs.
    async fn poll(&mut self) -> Result<Vec<Record>, ClientError> {
        let witness = self.own.witness;
        self.standing.follow(self.consumer.assignment());
        let poll = Poll {
            txn: Some(self.own.number + 1),
            ..Poll::new(Seen::ReadCommitted)
        };
        let id = witness.invoke(poll.clone());
        match self.consumer.poll(POLL).await {
            Ok(records) => {
                witness.read(records.len());
                let (on, again) = self.standing.sort(&records);
                let on = Poll {
                    reads: on,
                    ..poll.clone()
                };
                witness.ok_with(id, on);
                self.standing.came_again(&poll, again);
                Ok(records)
            }
            Err(error) => {
                witness.unknown(id);
                Err(error)
            }
        }
    }

    /// Each input becomes one record in each output; the offsets go with them.
    async fn transact(&mut self, batch: &[Record]) -> Result<(), ClientError> {
        let mut sent = Vec::new();
        for input in batch {
            let partition = name(&input.topic_partition());
            for output in &self.client.options.outputs {
                let index = input.partition % self.client.options.topics.partitions;
                let op = self.own.record(Partition::new(output.as_str(), index));
                let op = op.from_input(partition.at(input.offset));
                sent.push(send(self.own.witness, &self.producer, op).await?);
            }
        }
        for record in sent {
            record.settle(self.own.witness).await?;
        }
        self.send_offsets(&next_offsets(batch)).await?;
        self.own.end(&self.producer, true).await
    }

    async fn send_offsets(&mut self, offsets: &Offsets) -> Result<(), ClientError> {
        let op = SendOffsets {
            txn: self.own.number,
            producer: self.own.who(),
            group: self.group.clone(),
            offsets: offsets.iter().map(|(p, at)| (name(p), *at)).collect(),
        };
        let standing = self.consumer.group_metadata();
        let id = self.own.witness.invoke(op);
        let outcome = self.producer.send_offsets(offsets, &standing).await;
        self.own.witness.settle(id, &outcome);
        outcome
    }
}

/// Per partition the offset after the batch's last record.
fn next_offsets(batch: &[Record]) -> Offsets {
    let mut offsets: BTreeMap<TopicPartition, i64> = Offsets::new();
    for record in batch {
        let next = offsets.entry(record.topic_partition()).or_insert(0);
        *next = (*next).max(record.offset + 1);
    }
    offsets
}
