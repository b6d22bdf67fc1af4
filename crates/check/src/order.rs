//! The version order of a partition: which value lies at which offset, as far as anybody knows.
//!
//! Offsets come from reads, whoever read, and from acknowledgements. Gaps mean nothing: markers
//! take offsets, and so do records that nobody saw.

/// A value at an offset; `send` is the number of the send that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) offset: i64,
    pub(crate) send: u32,
}

/// Entries by offset, each once. More than one of an offset is an anomaly.
#[derive(Debug, Default)]
pub(crate) struct Order {
    entries: Vec<Entry>,
}

impl Order {
    /// Adds what was seen; [`Self::settle`] makes an order of it.
    pub(crate) fn add(&mut self, offset: i64, send: u32) {
        let entry = Entry { offset, send };
        if self.entries.last() != Some(&entry) {
            self.entries.push(entry);
        }
    }

    /// Sorts what was added.
    pub(crate) fn settle(&mut self) {
        if !self.entries.is_sorted() {
            // Stable: what several readers read are sorted runs, and those merge quickly.
            self.entries.sort();
        }
        self.entries.dedup();
    }

    /// All of them, by offset.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those from `from` on and below `to`.
    pub(crate) fn between(&self, from: i64, to: i64) -> &[Entry] {
        let begin = self.entries.partition_point(|entry| entry.offset < from);
        let rest = &self.entries[begin..];
        // Most gaps are empty or small: look from near.
        let length = rest.iter().take_while(|entry| entry.offset < to).count();
        &rest[..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_sorted_whatever_the_order_of_observation() {
        let mut order = Order::default();
        for (offset, send) in [(5, 1), (2, 0), (5, 1), (9, 2), (2, 0)] {
            order.add(offset, send);
        }
        order.settle();
        let offsets = |entries: &[Entry]| entries.iter().map(|e| e.offset).collect::<Vec<_>>();
        assert_eq!(offsets(order.entries()), [2, 5, 9]);
        assert_eq!(offsets(order.between(3, 9)), [5]);
        assert_eq!(offsets(order.between(9, 3)), Vec::<i64>::new());
    }
}
