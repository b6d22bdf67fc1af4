//! LeaveGroup (key 13), versions 0–5: out of a classic group.
//!
//! * 3 several members, and static ones by instance id (KIP-345), each with its own error; 4
//!   flexible; 5 reason, unused.

use super::group_reply::{decide, misdirected};
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, Leave, LeavingMember, LeftMember, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::leave_group_request::LeaveGroupRequest;
use once_wire::message::leave_group_response::{LeaveGroupResponse, MemberResponse};

/// The first version that names several members.
const BATCHED: i16 = 3;

/// See the module.
pub(crate) struct LeaveGroup;

impl Api for LeaveGroup {
    type Request = LeaveGroupRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 5);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<LeaveGroupResponse>, ErrorCode> {
        let batched = cx.version >= BATCHED;
        let command = Command::Leave(Leave {
            group_id: request.group_id.clone(),
            members: if batched {
                several(request)
            } else {
                one(request)
            },
        });
        decide(cx, &request.group_id, &command, |reply| match reply {
            Reply::Leave(left) => respond(batched, left?),
            other => Err(misdirected(&other)),
        })
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> LeaveGroupResponse {
        LeaveGroupResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn one(request: &LeaveGroupRequest) -> Vec<LeavingMember> {
    vec![LeavingMember {
        member_id: request.member_id.clone(),
        instance_id: None,
    }]
}

fn several(request: &LeaveGroupRequest) -> Vec<LeavingMember> {
    let members = request.members.iter();
    let leaving = members.map(|member| LeavingMember {
        member_id: member.member_id.clone(),
        instance_id: member.group_instance_id.clone(),
    });
    leaving.collect()
}

/// Old clients get their one member's error as the whole answer's.
fn respond(batched: bool, left: Vec<LeftMember>) -> Result<LeaveGroupResponse, ErrorCode> {
    if !batched {
        let error = left
            .first()
            .map_or(ErrorCode::UnknownMemberId, |left| left.error);
        return Ok(LeaveGroupResponse {
            error_code: error.code(),
            ..Default::default()
        });
    }
    let member = |left: LeftMember| MemberResponse {
        member_id: left.member_id,
        group_instance_id: left.instance_id,
        error_code: left.error.code(),
        ..Default::default()
    };
    let members = left.into_iter().map(member).collect();
    Ok(LeaveGroupResponse {
        members,
        ..Default::default()
    })
}
