//! Each thing that a request asks about, once.
//!
//! A request may name the same topic or group thousands of times in few bytes; an answer for each
//! would be larger than any bound on requests. Kafka makes sets of some (Metadata); here all are.

use std::collections::BTreeSet;

/// The items in their order, without those whose key came before.
pub(crate) fn distinct<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> impl Iterator<Item = T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(move |item| seen.insert(key(item)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_stays_in_its_place() {
        let items = [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5)];
        let once: Vec<_> = distinct(items, |(name, _)| *name).collect();
        assert_eq!(once, [("b", 1), ("a", 2), ("c", 4)]);
    }
}
