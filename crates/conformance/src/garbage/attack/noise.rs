//! Random bytes, bare or in a frame of their own size.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::ground::Ground;
use super::super::mutate::frame;
use super::crowd;
use crate::rng::Rng;

const ATTACKERS: usize = 6;
const PATIENCE: Duration = Duration::from_millis(100);
/// Spares the ports: each connection is a new one.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    crowd(ATTACKERS, &ground, &rng, |_, ground, mut rng| async move {
        while Instant::now() < until {
            let noise = noise(&mut rng);
            if let Some(mut stream) = ground.connect().await {
                ground.exchange(&mut stream, &noise, PATIENCE).await;
            }
            sleep(PAUSE).await;
        }
    })
    .await;
}

fn noise(rng: &mut Rng) -> Vec<u8> {
    // Mostly small, sometimes up to 64 KiB.
    let most = 1 << (3 + rng.below(14));
    let len = 1 + rng.below(most);
    let bytes = rng.bytes(len);
    match rng.below(3) {
        0 => bytes,
        1 => frame(bytes.len(), &bytes),
        // In a frame, and with an API key and a version that may exist.
        _ => {
            let mut bytes = bytes;
            for (at, below) in [(0, 1), (1, 93), (2, 1), (3, 20)] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.below(below) as u8;
                }
            }
            frame(bytes.len(), &bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_comes_in_all_sizes() {
        let mut rng = Rng::new(1);
        let sizes: Vec<usize> = (0..1000).map(|_| noise(&mut rng).len()).collect();
        assert!(sizes.iter().any(|size| *size < 16));
        assert!(sizes.iter().any(|size| *size > 16 << 10));
        assert!(
            sizes
                .iter()
                .all(|size| *size <= (64 << 10) + 4 && *size > 0)
        );
    }
}
