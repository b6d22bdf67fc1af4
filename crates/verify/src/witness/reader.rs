//! A reader of everything, from the beginning and on, by its own assignment.

use std::time::Duration;

use once_check::history::{Assign, Crash, Kind, Poll};
use once_client::{Consumer, Engine, Error as ClientError, Isolation};

use super::group::{by_partition, name, seen};
use super::load::{Client, RESTART_PAUSE};
use super::recorder::Witness;

/// How long a poll waits for records.
const POLL: Duration = Duration::from_millis(100);

/// Reads until told to stop.
pub(super) async fn run<E: Engine>(mut client: Client<E>) {
    while !client.is_stopped() {
        let witness = client.recorder.client();
        if let Err(error) = incarnation(&client, &witness).await {
            witness.met(&error);
            client.pause(RESTART_PAUSE).await;
        }
        witness.event(Kind::Info, Crash::Client);
    }
}

async fn incarnation<E: Engine>(client: &Client<E>, witness: &Witness) -> Result<(), ClientError> {
    let isolation = if client.number.is_multiple_of(2) {
        Isolation::ReadCommitted
    } else {
        Isolation::ReadUncommitted
    };
    let config = client.consumer_config(isolation);
    let mut consumer = client.engine.consumer(&config)?;
    let partitions = client.options.topics.partitions();
    let assign = Assign::at(partitions.iter().map(|partition| (name(partition), 0)));
    witness.event(Kind::Ok, assign);
    consumer.assign(&partitions).await?;
    let mut outcome = Ok(());
    while outcome.is_ok() && !client.is_stopped() {
        outcome = poll(witness, &mut consumer, isolation, POLL)
            .await
            .map(drop);
    }
    outcome.and(consumer.close().await)
}

/// One poll, written down; how many records came.
pub(super) async fn poll(
    witness: &Witness,
    consumer: &mut impl Consumer,
    isolation: Isolation,
    timeout: Duration,
) -> Result<usize, ClientError> {
    let poll = Poll::new(seen(isolation));
    let id = witness.invoke(poll.clone());
    match consumer.poll(timeout).await {
        Ok(records) => {
            witness.read(records.len());
            let reads = by_partition(&records);
            witness.ok_with(id, Poll { reads, ..poll });
            Ok(records.len())
        }
        Err(error) => {
            witness.unknown(id);
            Err(error)
        }
    }
}
