//! Valid requests, one byte at a time. They are no harm: each must be answered once it is whole.

use std::sync::Arc;
use std::time::Duration;

use once_wire::ApiKey;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use super::super::ground::{Ground, Outcome};
use super::super::mutate::frame;
use super::super::samples::Sample;
use super::crowd;
use crate::rng::Rng;

const SENDERS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);
/// The law, as it is told when broken.
const LAW: &str = "slow senders not answered";
/// What is asked: small requests that any broker answers at once.
const ASKED: [(ApiKey, i16); 3] = [
    (ApiKey::ApiVersions, 3),
    (ApiKey::Metadata, 9),
    (ApiKey::ListOffsets, 6),
];

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    crowd(
        SENDERS,
        &ground,
        &rng,
        |number, ground, mut rng| async move {
            while Instant::now() < until {
                // Every fourth stops in the middle, and holds on until the end.
                if number % 4 == 3 {
                    stall(&ground, &mut rng, until).await;
                } else {
                    ask(&ground, &mut rng, until).await;
                }
            }
        },
    )
    .await;
}

fn request(ground: &Ground, rng: &mut Rng) -> (&'static Sample, i16, Vec<u8>) {
    let (api, version) = *rng.pick(&ASKED);
    let sample = Sample::of(api).expect("these three have samples");
    let content = sample
        .content(&ground.scene, version, 1)
        .expect("every sample can be written");
    (sample, version, frame(content.len(), &content))
}

async fn ask(ground: &Ground, rng: &mut Rng, until: Instant) {
    let (sample, version, bytes) = request(ground, rng);
    let Some(mut stream) = ground.connect().await else {
        return;
    };
    // The whole takes half a second to three.
    let pause = Duration::from_millis(500 + rng.below(2_500) as u64) / bytes.len() as u32;
    for byte in bytes.chunks(1) {
        if stream.write_all(byte).await.is_err() {
            ground.refused(1);
            ground.find(LAW, || format!("{}: closed", sample.api));
            return;
        }
        sleep(pause).await;
        if Instant::now() >= until {
            return;
        }
    }
    let outcome = ground.outcome(&mut stream, PATIENCE).await;
    ground.count(&outcome);
    match outcome {
        Outcome::Answer(answer) => {
            if let Err(error) = sample.check(answer, version, 1) {
                ground.find("malformed answers", || error.to_string());
            }
        }
        outcome => ground.find(LAW, || format!("{}: {outcome:?}", sample.api)),
    }
}

async fn stall(ground: &Ground, rng: &mut Rng, until: Instant) {
    let (_, _, bytes) = request(ground, rng);
    if let Some(mut stream) = ground.connect().await {
        let part = &bytes[..rng.below(bytes.len())];
        let _ = stream.write_all(part).await;
        tokio::time::sleep_until(until).await;
    }
}
