//! SyncGroup (key 14), versions 0–5: the leader hands in the assignment, members fetch theirs.
//!
//! Parked until the leader has spoken and its word is durable.
//!
//! * 3 static members; 4 flexible; 5 members say which protocol they believe in, and must.

use super::group_reply::{decide, misdirected, settled};
use super::{Answer, Api};
use crate::engine::{Context, Settled};
use once_coordinator::group::{Command, Committer, Reply, Sync};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::sync_group_request::SyncGroupRequest;
use once_wire::message::sync_group_response::SyncGroupResponse;

/// See the module.
pub(crate) struct SyncGroup;

impl Api for SyncGroup {
    type Request = SyncGroupRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 5);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<SyncGroupResponse>, ErrorCode> {
        let believes = request.protocol_type.is_some() && request.protocol_name.is_some();
        if cx.version >= 5 && !believes {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let assignments = request.assignments.iter();
        let command = Command::Sync(Sync {
            group_id: request.group_id.clone(),
            member: Committer {
                member_id: request.member_id.clone(),
                instance_id: request.group_instance_id.clone(),
                generation: request.generation_id,
            },
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignments: assignments
                .map(|given| (given.member_id.clone(), given.assignment.clone()))
                .collect(),
        });
        decide(cx, &request.group_id, &command, respond)
    }

    fn resume(
        _cx: &mut Context<'_>,
        _request: &Self::Request,
        answer: Settled,
    ) -> Result<SyncGroupResponse, ErrorCode> {
        respond(settled(answer)?)
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> SyncGroupResponse {
        SyncGroupResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn respond(reply: Reply) -> Result<SyncGroupResponse, ErrorCode> {
    match reply {
        Reply::Sync(reply) => {
            let reply = reply?;
            Ok(SyncGroupResponse {
                protocol_type: reply.protocol_type,
                protocol_name: reply.protocol_name,
                assignment: reply.assignment,
                ..Default::default()
            })
        }
        other => Err(misdirected(&other)),
    }
}
