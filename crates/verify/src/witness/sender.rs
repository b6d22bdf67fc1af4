//! An idempotent producer: numbered records, many under way at once.

use std::time::Duration;

use once_check::history::{Partition, Producer as Who, SendRecord};
use once_client::{Engine, Error as ClientError, NewRecord, Producer};
use tokio::time::Instant;

use super::load::{Client, RESTART_PAUSE};
use super::payload::payload;
use super::recorder::Witness;

/// The most records that are sent before their acknowledgements are waited for.
const CHUNK_MOST: u64 = 100;

/// Sends until told to stop. A producer that meets an error is followed by another one.
pub(super) async fn run<E: Engine>(mut client: Client<E>) {
    let started = Instant::now();
    let mut sent = 0;
    while !client.is_stopped() {
        let witness = client.recorder.client();
        if let Err(error) = incarnation(&mut client, &witness, started, &mut sent).await {
            witness.met(&error);
            client.pause(RESTART_PAUSE).await;
        }
    }
}

async fn incarnation<E: Engine>(
    client: &mut Client<E>,
    witness: &Witness,
    started: Instant,
    sent: &mut u64,
) -> Result<(), ClientError> {
    let producer = client.engine.producer(&client.producer_config())?;
    let mut outcome = Ok(());
    while outcome.is_ok() && !client.is_stopped() {
        let records = 1 + client.chance.below(CHUNK_MOST);
        outcome = chunk(client, witness, &producer, records).await;
        *sent += records;
        let due = Duration::from_micros(*sent * 1_000_000 / client.options.rate.max(1));
        let wait = (started + due).saturating_duration_since(Instant::now());
        client.pause(wait).await;
    }
    // Nobody waits for what is left: its outcome is open.
    outcome.and(producer.close(Duration::from_secs(5)).await)
}

/// Sends so many records and waits for what becomes of each.
async fn chunk<E: Engine>(
    client: &mut Client<E>,
    witness: &Witness,
    producer: &E::Producer,
    records: u64,
) -> Result<(), ClientError> {
    let mut acks = Vec::new();
    for _ in 0..records {
        let topic = client.options.topics.input.clone();
        let index = client
            .chance
            .below(client.options.topics.partitions.unsigned_abs().into());
        let index = i32::try_from(index).unwrap_or(0);
        let op = SendRecord::new(Partition::new(&*topic, index), witness.fresh_value());
        acks.push(send(witness, producer, op.by(Who::default())).await?);
    }
    for ack in acks {
        ack.settle(witness).await?;
    }
    Ok(())
}

/// A record whose acknowledgement is not here yet.
pub(super) struct Sent {
    id: Option<once_check::history::OpId>,
    op: SendRecord,
    ack: once_client::Ack,
}

/// Sends a record; its partition and its number are in `op`.
pub(super) async fn send(
    witness: &Witness,
    producer: &impl Producer,
    op: SendRecord,
) -> Result<Sent, ClientError> {
    let number = match &op.value {
        once_check::history::Value::Number(number) => *number,
        once_check::history::Value::Text(_) => 0,
    };
    let record = NewRecord::new(&*op.partition.topic, payload(number))
        .partition(op.partition.index)
        .key(number.to_string());
    let id = witness.invoke(op.clone());
    match producer.send(record).await {
        Ok(ack) => Ok(Sent { id, op, ack }),
        Err(error) => {
            witness.unknown(id);
            Err(error)
        }
    }
}

impl Sent {
    /// Waits for what becomes of it.
    pub(super) async fn settle(self, witness: &Witness) -> Result<(), ClientError> {
        match self.ack.await {
            Ok(appended) => {
                witness.acknowledged();
                let offset = Some(appended.offset).filter(|offset| *offset >= 0);
                witness.ok_with(self.id, SendRecord { offset, ..self.op });
                Ok(())
            }
            Err(error) => {
                witness.unknown(self.id);
                Err(error)
            }
        }
    }
}
