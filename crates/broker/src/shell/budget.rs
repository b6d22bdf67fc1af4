//! One bound on the memory that requests and their answers hold.
//!
//! A frame's announced length reserves nothing: a connection pays for its buffer as bytes
//! arrive, and gives back when its request is answered. When the budget is spent, sockets are not
//! read, and answers bring no records. A quarter of it is kept for what decoding makes of the frames
//! that are whole: else unfinished frames could hold all of it, and nobody would go on. So that nobody can hold it for ever, those who do not move
//! are then closed, who hold most first: senders of unfinished frames, clients that do not read
//! their answers, and those whose requests wait for something for long.

use crate::engine::ConnectionId;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long an unfinished frame may hold memory that is needed.
const FRAME_GRACE: Duration = Duration::from_millis(500);
/// How long an answer may wait for its client while its memory is needed.
const ANSWER_GRACE: Duration = Duration::from_secs(1);
/// How long a request may wait for its answer while its memory is needed.
const REQUEST_GRACE: Duration = Duration::from_secs(5);
/// How often a waiting connection looks again, and how often somebody is closed.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a request holds until it is answered, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Charge {
    /// Its frame.
    pub(crate) frame: usize,
    /// What was decoded, and what is made of it.
    pub(crate) decoded: usize,
}

#[derive(Default)]
struct Holder {
    /// Bytes of requests.
    bytes: usize,
    /// Those of them that are beside frames.
    decoded: usize,
    /// When its unfinished frame began; `None` while it holds only finished requests.
    frame_since: Option<Instant>,
    /// Requests that are not answered.
    asked: usize,
    /// When one of them was last answered, or the first of them came.
    asked_since: Option<Instant>,
    /// Bytes of answers that wait to be sent.
    unsent: usize,
    /// When the client last took one of them.
    unsent_since: Option<Instant>,
    evict: Arc<Notify>,
}

impl Holder {
    /// Since when it has held something without moving, if longer than it may.
    fn overdue(&self, now: Instant) -> Option<Instant> {
        let late = |since: Option<Instant>, grace| {
            since.filter(|since| now.duration_since(*since) > grace)
        };
        let frame = late(self.frame_since.filter(|_| self.bytes > 0), FRAME_GRACE);
        let answer = late(self.unsent_since, ANSWER_GRACE);
        let request = late(self.asked_since.filter(|_| self.bytes > 0), REQUEST_GRACE);
        [frame, answer, request].into_iter().flatten().min()
    }
}

#[derive(Default)]
struct Held {
    /// Bytes of requests of all connections.
    used: usize,
    /// Those of them that are beside frames.
    decoded: usize,
    /// Bytes of answers of all connections.
    unsent: usize,
    evicted: Option<Instant>,
    by_connection: BTreeMap<ConnectionId, Holder>,
}

impl Held {
    /// What a connection holds beside frames becomes another amount.
    fn change_decoded(&mut self, id: ConnectionId, before: usize, after: usize) {
        if let Some(holder) = self.by_connection.get_mut(&id) {
            let before = before.min(holder.decoded);
            holder.decoded = holder.decoded - before + after;
            holder.bytes = holder.bytes - before + after;
            self.decoded = self.decoded - before + after;
            self.used = self.used - before + after;
        }
    }

