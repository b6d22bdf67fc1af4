//! A transactional producer: it commits, now and then aborts, and now and then dies.

use std::time::Duration;

use once_check::history::{
    Begin, Crash, Init, Kind, Name, Op, Partition, Producer as Who, SendRecord,
};
use once_client::{Engine, Error as ClientError, Producer, ProducerConfig};
use tokio::time::sleep;

use super::load::{Client, RESTART_PAUSE};
use super::recorder::Witness;
use super::sender::send;

/// The most records of a transaction.
const RECORDS_MOST: u64 = 12;
/// One transaction in so many is aborted.
const ABORTED: u64 = 4;
/// One in so many is left as it is by a producer that dies.
const LEFT: u64 = 40;
/// The longest that a producer waits between two transactions.
const PAUSE_MS: u64 = 40;
/// A commit or an abort whose outcome is open is asked for again so often.
const RETRIES: u32 = 200;

/// Runs transactions until told to stop. What one leaves open the next one ends, by taking the
/// transactional id over; so the last one leaves nothing.
pub(super) async fn run<E: Engine>(mut client: Client<E>) {
    let id: Name = client.named(&format!("txn-{}", client.number)).into();
    let mut open = false;
    while open || !client.is_stopped() {
        let witness = client.recorder.client();
        open = match incarnation(&mut client, &witness, &id).await {
            Ok(open) => open,
            Err(error) => {
                witness.met(&error);
                sleep(RESTART_PAUSE).await;
                true
            }
        };
        // Whether it was done or could not go on: the next one has another number.
        witness.event(Kind::Info, Crash::Client);
    }
}

/// True: it died in the middle of a transaction.
async fn incarnation<E: Engine>(
    client: &mut Client<E>,
    witness: &Witness,
    id: &Name,
) -> Result<bool, ClientError> {
    let config = transactional(client.producer_config(), client, id);
    let producer = client.engine.producer(&config)?;
    let mut own = Transactions::new(witness, id);
    let outcome = transactions(client, &mut own, &producer).await;
    // What it has under way is not waited for: its transaction stays as it is.
    let closed = producer.close(Duration::ZERO).await;
    if let Err(error) = closed {
        tracing::debug!(%error, "closing a transactional producer");
    }
    outcome
}

/// The settings of a producer of this transactional id.
pub(super) fn transactional<E: Engine>(
    config: ProducerConfig,
    client: &Client<E>,
    id: &Name,
) -> ProducerConfig {
    config
        .transactional(id)
        .transaction_timeout(client.options.transaction_timeout)
}

async fn transactions<E: Engine>(
    client: &mut Client<E>,
    own: &mut Transactions<'_>,
    producer: &E::Producer,
) -> Result<bool, ClientError> {
    own.init(producer).await?;
    while !client.is_stopped() {
        own.begin(producer)?;
        match one(client, own, producer).await {
            Ok(false) => return Ok(true),
            Ok(true) => {}
            Err(error @ ClientError::Abort(_)) => {
                own.witness.met(&error);
                own.end(producer, false).await?;
            }
            Err(error) => return Err(error),
        }
        let pause = Duration::from_millis(client.chance.below(PAUSE_MS));
        client.pause(pause).await;
    }
    Ok(false)
}

/// One transaction. False: the producer dies in the middle of it.
async fn one<E: Engine>(
    client: &mut Client<E>,
    own: &Transactions<'_>,
    producer: &E::Producer,
) -> Result<bool, ClientError> {
    let topic: Name = client.options.topics.transactions.as_str().into();
    let partitions = client.options.topics.partitions.unsigned_abs();
    let mut sent = Vec::new();
    for _ in 0..=client.chance.below(RECORDS_MOST) {
        let index = i32::try_from(client.chance.below(partitions.into())).unwrap_or(0);
        let op = own.record(Partition::new(topic.clone(), index));
        sent.push(send(own.witness, producer, op).await?);
    }
    if client.chance.one_in(LEFT) {
        return Ok(false);
    }
    for record in sent {
        record.settle(own.witness).await?;
    }
    let commit = !client.chance.one_in(ABORTED);
    own.end(producer, commit).await?;
    Ok(true)
}

/// The transactions of one process.
pub(super) struct Transactions<'w> {
    pub(super) witness: &'w Witness,
    who: Who,
    /// The number of the one that is open, or was open last.
    pub(super) number: u64,
}

impl<'w> Transactions<'w> {
    pub(super) fn new(witness: &'w Witness, id: &Name) -> Self {
        Self {
            witness,
            who: Who::transactional(id.clone()),
            number: 0,
        }
    }

    /// Takes the transactional id over.
    pub(super) async fn init(&self, producer: &impl Producer) -> Result<(), ClientError> {
        let init = Init {
            producer: self.who.clone(),
        };
        let id = self.witness.invoke(init);
        let mut outcome = producer.init_transactions().await;
        for _ in 1..RETRIES {
            if !outcome.as_ref().is_err_and(ClientError::is_retry) {
                break;
            }
            outcome = producer.init_transactions().await;
        }
        self.witness.settle(id, &outcome);
        outcome
    }

    pub(super) fn begin(&mut self, producer: &impl Producer) -> Result<(), ClientError> {
        self.number += 1;
        producer.begin_transaction()?;
        let begin = Begin {
            txn: self.number,
            producer: self.who.clone(),
        };
        self.witness.event(Kind::Ok, begin);
        Ok(())
    }

    /// A record of the transaction, not sent yet.
    pub(super) fn record(&self, partition: Partition) -> SendRecord {
        SendRecord::new(partition, self.witness.fresh_value())
            .txn(self.number)
            .by(self.who.clone())
    }

    /// Who they are.
    pub(super) fn who(&self) -> Who {
        self.who.clone()
    }

    /// Ends the transaction. While the outcome is open the same end is asked for again, which is the
    /// only allowed move.
    pub(super) async fn end(
        &self,
        producer: &impl Producer,
        commit: bool,
    ) -> Result<(), ClientError> {
        let mut tries = 0;
        loop {
            let (txn, who) = (self.number, self.who.clone());
            let op = if commit {
                Op::commit(txn, who)
            } else {
                Op::abort(txn, who)
            };
            let id = self.witness.invoke(op);
            let outcome = if commit {
                producer.commit_transaction().await
            } else {
                producer.abort_transaction().await
            };
            self.witness.settle(id, &outcome);
            tries += 1;
            match outcome {
                Err(error) if error.is_retry() && tries < RETRIES => self.witness.met(&error),
                Ok(()) => {
                    self.witness.ended(commit);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }
}
