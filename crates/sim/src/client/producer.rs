//! The idempotent producer.

use super::flight::Flight;
use super::records::Payload;
use super::setup::{Coordinates, PATIENCE, find_coordinator};
use super::{KEYED, Port, TOPICS};
use once_check::history::{Init, Kind, Name, Op, Partition, Producer};
use once_wire::error::ErrorCode;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;

/// Asks for an identity until there is one, as `initTransactions` and an idempotent producer's
/// start do. `current` is the identity to go on from (KIP-360).
///
/// # Errors
/// A refusal that no retry heals.
pub(crate) async fn init(
    port: &Port,
    transactional_id: Option<&Name>,
    timeout_ms: i32,
    current: Option<(i64, i16)>,
) -> Result<(i64, i16), ErrorCode> {
    let (producer_id, producer_epoch) = current.unwrap_or((-1, -1));
    let request = InitProducerIdRequest {
        transactional_id: transactional_id.map(|id| id.to_string()),
        transaction_timeout_ms: timeout_ms,
        producer_id,
        producer_epoch,
        ..Default::default()
    };
    let mut producer = Producer {
        transactional_id: transactional_id.cloned(),
        ..Default::default()
    };
    if let Some(id) = transactional_id {
        find_coordinator(port, Coordinates::Transactions, id).await;
    }
    let invoked = port.invoke(Op::Init(Init {
        producer: producer.clone(),
    }));
    loop {
        let link = port.connect().await;
        while let Ok(response) = port.call(link, 4, &request, PATIENCE).await {
            let code = ErrorCode::from_code(response.error_code).unwrap_or_default();
            if code == ErrorCode::None {
                let identity = (response.producer_id, response.producer_epoch);
                producer.producer_id = Some(identity.0);
                producer.epoch = Some(identity.1);
                let op = Op::Init(Init { producer });
                port.complete(invoked, Kind::Ok, Some(op));
                port.close(link);
                return Ok(identity);
            }
            if !code.is_retriable() {
                port.complete(invoked, Kind::Info, None);
                port.close(link);
                return Err(code);
            }
            port.sleep(20_000).await;
        }
        port.close(link);
    }
}

/// Writes so many batches to random partitions of the input and of the compacted topic.
pub(crate) async fn idempotent(port: Port, operations: u32, partitions: i32) {
    let identity = match init(&port, None, 60_000, None).await {
        Ok(identity) => identity,
        Err(code) => return port.found(format!("an idempotent producer's start: {code}")),
    };
    let mut flight = Flight::new(port.clone(), identity, None);
    let mut left = operations;
    let more = |flight: &mut Flight| {
        if left == 0 || port.is_ending() {
            return false;
        }
        left -= 1;
        let topic = *port.random().pick(&[TOPICS[0], KEYED]);
        let partition = random_partition(&port, topic, partitions);
        let records = payloads(&port, 3);
        flight.push(&partition, records, None);
        true
    };
    if let Err(refused) = flight.fly(more).await {
        port.found(format!("an idempotent producer was refused: {}", refused.0));
    }
    flight.give_up();
}

/// A partition of a topic.
pub(crate) fn random_partition(port: &Port, topic: &str, partitions: i32) -> Partition {
    let index = port
        .random()
        .below(u64::try_from(partitions).expect("some"));
    Partition::new(topic, i32::try_from(index).expect("a few"))
}

/// Some fresh records, `most` at most.
pub(crate) fn payloads(port: &Port, most: u64) -> Vec<Payload> {
    let count = port.random().between(1, most);
    let payload = |_| Payload {
        value: port.fresh_value(),
        weight: port.random().index(120),
        input: None,
        key: None,
        tombstone: false,
    };
    (0..count).map(payload).collect()
}
