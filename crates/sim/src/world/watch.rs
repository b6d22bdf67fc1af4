//! Showing what passes between clients and the network, to whoever wants to compare it with real clients.

use super::World;
use crate::net::LinkId;
use bytes::Bytes;

/// What passes between a client and its end of a connection.
#[derive(Debug)]
pub enum Passed {
    /// A request goes, a frame without its length.
    Request(Bytes),
    /// An answer has come.
    Answer(Bytes),
    /// The client sees that the connection is gone, closes it, or uses it no more.
    Closed,
}

/// Is shown what passes: the client's number, the connection's, and what it is.
pub type Watch = Box<dyn FnMut(usize, u64, Passed)>;

impl World {
    pub(super) fn passes(&mut self, client: usize, link: LinkId, passed: impl FnOnce() -> Passed) {
        if let Some(watch) = &mut self.watch {
            watch(client, link, passed());
        }
    }
}
