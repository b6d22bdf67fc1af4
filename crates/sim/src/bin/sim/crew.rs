//! Seeds on all cores. Each is played by one thread from its beginning to its end, so that what it
//! does depends on nothing but itself.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Plays seeds in ascending order on so many threads. What comes of each goes to `take`, one at a
/// time, in the order in which they end; when it says false no further seed is begun.
pub(crate) fn play<T: Send>(
    seeds: Range<u64>,
    threads: usize,
    play: impl Fn(u64) -> T + Sync,
    take: impl FnMut(u64, T) -> bool + Send,
) {
    let next = AtomicU64::new(seeds.start);
    let stopped = AtomicBool::new(false);
    let take = Mutex::new(take);
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = play(seed);
            let mut take = take.lock().unwrap_or_else(PoisonError::into_inner);
            if !take(seed, played) {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_played_once() {
        let mut sum = 0;
        play(
            3..103,
            4,
            |seed| seed,
            |_, seed| {
                sum += seed;
                true
            },
        );
        assert_eq!(sum, (3..103).sum::<u64>());
    }

    #[test]
    fn who_is_told_to_stop_has_played_all_seeds_before() {
        let mut played = Vec::new();
        play(
            0..1_000_000,
            4,
            |seed| seed,
            |seed, _| {
                played.push(seed);
                seed < 50
            },
        );
        played.sort_unstable();
        assert!(played.len() < 1_000_000);
        assert_eq!(played, (0..played.len() as u64).collect::<Vec<_>>());
    }
}
