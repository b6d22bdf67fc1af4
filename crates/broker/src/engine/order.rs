//! Requests that must not overtake an earlier one of their connection.
//!
//! Most requests that wait (a fetch for records, a join for the others) let later ones pass: they are
//! decided, only not done. Data that waits for its partition ([`super::additions`]) is not decided
//! yet: were a later batch, or the transaction's end, decided before it, the producer's order would
//! be broken. So whatever comes on the connection meanwhile is kept, and decided after it.

use super::core::Engine;
use super::ids::ConnectionId;
use super::waiting::WaitingCall;
use once_coordinator::machine::Waiter;
use std::collections::{BTreeMap, VecDeque};

struct Queue {
    /// Who goes first; nobody while the queue is being worked off.
    first: Option<Waiter>,
    later: VecDeque<(Waiter, WaitingCall)>,
}

/// The connections on which requests wait behind another.
#[derive(Default)]
pub(super) struct Order {
    queues: BTreeMap<ConnectionId, Queue>,
}

impl Order {
    /// A request that nothing has to wait for comes back.
    pub(super) fn arrive(
        &mut self,
        waiter: Waiter,
        call: WaitingCall,
    ) -> Option<(Waiter, WaitingCall)> {
        match self.queues.get_mut(&call.request.connection) {
            None => Some((waiter, call)),
            Some(queue) => {
                queue.later.push_back((waiter, call));
                None
            }
        }
    }

    /// Nothing of the connection is decided before this request.
    pub(super) fn block(&mut self, connection: ConnectionId, first: Waiter) {
        let later = VecDeque::new();
        let queue = self.queues.entry(connection);
        let queue = queue.or_insert(Queue { first: None, later });
        queue.first = Some(first);
    }

    /// This request is decided. True if others waited for that: they come from [`Order::next`].
    pub(super) fn decided(&mut self, connection: ConnectionId, waiter: Waiter) -> bool {
        match self.queues.get_mut(&connection) {
            Some(queue) if queue.first == Some(waiter) => {
                queue.first = None;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The next request of the connection that nothing has to wait for any more.
    pub(super) fn next(&mut self, connection: ConnectionId) -> Option<(Waiter, WaitingCall)> {
        let queue = self.queues.get_mut(&connection)?;
        if queue.first.is_some() {
            return None;
        }
        let next = queue.later.pop_front();
        if next.is_none() {
            self.queues.remove(&connection);
        }
        next
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.queues.remove(&connection);
    }
}

impl Engine {
    /// Decides the requests of a connection that had to wait for an earlier one.
    pub(super) fn go_on(&mut self, connection: ConnectionId) {
        while let Some((waiter, call)) = self.order.next(connection) {
            self.visit(waiter, call, None);
        }
    }
}
