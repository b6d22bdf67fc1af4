//! The end of a run: nothing breaks any more, what is under way ends, everything is read.

use super::crash::{NOBODY, PLANNED};
use super::{Event, Phase, World};
use crate::client::drain;
use once_check::history::{Isolation, Kind, Op};

impl World {
    /// Faults end; clients finish what they have under way.
    pub(super) fn heal(&mut self) {
        if self.phase != Phase::Work {
            return;
        }
        self.phase = Phase::Heal;
        self.say(format_args!("healing"));
        self.make_room();
        if self.disk.is_stopped() || self.life.is_none() {
            // Down, or as good as down: the next start is an undisturbed one.
            self.process_ends("before healing");
        } else if self.boot == 0 {
            // No crash came to pass: a run without one proves little.
            self.process_ends(PLANNED);
        } else {
            self.disk.stop_in(u64::MAX);
            self.disk.fail_sync_in(u64::MAX);
            self.disk.fail_write_in(u64::MAX);
        }
        for seat in 0..self.seats.len() {
            self.seats[seat].port.end();
            self.queue.after(0, Event::Client(seat, None));
        }
        if self.seats.iter().all(|seat| seat.task.is_none()) {
            self.queue.after(0, Event::Drain);
        }
        // Longer than every timeout of a transaction.
        self.queue.after(300_000_000, Event::Drain);
    }

    /// Two readers read everything.
    pub(super) fn drain(&mut self) {
        if self.phase != Phase::Heal {
            return;
        }
        if self.seats.iter().any(|seat| seat.task.is_some()) {
            return self.found(self.what_is_stuck());
        }
        self.phase = Phase::Drain;
        self.say(format_args!("draining"));
        let now = self.queue.now();
        let mut history = self.history.borrow_mut();
        history.event(now, NOBODY, Kind::Info, Op::Healed {});
        drop(history);
        for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted] {
            let port = self.fresh_port();
            let task = Box::pin(drain(port.clone(), isolation, self.plan.partitions));
            self.sit(port, task);
        }
        // A clock that was set back by an hour lets a transaction time out so much later.
        self.queue.after(5_000_000_000, Event::Over);
    }

    /// Who has not come to an end.
    pub(super) fn what_is_stuck(&self) -> String {
        let seats = self.seats.iter().enumerate();
        let stuck: Vec<String> = seats
            .filter(|(_, seat)| seat.task.is_some())
            .map(|(number, _)| match self.plan.clients.get(number) {
                Some(role) => format!("client {number} ({role:?})"),
                None => format!("client {number} (reads everything)"),
            })
            .collect();
        format!("{:?}: no end of {}", self.phase, stuck.join(", "))
    }
}
