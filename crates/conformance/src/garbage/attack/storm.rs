//! Connections made and reset, with or without a word.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use super::super::ground::Ground;
use super::crowd;
use crate::rng::Rng;

const ATTACKERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(4);

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    crowd(ATTACKERS, &ground, &rng, |_, ground, mut rng| async move {
        while Instant::now() < until {
            if let Some(mut stream) = ground.connect().await {
                let len = rng.below(32);
                let _ = stream.write_all(&rng.bytes(len)).await;
            }
            sleep(PAUSE).await;
        }
    })
    .await;
}
