//! One client connection: its requests in order, and the answers that wait for their turn.
//!
//! Requests of a connection are decided in order as they arrive; an answer leaves only after all
//! earlier ones, because clients match answers by position and correlation id.

use super::ids::ConnectionId;
use crate::api::Frames;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

enum Slot {
    Open,
    Ready(Frames),
    Silent,
    Close(String),
}

/// What leaves a connection next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// A response frame.
    Reply(Frames),
    /// A request that gets no response is finished.
    Silent,
    /// The connection must be closed, and why.
    Close(String),
}

/// One connection.
pub(crate) struct Session {
    pub(crate) peer: SocketAddr,
    first: u64,
    slots: VecDeque<Slot>,
}

impl Session {
    fn settle(&mut self, number: u64, slot: Slot) -> Vec<Departure> {
        let Some(index) = number.checked_sub(self.first) else {
            return Vec::new();
        };
        let Some(place) = self
            .slots
            .get_mut(usize::try_from(index).unwrap_or(usize::MAX))
        else {
            return Vec::new();
        };
        *place = slot;
        self.depart()
    }

    fn depart(&mut self) -> Vec<Departure> {
        let mut leaving = Vec::new();
        while !matches!(self.slots.front(), None | Some(Slot::Open)) {
            self.first += 1;
            match self.slots.pop_front() {
                Some(Slot::Ready(frames)) => leaving.push(Departure::Reply(frames)),
                Some(Slot::Silent) => leaving.push(Departure::Silent),
                Some(Slot::Close(why)) => leaving.push(Departure::Close(why)),
                Some(Slot::Open) | None => unreachable!("the loop looked at the front"),
            }
        }
        leaving
    }
}

/// All connections.
#[derive(Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<ConnectionId, Session>,
}

impl Sessions {
    /// A client connected.
    pub(crate) fn open(&mut self, id: ConnectionId, peer: SocketAddr) {
        self.by_id.insert(
            id,
            Session {
                peer,
                first: 0,
                slots: VecDeque::new(),
            },
        );
    }

    /// A connection is gone, with all that it was owed.
    pub(crate) fn close(&mut self, id: ConnectionId) -> bool {
        self.by_id.remove(&id).is_some()
    }

    /// The connection, while it lives.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Session> {
        self.by_id.get(&id)
    }

    /// A request arrived: the number under which its answer is due.
    pub(crate) fn request(&mut self, id: ConnectionId) -> Option<u64> {
        let session = self.by_id.get_mut(&id)?;
        session.slots.push_back(Slot::Open);
        Some(session.first + session.slots.len() as u64 - 1)
    }

    /// An answer is ready; returns all that may leave now.
    pub(crate) fn answer(
        &mut self,
        id: ConnectionId,
        number: u64,
        frames: Frames,
    ) -> Vec<Departure> {
        self.by_id.get_mut(&id).map_or_else(Vec::new, |session| {
            session.settle(number, Slot::Ready(frames))
        })
    }

    /// A request is answered by closing the connection, after the answers before it.
    pub(crate) fn refuse(&mut self, id: ConnectionId, number: u64, why: String) -> Vec<Departure> {
        self.by_id
            .get_mut(&id)
            .map_or_else(Vec::new, |session| session.settle(number, Slot::Close(why)))
    }

    /// A request needs no answer; returns all that may leave now.
    pub(crate) fn silence(&mut self, id: ConnectionId, number: u64) -> Vec<Departure> {
        self.by_id
            .get_mut(&id)
            .map_or_else(Vec::new, |session| session.settle(number, Slot::Silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frame(text: &'static str) -> Frames {
        vec![Bytes::from_static(text.as_bytes())]
    }

    #[test]
    fn answers_leave_in_the_order_of_their_requests() {
        let mut sessions = Sessions::default();
        let id = ConnectionId(1);
        sessions.open(id, ([127, 0, 0, 1], 1).into());
        let numbers: Vec<u64> = (0..3).filter_map(|_| sessions.request(id)).collect();
        assert_eq!(sessions.answer(id, numbers[2], frame("c")), vec![]);
        assert_eq!(sessions.silence(id, numbers[1]), vec![]);
        assert_eq!(
            sessions.answer(id, numbers[0], frame("a")),
            vec![
                Departure::Reply(frame("a")),
                Departure::Silent,
                Departure::Reply(frame("c"))
            ]
        );
    }
}
