//! All that can happen to the engine.

use super::cleaner::NotCompacted;
use super::core::Engine;
use super::ids::{ConnectionId, LogId, ReadId};
use crate::api::{Call, TABLE, unsupported};
use bytes::Bytes;
use once_log::store::ReadFailure;
use once_log::{Compacted, FoundTimestamp};
use once_wire::api::ApiKey;
use once_wire::codec::{Reader, budget};
use once_wire::request::{RequestHeader, read_header};
use std::net::SocketAddr;

/// Something that happened outside.
pub enum Input {
    /// A client connected.
    Connected(ConnectionId, SocketAddr),
    /// A whole request arrived and was decoded.
    Request(RequestInput),
    /// A request that must be answered in its turn by closing the connection.
    Refused(ConnectionId, String),
    /// Logs are flushed, as the flush policy defines it, up to these end offsets (exclusive).
    Flushed(Vec<(LogId, i64)>),
    /// Logs start at these offsets, durably.
    Started(Vec<(LogId, i64)>),
    /// A compaction of a log ended: the new segments are in their places, or there are none.
    Compacted(LogId, Result<Compacted, NotCompacted>),
    /// A look into a log's files ended.
    Read(ReadId, Result<Seen, ReadFailure>),
    /// The disk was looked at, as [`super::Output::Measure`] asked: bytes that may still be written
    /// to its file system, and bytes that it has in all.
    Space {
        /// Free for us.
        free: u64,
        /// In all.
        total: u64,
    },
    /// A client's connection is gone.
    Disconnected(ConnectionId),
    /// Time passed; see [`super::Engine::deadline`].
    Tick,
}

/// What a look into a log's files saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Whole batches.
    Batches(Bytes),
    /// The record that a search by time was for, if there is one.
    Record(Option<FoundTimestamp>),
}

/// A decoded request.
pub struct RequestInput {
    /// Where it came from; answers of one connection leave in the order of its requests.
    pub connection: ConnectionId,
    /// Its header.
    pub header: RequestHeader,
    /// Its body, as a call.
    pub(crate) call: Box<dyn Call>,
    /// Bytes of memory that the decoded body takes beside the frame.
    pub(crate) decoded: usize,
    /// Sixteen fresh random bytes, for identities that the request may need.
    pub entropy: u128,
}

/// What a request may take in memory beside its frame once it is decoded, in bytes; one that would take
/// more is refused. The records of a Produce stay in the frame, so little is left to grow.
pub(crate) fn decoded_most(frame: &Bytes) -> usize {
    const GROWTH: usize = 16;
    const GROWTH_OF_PRODUCE: usize = 2;
    let produce = frame.first_chunk() == Some(&ApiKey::Produce.key().to_be_bytes());
    let growth = if produce { GROWTH_OF_PRODUCE } else { GROWTH };
    budget(frame.len(), growth)
}

impl RequestInput {
    /// Decodes one frame, without its length prefix.
    ///
    /// # Errors
    /// Why the connection has to be closed ([`Input::Refused`]): the frame is none that a client
    /// of a served API sends.
    pub fn decode(connection: ConnectionId, frame: Bytes, entropy: u128) -> Result<Self, String> {
        let most = decoded_most(&frame);
        let mut reader = Reader::with_budget(frame, most);
        let header = read_header(&mut reader).map_err(|error| format!("bad header: {error}"))?;
        let row = TABLE
            .iter()
            .find(|row| row.key.key() == header.key)
            .ok_or_else(|| format!("API key {} is not served", header.key))?;
        let call = if row.versions.contains(header.version) {
            (row.parse)(&mut reader, header.version)
                .map_err(|error| format!("bad {} v{}: {error}", row.key.name(), header.version))?
        } else {
            unsupported(row, &mut reader, header.version)?
        };
        Ok(Self {
            connection,
            header,
            call,
            decoded: reader.spent(),
            entropy,
        })
    }

    /// Finishes the checks that are left, at once: for who has no network threads to spare.
    pub fn check(&mut self, engine: &Engine) {
        if self.call.is_heavy(engine.recompresses()) {
            self.call.check(&|topic| engine.batch_rules(topic));
        }
    }
}
