//! When the engine must be woken, and for whom.

use once_coordinator::machine::{Millis, Waiter};
use std::collections::{BTreeMap, BTreeSet};

/// Who asked to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Alarm {
    /// A transaction shard's timer.
    Transactions(usize),
    /// A group shard's timer.
    Groups(usize),
    /// A parked call's deadline.
    Call(Waiter),
    /// Producer ids without a recent write are forgotten.
    ExpireProducers,
    /// Old records go.
    Retain,
    /// A log is compacted.
    Clean,
}

/// One alarm each, by time.
#[derive(Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Millis, Alarm)>,
    by_alarm: BTreeMap<Alarm, Millis>,
}

impl Timers {
    /// Sets, moves or removes an alarm.
    pub(crate) fn set(&mut self, alarm: Alarm, at: Option<Millis>) {
        let before = match at {
            Some(at) => self.by_alarm.insert(alarm, at),
            None => self.by_alarm.remove(&alarm),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, alarm));
        }
        if let Some(at) = at {
            self.by_time.insert((at, alarm));
        }
    }

    /// The earliest alarm.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes one alarm that is due.
    pub(crate) fn due(&mut self, now: Millis) -> Option<Alarm> {
        let (at, alarm) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.set(alarm, None);
        Some(alarm)
    }
}
