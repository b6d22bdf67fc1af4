//! Act 5: a producer that was thought dead comes back, after another has taken over its id.

use once_client::{Isolation, NewRecord, Producer};

use super::Sabotage;
use super::stage::{self, Stage, send_all};
use crate::error::Error;

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    let topic = stage.topic("transfers", 1).await?;
    let id = stage.name("teller");
    let zombie = stage.transactional(&id).await?;
    zombie.begin_transaction()?;
    send_all(
        &zombie,
        [NewRecord::new(&topic, "transfer by the first teller")],
    )
    .await?;
    stage.say(
        "A first producer has a record stored in its open transaction, and then falls silent.",
    );
    let second = if stage.is_sabotaged(Sabotage::Fencing) {
        stage.name("other")
    } else {
        id
    };
    let successor = stage.transactional(&second).await?;
    successor.begin_transaction()?;
    send_all(
        &successor,
        [NewRecord::new(&topic, "transfer by the second teller")],
    )
    .await?;
    successor.commit_transaction().await?;
    stage.say(
        "A second one takes over its transactional.id and commits. Now the first one comes back.",
    );
    let outcome = zombie.commit_transaction().await;
    let found = match &outcome {
        Ok(()) => "committed",
        Err(error) if error.is_fenced() => "fenced",
        Err(_) => "failed otherwise",
    };
    if let Err(error) = outcome {
        stage.say(format!("  it is told: {error}"));
    }
    stage.claim("the zombie's commit", "fenced", found);
    stage.reader.settle(&topic).await?;
    let visible = stage.reader.read(&topic, Isolation::ReadCommitted).await?;
    let by = |who: &[u8]| {
        visible
            .iter()
            .filter(|r| r.value.as_deref() == Some(who))
            .count()
    };
    let (first, second) = (
        by(b"transfer by the first teller"),
        by(b"transfer by the second teller"),
    );
    stage.claim("read_committed sees of the zombie", 0, first);
    stage.claim("read_committed sees of its successor", 1, second);
    stage::close(&zombie).await;
    stage::close(&successor).await;
    Ok(())
}
