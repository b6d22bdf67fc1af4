//! The one queue: what happens next, by time, and at one time in the order in which it was said.

use std::collections::BTreeMap;

/// Microseconds since the simulation began.
pub type Micros = u64;

/// Events by (time, sequence).
#[derive(Debug)]
pub(crate) struct Queue<E> {
    events: BTreeMap<(Micros, u64), E>,
    next: u64,
    now: Micros,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            events: BTreeMap::new(),
            next: 0,
            now: 0,
        }
    }
}

impl<E> Queue<E> {
    /// The time of the event that came last.
    pub(crate) fn now(&self) -> Micros {
        self.now
    }

    /// `event` happens at `at`, or now if that is past.
    pub(crate) fn at(&mut self, at: Micros, event: E) {
        self.events.insert((at.max(self.now), self.next), event);
        self.next += 1;
    }

    /// `event` happens in `micros`.
    pub(crate) fn after(&mut self, micros: Micros, event: E) {
        self.at(self.now + micros, event);
    }

    /// What happens next; time moves there.
    pub(crate) fn pop(&mut self) -> Option<E> {
        let ((at, _), event) = self.events.pop_first()?;
        self.now = at;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_first_happens_first_at_one_time() {
        let mut queue = Queue::default();
        queue.at(5, "b");
        queue.at(3, "a");
        queue.at(5, "c");
        assert_eq!(
            std::iter::from_fn(|| queue.pop()).collect::<String>(),
            "abc"
        );
        queue.at(1, "late");
        assert_eq!((queue.pop(), queue.now()), (Some("late"), 5));
    }
}
