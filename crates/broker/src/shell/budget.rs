//! One bound on the memory that requests and their answers hold.
//!
//! A frame's announced length reserves nothing: a connection pays for its buffer as bytes
//! arrive, and gives back when its request is answered. When the budget is spent, sockets are not
//! read. So that slow senders cannot hold it for ever, whoever has held an unfinished frame
//! longest beyond a grace period is closed to make room.

use crate::engine::ConnectionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long an unfinished frame may hold memory that somebody else waits for.
const GRACE: Duration = Duration::from_millis(500);
/// How often a waiting connection looks again.
const PATIENCE: Duration = Duration::from_millis(50);

struct Holder {
    bytes: usize,
    /// When its current frame began; `None` while it holds only finished requests.
    unfinished: Option<Instant>,
    evict: Arc<Notify>,
}

#[derive(Default)]
struct Held {
    used: usize,
    /// Bytes of answers that wait to be sent.
    unsent: usize,
    by_connection: BTreeMap<ConnectionId, Holder>,
}

/// The budget of one broker.
pub(crate) struct Budget {
    limit: usize,
    held: Mutex<Held>,
    freed: Notify,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// A connection joins. The notification tells it that it must close.
    pub(crate) fn join(&self, id: ConnectionId) -> Arc<Notify> {
        let evict = Arc::new(Notify::new());
        let holder = Holder {
            bytes: 0,
            unfinished: None,
            evict: Arc::clone(&evict),
        };
        self.lock().by_connection.insert(id, holder);
        evict
    }

    /// A connection is gone; what it held is free.
    pub(crate) fn leave(&self, id: ConnectionId) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.remove(&id) {
            held.used -= holder.bytes;
        }
        drop(held);
        self.freed.notify_waiters();
    }

    /// Waits until `bytes` more may be held, and holds them.
    pub(crate) async fn take(&self, id: ConnectionId, bytes: usize) {
        while !self.try_take(id, bytes) {
            self.evict_one(id);
            let _ = tokio::time::timeout(PATIENCE, self.freed.notified()).await;
        }
    }

    /// Gives back.
    pub(crate) fn give(&self, id: ConnectionId, bytes: usize) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.get_mut(&id) {
            let given = bytes.min(holder.bytes);
            holder.bytes -= given;
            held.used -= given;
        }
        drop(held);
        self.freed.notify_waiters();
    }

    /// Notes whether a connection is in the middle of a frame.
    pub(crate) fn unfinished(&self, id: ConnectionId, unfinished: bool) {
        if let Some(holder) = self.lock().by_connection.get_mut(&id) {
            match (unfinished, holder.unfinished) {
                (true, None) => holder.unfinished = Some(Instant::now()),
                (true, Some(_)) => {}
                (false, _) => holder.unfinished = None,
            }
        }
    }

    /// An answer waits to be sent.
    pub(crate) fn queue(&self, bytes: usize) {
        self.lock().unsent += bytes;
    }

    /// An answer was sent, or will never be.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut held = self.lock();
        held.unsent = held.unsent.saturating_sub(bytes);
    }

    /// Bytes that answers may still take.
    pub(crate) fn room(&self) -> usize {
        let held = self.lock();
        self.limit.saturating_sub(held.used + held.unsent)
    }

    fn try_take(&self, id: ConnectionId, bytes: usize) -> bool {
        let mut held = self.lock();
        // One request larger than the whole budget passes when it is alone.
        let own = held.by_connection.get(&id).map_or(0, |holder| holder.bytes);
        if held.used + bytes > self.limit && held.used > own {
            return false;
        }
        let Some(holder) = held.by_connection.get_mut(&id) else {
            return true;
        };
        holder.bytes += bytes;
        held.used += bytes;
        true
    }

    fn evict_one(&self, not: ConnectionId) {
        let held = self.lock();
        let stale = held
            .by_connection
            .iter()
            .filter(|(id, holder)| **id != not && holder.bytes > 0)
            .filter_map(|(_, holder)| holder.unfinished.map(|since| (since, holder)))
            .filter(|(since, _)| since.elapsed() > GRACE)
            .min_by_key(|(since, _)| *since);
        if let Some((_, holder)) = stale {
            holder.evict.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
