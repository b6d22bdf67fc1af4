//! Fences: what may leave only once something is durable.
//!
//! A fence names a log and an end offset; it opens when the log is flushed that far. An action is
//! held until all of its fences are open. Replies wait for what they wrote *and* for what they
//! read, so that no client ever hears of a state that a crash then takes back.

use super::ids::LogId;
use std::collections::BTreeMap;

/// Opens when `log` is flushed up to `end` (exclusive).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fence {
    pub(crate) log: LogId,
    pub(crate) end: i64,
}

struct Held<A> {
    closed: usize,
    action: A,
}

/// Actions behind fences. Released actions keep the order in which they were held.
pub(crate) struct Fences<A> {
    next: u64,
    held: BTreeMap<u64, Held<A>>,
    by_log: BTreeMap<LogId, BTreeMap<(i64, u64), ()>>,
}

impl<A> Default for Fences<A> {
    fn default() -> Self {
        Self {
            next: 0,
            held: BTreeMap::new(),
            by_log: BTreeMap::new(),
        }
    }
}

impl<A> Fences<A> {
    /// Holds `action` behind `fences`, all of them closed. With none, it is the caller's to do
    /// at once and comes back.
    pub(crate) fn hold(&mut self, fences: &[Fence], action: A) -> Option<A> {
        if fences.is_empty() {
            return Some(action);
        }
        let id = self.next;
        self.next += 1;
        for fence in fences {
            self.by_log
                .entry(fence.log)
                .or_default()
                .insert((fence.end, id), ());
        }
        let closed = fences.len();
        self.held.insert(id, Held { closed, action });
        None
    }

    /// `log` is flushed up to `end`: the actions whose last fence this opens, in order.
    pub(crate) fn flushed(&mut self, log: LogId, end: i64) -> Vec<A> {
        let Some(waiting) = self.by_log.get_mut(&log) else {
            return Vec::new();
        };
        let later = waiting.split_off(&(end + 1, 0));
        let opened = std::mem::replace(waiting, later);
        if waiting.is_empty() {
            self.by_log.remove(&log);
        }
        let mut ids: Vec<u64> = opened.into_keys().map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.open_one(id)).collect()
    }

    /// `log` is gone: nothing can wait for it any more.
    pub(crate) fn forget(&mut self, log: LogId) -> Vec<A> {
        self.flushed(log, i64::MAX - 1)
    }

    fn open_one(&mut self, id: u64) -> Option<A> {
        let held = self.held.get_mut(&id)?;
        held.closed -= 1;
        if held.closed > 0 {
            return None;
        }
        self.held.remove(&id).map(|held| held.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LogId = LogId(1);
    const B: LogId = LogId(2);

    #[test]
    fn an_action_waits_for_its_last_fence() {
        let mut fences = Fences::default();
        let both = [Fence { log: A, end: 5 }, Fence { log: B, end: 3 }];
        assert_eq!(fences.hold(&both, "reply"), None);
        assert_eq!(fences.flushed(A, 4), Vec::<&str>::new());
        assert_eq!(fences.flushed(A, 5), Vec::<&str>::new());
        assert_eq!(fences.flushed(B, 9), vec!["reply"]);
    }

    #[test]
    fn actions_leave_in_the_order_they_were_held() {
        let mut fences = Fences::default();
        fences.hold(&[Fence { log: A, end: 2 }], "first");
        fences.hold(&[Fence { log: A, end: 1 }], "second");
        assert_eq!(fences.flushed(A, 2), vec!["first", "second"]);
    }

    #[test]
    fn a_log_that_is_gone_holds_nothing_back() {
        let mut fences = Fences::default();
        fences.hold(&[Fence { log: A, end: 100 }], "reply");
        assert_eq!(fences.forget(A), vec!["reply"]);
    }
}
