//! Producer ids: taken from blocks, each durable in the catalog before its first id is used.
//!
//! A restart skips what was left of a block, so that no id is ever given twice
//! (Kafka: `ProducerIdManager`, `ProducerIdsBlock`).

use std::ops::Range;

/// Ids in a block.
pub const BLOCK_SIZE: i64 = 1_000;

/// A further block is wanted when fewer than this many ids are left, so that it is durable by
/// the time the first one is needed.
const LOW_WATER: i64 = BLOCK_SIZE / 10;

/// The block that begins at `next`.
pub(crate) fn block_from(next: i64) -> Range<i64> {
    let end = next
        .checked_add(BLOCK_SIZE)
        .expect("2^63 producer ids are not used up");
    next..end
}

/// Producer ids at hand. Not part of any log: what it holds is lost at a restart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerIds {
    current: Range<i64>,
    following: Range<i64>,
}

impl ProducerIds {
    /// Adds a block that is durable.
    ///
    /// # Panics
    /// There are two blocks already: nobody asked for this one.
    pub fn refill(&mut self, block: Range<i64>) {
        if self.current.is_empty() {
            self.current = std::mem::take(&mut self.following);
        }
        if self.current.is_empty() {
            self.current = block;
            return;
        }
        assert!(
            self.following.is_empty(),
            "a block is asked for when one is wanted"
        );
        self.following = block;
    }

    /// Whether it is time to ask the catalog for a block.
    #[must_use]
    pub fn wants_block(&self) -> bool {
        self.following.is_empty() && self.current.end - self.current.start < LOW_WATER
    }

    /// An id that nobody had; `None` if none is at hand. The client is then told
    /// COORDINATOR_LOAD_IN_PROGRESS, and asks again.
    pub fn take(&mut self) -> Option<i64> {
        self.current.next().or_else(|| {
            self.current = std::mem::take(&mut self.following);
            self.current.next()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_order_and_none_comes_twice() {
        let mut ids = ProducerIds::default();
        assert_eq!(ids.take(), None);
        let mut next = 0;
        for _ in 0..3_500 {
            if ids.wants_block() {
                let block = block_from(next);
                next = block.end;
                ids.refill(block);
            }
            ids.take().expect("there is always a block in time");
        }
        assert_eq!(ids.take(), Some(3_500));
    }

    #[test]
    fn a_block_is_wanted_before_the_last_one_is_used_up() {
        let mut ids = ProducerIds::default();
        assert!(ids.wants_block());
        ids.refill(0..1_000);
        for _ in 0..900 {
            ids.take();
        }
        assert!(!ids.wants_block());
        ids.take();
        assert!(ids.wants_block());
        ids.refill(5_000..6_000);
        assert!(!ids.wants_block());
        let rest: Vec<i64> = std::iter::from_fn(|| ids.take()).collect();
        assert_eq!(rest.len(), 1_099);
        assert_eq!((rest[98], rest[99]), (999, 5_000));
    }
}
