//! What a request names more than once. Requests name many thousands of things: no list is searched anew for
//! each of them.

use std::collections::BTreeMap;

/// How often each thing is named.
pub(super) fn times<'a, T, K: Ord>(
    things: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> BTreeMap<K, usize> {
    let mut times = BTreeMap::new();
    for thing in things {
        *times.entry(key(thing)).or_default() += 1;
    }
    times
}

/// Each thing where it is named first, and whether it is named again.
pub(super) fn once_each<'a, T, K: Ord>(
    things: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> impl Iterator<Item = (&'a T, bool)> {
    let mut left = times(things, &key);
    things
        .iter()
        .filter_map(move |thing| Some((thing, left.remove(&key(thing))? > 1)))
}

#[cfg(test)]
mod tests {
    use super::{once_each, times};
    use std::cell::Cell;
    use std::cmp::Ordering;

    #[test]
    fn each_thing_comes_once_in_the_order_of_the_request() {
        let found: Vec<_> = once_each(&["b", "a", "b", "c", "b"], |name| *name).collect();
        assert_eq!(found, [(&"b", true), (&"a", false), (&"c", false)]);
        assert_eq!(times(&["b", "a", "b"], |name| *name)["b"], 2);
    }

    /// A key that counts how often it is compared.
    struct Counted<'a>(usize, &'a Cell<usize>);

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    impl Eq for Counted<'_> {}

    impl PartialOrd for Counted<'_> {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Counted<'_> {
        fn cmp(&self, other: &Self) -> Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    #[test]
    fn many_things_cost_little_more_than_reading_them() {
        let comparisons = Cell::new(0);
        let things: Vec<_> = (0..10_000).collect();
        let found = once_each(&things, |thing| Counted(*thing, &comparisons));
        assert_eq!(found.count(), 10_000);
        assert!(comparisons.get() < 1_000_000, "{}", comparisons.get());
    }
}
