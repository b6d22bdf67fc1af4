//! What time does: it aborts open transactions, forgets idle ids, and ends long waits.
//!
//! Kafka looks every 10 seconds for the first and every hour for the second; here each is due at
//! its own moment, so that `transaction.abort.timed.out.transaction.cleanup.interval.ms` and
//! `transaction.remove.expired.transaction.cleanup.interval.ms` have nothing to set.

use once_wire::error::ErrorCode;

use super::command::{Event, Reply, Wait};
use super::machine::{Entry, Transactions};
use crate::machine::{Decision, Millis};

/// The ids that one tick handles: a decision is one record batch, which has a largest size. What
/// is left stays due.
const IDS_PER_TICK: usize = 128;

impl Transactions {
    pub(super) fn tick(&self, now: Millis) -> Decision<Self> {
        let mut decision = Decision::none();
        let due = self
            .timers
            .iter()
            .take_while(|(at, _)| *at <= now)
            .take(IDS_PER_TICK);
        for (_, id) in due {
            let entry = self
                .entries
                .get(id)
                .expect("a timer belongs to an id that is stored");
            self.end_long_waits(now, id, entry, &mut decision);
            if entry.times_out_at().is_some_and(|at| at <= now) {
                let prepared = entry.fenced(now, self.config.version);
                decision.effects.push(self.markers(id, &prepared));
                let transactional_id = id.clone();
                decision.events.push(Event::Stored {
                    transactional_id,
                    metadata: prepared,
                });
            } else if entry.metadata.state.is_idle() && entry.expires_at(&self.config) <= now {
                decision.events.push(Event::Removed {
                    transactional_id: id.clone(),
                });
            }
        }
        decision
    }

    /// Answers as Kafka does to those who waited too long: the outcome is durable, so EndTxn
    /// succeeded; InitProducerId is to come again.
    fn end_long_waits(&self, now: Millis, id: &str, entry: &Entry, decision: &mut Decision<Self>) {
        for parked in entry.parked.iter().filter(|parked| parked.until <= now) {
            let reply = match &parked.wait {
                Wait::End => Reply::End(Ok(entry.metadata.producer)),
                Wait::Init { .. } => Reply::Init(Err(ErrorCode::ConcurrentTransactions)),
            };
            decision.replies.push((parked.waiter, reply));
            decision.events.push(Event::Released {
                transactional_id: id.to_owned(),
                waiter: parked.waiter,
            });
        }
    }
}
