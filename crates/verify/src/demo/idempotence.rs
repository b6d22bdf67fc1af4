//! Act 1: an acknowledgement is lost after the append, and the producer retries.

use once_client::{Confluent, Engine, Isolation, NewRecord, Producer, ProducerConfig};
use once_wire::ApiKey;
use once_wire::message::produce_request::ProduceRequest;

use super::Sabotage;
use super::stage::{self, Stage};
use crate::error::Error;
use crate::proxy::{Dropped, Proxy};

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    stage.say(
        "A proxy stands between producer and broker. It lets one record through, and when the",
    );
    stage.say(
        "broker has stored it and says so, it closes the connection instead of passing that on.",
    );
    stage.say("To the producer the record may be lost, so it sends it again.");
    let idempotent = !stage.is_sabotaged(Sabotage::Idempotence);
    let copies = lose_one_acknowledgement(stage, "idempotent", idempotent).await?;
    stage.claim("with idempotence: copies stored", 1, copies);
    stage.say("The same once more, with enable.idempotence=false.");
    let copies = lose_one_acknowledgement(stage, "plain", false).await?;
    stage.claim("without idempotence: copies stored", 2, copies);
    Ok(())
}

/// Sends one record whose first acknowledgement is dropped, and counts what is stored.
async fn lose_one_acknowledgement(
    stage: &mut Stage<'_>,
    what: &str,
    idempotent: bool,
) -> Result<u64, Error> {
    let topic = stage.topic(&format!("payments-{what}"), 1).await?;
    let proxy = Proxy::start(&stage.options.bootstrap)?;
    let config = ProducerConfig::new(proxy.bootstrap());
    let config = if idempotent {
        config
    } else {
        config.without_idempotence()
    };
    let producer = Confluent.producer(&config)?;
    let dropping = proxy.drop_next(ApiKey::Produce);
    let ack = producer
        .send(NewRecord::new(&topic, "payment-100").key("user-1"))
        .await?;
    producer.flush().await?;
    let acknowledged = ack.await?;
    stage::close(&producer).await;
    if let Some(dropped) = dropping.happened().await {
        stage.say(describe(&dropped));
    }
    stage.say(format!(
        "  the producer sent it again and was told: stored at offset {}",
        acknowledged.offset
    ));
    let evidence = |answered, dropped| format!("{answered} answered, {dropped} dropped");
    let found = evidence(
        proxy.answered(ApiKey::Produce),
        proxy.dropped(ApiKey::Produce),
    );
    let claim = format!("{what}: Produce requests at the proxy");
    stage.claim(&claim, evidence(2, 1), found);
    stage.reader.count(&topic, Isolation::ReadUncommitted).await
}

/// What the dropped acknowledgement said.
fn describe(dropped: &Dropped) -> String {
    let Dropped {
        api,
        version,
        correlation_id,
        broker,
        ..
    } = dropped;
    let partition = dropped
        .response::<ProduceRequest>()
        .ok()
        .and_then(|response| {
            let mut topics = response.responses.into_iter();
            topics.next()?.partition_responses.into_iter().next()
        });
    let said = partition.map_or_else(
        || "what it said cannot be read".to_owned(),
        |partition| match partition.error_code {
            0 => format!("it said: stored at offset {}", partition.base_offset),
            code => format!("it said: error {code}"),
        },
    );
    format!(
        "  proxy: dropped the {api} v{version} response {correlation_id} of broker {broker}; {said}"
    )
}
