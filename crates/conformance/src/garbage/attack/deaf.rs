//! Requests one after the other on a connection whose answers nobody reads: each answer may be a
//! MiB.

use std::sync::Arc;
use std::time::Duration;

use once_wire::ApiKey;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::ground::Ground;
use super::super::mutate::frame;
use super::crowd;
use crate::calls::fetch_request;
use crate::link::content;
use crate::rng::Rng;

const CONNECTIONS: usize = 100;
/// So much of requests, or until the broker reads no more of them.
const REQUESTS: usize = 20_000;
const STUCK: Duration = Duration::from_secs(1);

pub(super) async fn run(ground: Arc<Ground>, until: Instant) {
    crowd(
        CONNECTIONS,
        &ground,
        &Rng::new(0),
        |_, ground, _| async move {
            let fetch = fetch_request(&ground.fat, 0, 0, 1 << 20);
            let content = content(ApiKey::Fetch, 12, 1, &fetch).expect("version 12 carries this");
            // A hundred at a time.
            let requests = frame(content.len(), &content).repeat(100);
            let Some(mut stream) = ground.connect().await else {
                return;
            };
            for _ in 0..REQUESTS / 100 {
                match timeout(STUCK, stream.write_all(&requests)).await {
                    Ok(Ok(())) if Instant::now() < until => {}
                    Ok(Ok(())) | Err(_) => break,
                    Ok(Err(_)) => return ground.refused(1),
                }
            }
            sleep_until(until).await;
        },
    )
    .await;
}
