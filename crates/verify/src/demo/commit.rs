//! Act 2: one transaction over two topics, committed.

use once_client::{NewRecord, Producer};

use super::Sabotage;
use super::stage::{self, Stage, send_all};
use crate::error::Error;

/// Records in each of the two topics.
const RECORDS: u64 = 6;

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    let orders = stage.topic("orders", 3).await?;
    let payments = stage.topic("payments", 3).await?;
    let topics = [&orders, &payments];
    let producer = stage.transactional(&stage.name("checkout")).await?;
    producer.begin_transaction()?;
    let records = topics.into_iter().flat_map(|topic| {
        (0..RECORDS)
            .map(move |n| NewRecord::new(topic, format!("order-{n}")).partition((n % 3) as i32))
    });
    let sent = send_all(&producer, records).await?;
    stage.say(format!(
        "{sent} records are stored, {RECORDS} in each of two topics, in one open transaction."
    ));
    let before = stage.seen(&topics).await?;
    stage.claim(
        "before the commit: read_committed sees",
        0,
        before.committed,
    );
    stage.claim(
        "before the commit: read_uncommitted sees",
        sent,
        before.uncommitted,
    );
    if stage.is_sabotaged(Sabotage::Commit) {
        producer.abort_transaction().await?;
    } else {
        producer.commit_transaction().await?;
    }
    stage.say("The transaction is committed.");
    for (topic, what) in [(&orders, "orders"), (&payments, "payments")] {
        let after = stage.settled(&[topic]).await?;
        let what = format!("after the commit: read_committed sees in {what}");
        stage.claim(&what, RECORDS, after.committed);
    }
    stage::close(&producer).await;
    Ok(())
}
