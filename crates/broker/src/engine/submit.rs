//! Commands into the machines, and where their answers and effects go.

use super::action::Action;
use super::core::Engine;
use super::fence::Fence;
use super::ids::LogId;
use super::shard::Ran;
use super::timers::Alarm;
use once_coordinator::catalog;
use once_coordinator::group;
use once_coordinator::machine::{Machine, Waiter};
use once_coordinator::transaction;

/// A machine's answer to a request that it had parked.
#[derive(Clone, Debug)]
pub(crate) enum Settled {
    /// From the transactions.
    Transaction(transaction::Reply),
    /// From the groups.
    Group(group::Reply),
}

impl Engine {
    /// Runs a catalog command and follows its events: logs are opened, changed and removed.
    pub(super) fn run_catalog(
        &mut self,
        waiter: Waiter,
        command: &catalog::Command,
    ) -> Option<catalog::Reply> {
        let ran = self
            .catalog
            .run(&mut self.logs, &mut self.outputs, self.now, waiter, command);
        let mut replies = ran.replies;
        self.follow_catalog(&ran.events);
        let own = replies.iter().position(|(to, _)| *to == waiter);
        own.map(|index| replies.swap_remove(index).1)
    }

    /// Runs a transaction command. The asking waiter's answer comes back, if it is not parked.
    pub(super) fn run_transactions(
        &mut self,
        shard: usize,
        waiter: Waiter,
        command: &transaction::Command,
    ) -> Option<transaction::Reply> {
        let owner = &mut self.transactions[shard];
        let ran = owner.run(&mut self.logs, &mut self.outputs, self.now, waiter, command);
        let (log, deadline) = (owner.log, owner.machine.deadline());
        self.timers.set(Alarm::Transactions(shard), deadline);
        if !ran.events.is_empty() {
            self.note_additions(shard, command);
        }
        let fence = self.end_of(log);
        for effect in ran.effects {
            self.hold(&[fence], Action::Effect { shard, effect });
        }
        // The completion of a transaction follows from its Prepare, which is durable: after a
        // crash it is done again. So an EndTxn's answer need not wait for it; a new epoch must.
        let completion =
            !self.is_atomic() && matches!(command, transaction::Command::MarkersWritten { .. });
        let mut own = None;
        for (to, reply) in ran.replies {
            if to == waiter {
                own = Some(reply);
                continue;
            }
            let unfenced = completion && matches!(reply, transaction::Reply::End(_));
            let fences = if unfenced { &[][..] } else { &[fence][..] };
            self.hold(fences, Action::Settle(to, Settled::Transaction(reply)));
        }
        own
    }

    /// Runs a group command; as [`Engine::run_transactions`].
    pub(super) fn run_groups(
        &mut self,
        shard: usize,
        waiter: Waiter,
        command: &group::Command,
    ) -> Option<group::Reply> {
        let owner = &mut self.groups[shard];
        let ran: Ran<group::Groups> =
            owner.run(&mut self.logs, &mut self.outputs, self.now, waiter, command);
        let (log, deadline) = (owner.log, owner.machine.deadline());
        self.timers.set(Alarm::Groups(shard), deadline);
        let fence = self.end_of(log);
        let mut own = None;
        for (to, reply) in ran.replies {
            if to == waiter {
                own = Some(reply);
            } else {
                self.hold(&[fence], Action::Settle(to, Settled::Group(reply)));
            }
        }
        own
    }

    /// All that a log holds now.
    pub(super) fn end_of(&self, log: LogId) -> Fence {
        let end = self
            .logs
            .get(log)
            .map_or(0, |partition| partition.log.end_offset());
        Fence { log, end }
    }
}
