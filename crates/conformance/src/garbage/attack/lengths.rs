//! Frames whose announced length is absurd, and first bytes of other protocols, which read as one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::ground::{Ground, Outcome};
use super::crowd;
use crate::rng::Rng;

const ATTACKERS: usize = 4;
/// By then the broker must have closed a connection whose next frame cannot come.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// What is announced, and whether Kafka closes the connection at once: it does where the length is
/// negative or above `socket.request.max.bytes`, 100 MiB by default.
const ANNOUNCED: [(i32, bool); 10] = [
    (-1, true),
    (-2, true),
    (i32::MIN, true),
    (i32::MAX, true),
    ((100 << 20) + 1, true),
    (0x4745_5420, true), // "GET "
    (0x1603_0100, true), // a TLS handshake
    (100 << 20, false),
    (0, false),
    (7, false),
];

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    crowd(ATTACKERS, &ground, &rng, |_, ground, mut rng| async move {
        while Instant::now() < until {
            let (announced, closes) = *rng.pick(&ANNOUNCED);
            let follows = rng.below(200);
            let bytes = [&announced.to_be_bytes()[..], &rng.bytes(follows)].concat();
            attack(&ground, announced, closes, &bytes).await;
            sleep(PAUSE).await;
        }
    })
    .await;
}

async fn attack(ground: &Ground, announced: i32, closes: bool, bytes: &[u8]) {
    let Some(mut stream) = ground.connect().await else {
        return;
    };
    let patience = if closes {
        PATIENCE
    } else {
        Duration::from_millis(50)
    };
    let outcome = ground.exchange(&mut stream, bytes, patience).await;
    if closes && outcome != Outcome::Closed {
        ground.find("absurd lengths not refused", || {
            format!("a frame of {announced} bytes: {outcome:?}")
        });
    }
}