    /// Closes those who do not move, who hold most first, until a quarter of `limit` comes free.
    fn make_room(&mut self, limit: usize, not: Option<ConnectionId>) {
        let now = Instant::now();
        if self
            .evicted
            .is_some_and(|last| now.duration_since(last) < PATIENCE)
        {
            return;
        }
        self.evicted = Some(now);
        // When all is spent somebody holds the average; who holds less than half of it would free
        // little and is spared.
        let least = limit / (2 * self.by_connection.len().max(1));
        let mut overdue: Vec<(Instant, &Holder)> = self
            .by_connection
            .iter()
            .filter(|(id, holder)| Some(**id) != not && holder.bytes + holder.unsent >= least)
            .filter_map(|(_, holder)| Some((holder.overdue(now)?, holder)))
            .collect();
        overdue.sort_by_key(|(since, holder)| (Reverse(holder.bytes + holder.unsent), *since));
        let mut freed = 0;
        for (_, holder) in overdue {
            if freed > limit / 4 {
                break;
            }
            freed += holder.bytes + holder.unsent;
            holder.evict.notify_one();
        }
    }
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
        let holder = Holder::default();
        let evict = Arc::clone(&holder.evict);
        self.lock().by_connection.insert(id, holder);
        evict
    }

    /// A connection is gone; what it held is free.
    pub(crate) fn leave(&self, id: ConnectionId) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.remove(&id) {
            held.used -= holder.bytes;
            held.decoded -= holder.decoded;
            held.unsent -= holder.unsent;
        }
        drop(held);
        self.freed.notify_one();
    }

    /// Waits until `bytes` more of a frame may be held, and holds them.
    pub(crate) async fn take(&self, id: ConnectionId, bytes: usize) {
        self.wait_for(|| self.try_take(id, bytes)).await;
    }

    /// Waits until a frame may become `bytes` more as it is decoded, and holds them.
    pub(crate) async fn take_decoded(&self, id: ConnectionId, bytes: usize) {
        self.wait_for(|| self.try_take_decoded(id, bytes)).await;
    }

    async fn wait_for(&self, took: impl Fn() -> bool) {
        while !took() {
            let _ = tokio::time::timeout(PATIENCE, self.freed.notified()).await;
        }
        // One waiter is woken at a time; who got what it needs wakes the next.
        if self.room() > 0 {
            self.freed.notify_one();
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
        self.freed.notify_one();
    }

    /// A request was decoded, for which `most` was taken, and goes to the engine.
    pub(crate) fn asked(&self, id: ConnectionId, most: usize, charge: Charge) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.get_mut(&id) {
            holder.asked += 1;
            holder.asked_since.get_or_insert_with(Instant::now);
        }
        held.change_decoded(id, most, charge.decoded);
        drop(held);
        self.freed.notify_one();
    }

    /// A request was answered; so much it held.
    pub(crate) fn answered(&self, id: ConnectionId, charge: Charge) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.get_mut(&id) {
            holder.asked = holder.asked.saturating_sub(1);
            holder.asked_since = (holder.asked > 0).then(Instant::now);
        }
        held.change_decoded(id, charge.decoded, 0);
        drop(held);
        self.give(id, charge.frame);
    }

    /// Notes whether a connection is in the middle of a frame.
    pub(crate) fn unfinished(&self, id: ConnectionId, unfinished: bool) {
        if let Some(holder) = self.lock().by_connection.get_mut(&id) {
            holder.frame_since = match (unfinished, holder.frame_since) {
                (true, Some(since)) => Some(since),
                (true, None) => Some(Instant::now()),
                (false, _) => None,
            };
        }
    }

    /// An answer waits to be sent.
    pub(crate) fn queue(&self, id: ConnectionId, bytes: usize) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.get_mut(&id) {
            holder.unsent += bytes;
            holder.unsent_since.get_or_insert_with(Instant::now);
            held.unsent += bytes;
        }
    }

    /// An answer was sent.
    pub(crate) fn sent(&self, id: ConnectionId, bytes: usize) {
        let mut held = self.lock();
        if let Some(holder) = held.by_connection.get_mut(&id) {
            let sent = bytes.min(holder.unsent);
            holder.unsent -= sent;
            holder.unsent_since = (holder.unsent > 0).then(Instant::now);
            held.unsent -= sent;
        }
    }

    /// Bytes that answers may still take. If there are none, those who do not move must go.
    pub(crate) fn room(&self) -> usize {
        let mut held = self.lock();
        let room = self.limit.saturating_sub(held.used + held.unsent);
        if room == 0 {
            held.make_room(self.limit, None);
        }
        room
    }

    fn try_take(&self, id: ConnectionId, bytes: usize) -> bool {
        let mut held = self.lock();
        // One request larger than the whole budget passes when it is alone.
        let own = held.by_connection.get(&id).map_or(0, |holder| holder.bytes);
        if held.used + bytes > self.limit - self.limit / 4 && held.used > own {
            held.make_room(self.limit, Some(id));
            return false;
        }
        let Some(holder) = held.by_connection.get_mut(&id) else {
            return true;
        };
        holder.bytes += bytes;
        held.used += bytes;
        true
    }

    /// Where nothing decoded is held a frame may be decoded whatever frames hold; else it waits, and who
    /// waits counts as unfinished and may be told to make room.
    fn try_take_decoded(&self, id: ConnectionId, bytes: usize) -> bool {
        let mut held = self.lock();
        if held.used + bytes > self.limit && held.decoded > 0 {
            held.make_room(self.limit, Some(id));
            return false;
        }
        held.change_decoded(id, 0, bytes);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);

    #[test]
    fn what_is_held_is_bounded_and_comes_back() {
        let budget = Budget::new(100);
        let _evict = (budget.join(A), budget.join(B));
        assert!(budget.try_take(A, 70));
        assert!(!budget.try_take(B, 40));
        budget.give(A, 50);
        assert!(budget.try_take(B, 40));
        budget.queue(A, 30);
        assert_eq!(budget.room(), 10);
        budget.leave(A);
        assert_eq!(budget.room(), 60);
    }

    #[test]
    fn what_is_whole_can_be_decoded_though_frames_hold_all_they_may() {
        let budget = Budget::new(100);
        let _evict = (budget.join(A), budget.join(B));
        assert!(budget.try_take(A, 60) && budget.try_take(B, 15));
        assert!(!budget.try_take(B, 1));
        assert!(budget.try_take_decoded(A, 20));
        assert!(!budget.try_take_decoded(B, 20));
        let charge = Charge {
            frame: 60,
            decoded: 10,
        };
        budget.asked(A, 20, charge);
        assert_eq!(budget.room(), 15);
        assert!(!budget.try_take_decoded(B, 200));
        budget.answered(A, charge);
        assert!(budget.try_take_decoded(B, 200));
        budget.leave(B);
        assert_eq!(budget.room(), 100);
    }

    #[test]
    fn one_request_larger_than_everything_passes_when_it_is_alone() {
        let budget = Budget::new(100);
        let _evict = (budget.join(A), budget.join(B));
        assert!(budget.try_take(A, 90));
        assert!(budget.try_take(A, 90));
        assert!(!budget.try_take(B, 1));
    }

    #[test]
    fn who_waits_for_an_answer_makes_way_only_when_that_took_long() {
        let mut holder = Holder {
            bytes: 1,
            ..Holder::default()
        };
        let now = Instant::now() + REQUEST_GRACE;
        assert_eq!(holder.overdue(now), None);
        holder.asked_since = Some(Instant::now());
        assert_eq!(holder.overdue(now), None);
        assert!(holder.overdue(now + REQUEST_GRACE).is_some());
    }

    #[tokio::test]
    async fn who_does_not_finish_a_frame_makes_way_for_who_waits() {
        let budget = Budget::new(100);
        let evicted = budget.join(A);
        let _evict = budget.join(B);
        budget.take(A, 100).await;
        budget.unfinished(A, true);
        let waits = budget.take(B, 10);
        let closes = async {
            evicted.notified().await;
            budget.leave(A);
        };
        let both = async { tokio::join!(waits, closes) };
        assert!(
            tokio::time::timeout(Duration::from_secs(5), both)
                .await
                .is_ok()
        );
    }
}
