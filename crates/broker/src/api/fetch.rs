//! Fetch (key 1), versions 4–18.
//!
//! Returns whole batches from each partition, below the high watermark (read_uncommitted) or the
//! last stable offset with the list of aborted transactions (read_committed). Waits for
//! `min_bytes` up to `max_wait_ms`. Recent records come from memory, older ones from files read
//! outside the engine.
//!
//! * 5 log start offset; 7 incremental sessions (KIP-227); 9 leader epoch fencing (KIP-320);
//!   12 flexible; 13 topic ids; 16 node endpoints; 17–18 fields of replicas, ignored.
//! * Left out: replica fetches (a single node has no followers; answered INVALID_REQUEST),
//!   diverging epochs (one node's log never diverges), preferred read replica.

use super::call::reply_or_close;
use super::{Call, Outcome, Row, Wake, encode_reply};
use crate::engine::{Context, LogId};
use once_log::PartitionLog;
use once_wire::api::ApiKey;
use once_wire::codec::{DecodeError, Message, Reader, Request, VersionRange};
use once_wire::error::ErrorCode;
use once_wire::message::fetch_request::FetchRequest;
use once_wire::message::fetch_response::FetchResponse;
use plan::Plan;

mod gather;
mod plan;
mod respond;
mod stir;

/// The row of the table. Fetch has a call of its own: it carries what it gathered between visits.
pub(crate) const fn row() -> Row {
    Row {
        key: ApiKey::Fetch,
        versions: VersionRange::new(4, 18),
        advertised: VersionRange::new(4, 18),
        codec: FetchRequest::VERSIONS,
        parse,
    }
}

fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
    let request = FetchRequest::decode(reader, version)?;
    Ok(Box::new(Fetch {
        request,
        plan: None,
    }))
}

struct Fetch {
    request: FetchRequest,
    plan: Option<Plan>,
}

impl Call for Fetch {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        if self.request.replica_id >= 0 || self.request.replica_state.replica_id >= 0 {
            return refuse(cx, ErrorCode::InvalidRequest);
        }
        match Plan::make(cx, &self.request) {
            Err(error) => refuse(cx, error),
            Ok(plan) => {
                // The plan has them now.
                self.request.topics = Vec::new();
                gather::attempt(cx, &self.request, self.plan.insert(plan), false)
            }
        }
    }

    fn is_stirred(&mut self, log: LogId, now: Option<&PartitionLog>) -> bool {
        match (self.plan.as_mut(), now) {
            (Some(plan), Some(now)) => plan.is_stirred(log, now),
            _ => true,
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>, wake: Wake) -> Outcome {
        let Some(plan) = self.plan.as_mut() else {
            return Outcome::Parked;
        };
        match wake {
            Wake::Moved => gather::attempt(cx, &self.request, plan, false),
            Wake::Deadline => gather::attempt(cx, &self.request, plan, true),
            Wake::Read(read, result) => gather::read_came(cx, plan, read, result),
            Wake::Settled(_) => Outcome::Parked,
        }
    }
}

fn refuse(cx: &Context<'_>, error: ErrorCode) -> Outcome {
    send(
        cx,
        &FetchResponse {
            error_code: error.code(),
            ..Default::default()
        },
    )
}

fn send(cx: &Context<'_>, response: &FetchResponse) -> Outcome {
    let header = FetchRequest::response_header_version(cx.version);
    reply_or_close(encode_reply(
        cx.correlation_id,
        header,
        response,
        cx.version,
    ))
}
