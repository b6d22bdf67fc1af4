//! What the APIs of groups share: from a decision to an answer, now or later.

use super::{Answer, errors};
use crate::engine::{Context, Settled};
use once_coordinator::group::{Command, MemberOrigin, Reply};
use once_wire::error::ErrorCode;

/// Has a group decide. The answer is made by `respond`, now or when the group settles.
pub(crate) fn decide<R>(
    cx: &mut Context<'_>,
    group_id: &str,
    command: &Command,
    respond: impl FnOnce(Reply) -> Result<R, ErrorCode>,
) -> Result<Answer<R>, ErrorCode> {
    match cx.decide_group(group_id, command)? {
        Some(reply) => respond(reply).map(Answer::Now),
        None => Ok(Answer::Parked),
    }
}

/// The reply of a group that a parked request waited for.
pub(crate) fn settled(settled: Settled) -> Result<Reply, ErrorCode> {
    match settled {
        Settled::Group(reply) => Ok(reply),
        other @ Settled::Transaction(_) => Err(errors::settled_wrongly(&other)),
    }
}

/// A reply to another command than ours is our defect.
pub(crate) fn misdirected(reply: &Reply) -> ErrorCode {
    debug_assert!(false, "a group answered another question: {reply:?}");
    ErrorCode::UnknownServerError
}

/// The client as groups remember it.
pub(crate) fn origin(cx: &Context<'_>) -> MemberOrigin {
    MemberOrigin {
        client_id: cx.client_id().to_owned(),
        client_host: cx.client_host(),
    }
}
