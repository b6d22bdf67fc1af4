//! Act 3: a transaction whose records are stored, and which is then aborted.

use once_client::{NewRecord, Producer};

use super::Sabotage;
use super::stage::{self, Stage, send_all};
use crate::error::Error;

/// Records of the transaction.
const RECORDS: u64 = 6;

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    let topic = stage.topic("withdrawals", 3).await?;
    let producer = stage.transactional(&stage.name("withdraw")).await?;
    producer.begin_transaction()?;
    let records = (0..RECORDS)
        .map(|n| NewRecord::new(&topic, format!("withdrawal-{n}")).partition((n % 3) as i32));
    let sent = send_all(&producer, records).await?;
    stage.say(format!(
        "{sent} records are flushed: the broker has stored and acknowledged them."
    ));
    if stage.is_sabotaged(Sabotage::Abort) {
        producer.commit_transaction().await?;
    } else {
        producer.abort_transaction().await?;
    }
    stage.say("The transaction is aborted. Its records stay in the log, and markers say they do not count.");
    let seen = stage.settled(&[&topic]).await?;
    stage.claim("aborted: read_committed sees", 0, seen.committed);
    stage.claim("aborted: read_uncommitted sees", sent, seen.uncommitted);
    stage::close(&producer).await;
    Ok(())
}
