//! A request on its way through the engine, its type erased.

use super::{Answer, Api, Frames, ResponseOf, encode_reply};
use crate::engine::{Context, LogId, ReadId, Seen, Settled};
use once_log::PartitionLog;
use once_log::store::ReadFailure;
use once_wire::codec::{DecodeError, Message, Reader, Request};
use once_wire::compression::Compression;

/// What became of a request after one visit to the engine.
pub(crate) enum Outcome {
    /// The response, to leave once the context's fences are durable.
    Reply(Frames),
    /// Nothing yet; something will wake it.
    Parked,
    /// As parked, and nothing is decided yet: later requests of its connection wait for it.
    Early,
    /// No response will ever come (Produce with acks=0).
    Silent,
    /// The connection must be closed; the text says why.
    Close(String),
}

/// Why a parked request is visited again.
pub(crate) enum Wake {
    /// A machine answered its waiter.
    Settled(Settled),
    /// A log that it watches moved.
    Moved,
    /// Its deadline passed.
    Deadline,
    /// A file read that it asked for came back.
    Read(ReadId, Result<Seen, ReadFailure>),
}

/// What holds for the batches of a topic before they come to its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchRules {
    /// `max.message.bytes`.
    pub max_bytes: u32,
    /// The codec of `compression.type`; `None` is the producers' own.
    pub compression: Option<Compression>,
}

/// A decoded request. Most are [`Decoded`]; Produce and Fetch, which carry work from one visit
/// to the next, have calls of their own.
pub(crate) trait Call: Send {
    /// Whether something is left that would keep a network thread busy. `recompresses`: some topic
    /// may store batches in another codec than they come in.
    fn is_heavy(&self, _recompresses: bool) -> bool {
        false
    }
    /// Finishes what is left of a heavy call, before its first visit. The function tells what holds
    /// for the batches of a topic, if there is that topic.
    fn check(&mut self, _rules: &dyn Fn(&str) -> Option<BatchRules>) {}
    /// The first visit.
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome;
    /// A log that it watches has moved, or is gone: whether it is to be visited for that. Asked often, so the answer
    /// must not cost what a visit does.
    fn is_stirred(&mut self, _log: LogId, _now: Option<&PartitionLog>) -> bool {
        true
    }
    /// A later visit.
    fn wake(&mut self, cx: &mut Context<'_>, wake: Wake) -> Outcome;
}

/// A request of an API that needs nothing but its handler.
pub(crate) struct Decoded<A: Api> {
    request: A::Request,
}

impl<A: Api> Decoded<A> {
    /// Decodes the body of a request of this API.
    pub(crate) fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
        let request = A::Request::decode(reader, version)?;
        Ok(Box::new(Self { request }))
    }

    fn reply(cx: &Context<'_>, response: &ResponseOf<A>) -> Outcome {
        let header = <A::Request as Request>::response_header_version(cx.version);
        reply_or_close(encode_reply(
            cx.correlation_id,
            header,
            response,
            cx.version,
        ))
    }
}

/// A response that its own version cannot carry is our defect: the client sees a closed
/// connection rather than a wrong answer.
pub(crate) fn reply_or_close(frames: Result<Frames, once_wire::codec::EncodeError>) -> Outcome {
    match frames {
        Ok(frames) => Outcome::Reply(frames),
        Err(error) => Outcome::Close(format!("cannot encode the response: {error}")),
    }
}

impl<A: Api> Call for Decoded<A> {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        match A::handle(cx, &self.request) {
            Ok(Answer::Now(response)) => Self::reply(cx, &response),
            Ok(Answer::Parked) => Outcome::Parked,
            Err(error) => Self::reply(cx, &A::refuse(&self.request, error)),
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>, wake: Wake) -> Outcome {
        match wake {
            Wake::Settled(settled) => {
                let response = A::resume(cx, &self.request, settled)
                    .unwrap_or_else(|error| A::refuse(&self.request, error));
                Self::reply(cx, &response)
            }
            Wake::Moved | Wake::Deadline | Wake::Read(..) => Outcome::Parked,
        }
    }
}
