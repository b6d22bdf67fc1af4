//! Heartbeat (key 12), versions 0–4: a member of a classic group is alive.
//!
//! * 3 static members; 4 flexible.

use super::group_reply::{decide, misdirected};
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{self, Command, Committer, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::heartbeat_request::HeartbeatRequest;
use once_wire::message::heartbeat_response::HeartbeatResponse;

/// See the module.
pub(crate) struct Heartbeat;

impl Api for Heartbeat {
    type Request = HeartbeatRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<HeartbeatResponse>, ErrorCode> {
        let command = Command::Heartbeat(group::Heartbeat {
            group_id: request.group_id.clone(),
            member: Committer {
                member_id: request.member_id.clone(),
                instance_id: request.group_instance_id.clone(),
                generation: request.generation_id,
            },
        });
        decide(cx, &request.group_id, &command, |reply| match reply {
            Reply::Heartbeat(error) => Ok(Self::refuse(request, error)),
            other => Err(misdirected(&other)),
        })
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> HeartbeatResponse {
        HeartbeatResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}
