//! JoinGroup (key 11), versions 0–9: into a classic group, or into its next generation.
//!
//! Parked until the generation starts.
//!
//! * 1 rebalance timeout (before: the session timeout); 4 a new member is told its id first
//!   (KIP-394); 5 static members (KIP-345); 6 flexible; 7 protocol type in the answer, and null for
//!   no protocol; 8 reason, unused; 9 skip_assignment (KIP-814).

use super::group_reply::{decide, misdirected, origin, settled};
use super::{Answer, Api};
use crate::engine::{Context, Settled};
use once_coordinator::group::{ClassicProtocol, Command, Join, JoinMember, JoinReply, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use once_wire::message::join_group_response::{JoinGroupResponse, JoinGroupResponseMember};

/// See the module.
pub(crate) struct JoinGroup;

impl Api for JoinGroup {
    type Request = JoinGroupRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 9);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<JoinGroupResponse>, ErrorCode> {
        let protocol = |protocol: &JoinGroupRequestProtocol| ClassicProtocol {
            name: protocol.name.clone(),
            metadata: protocol.metadata.clone(),
        };
        let version = cx.version;
        let command = Command::Join(Join {
            group_id: request.group_id.clone(),
            member_id: request.member_id.clone(),
            instance_id: request.group_instance_id.clone(),
            origin: origin(cx),
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: match version {
                0 => request.session_timeout_ms,
                _ => request.rebalance_timeout_ms,
            },
            protocol_type: request.protocol_type.clone(),
            protocols: request.protocols.iter().map(protocol).collect(),
            require_known_member_id: version >= 4,
            supports_skipping_assignment: version >= 9,
            fresh_id: cx.fresh_uuid(),
        });
        decide(cx, &request.group_id, &command, |reply| {
            respond(version, reply)
        })
    }

    fn resume(
        cx: &mut Context<'_>,
        _request: &Self::Request,
        answer: Settled,
    ) -> Result<JoinGroupResponse, ErrorCode> {
        respond(cx.version, settled(answer)?)
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> JoinGroupResponse {
        translate(0, JoinReply::refused(request.member_id.clone(), error))
    }
}

fn respond(version: i16, reply: Reply) -> Result<JoinGroupResponse, ErrorCode> {
    match reply {
        Reply::Join(reply) => Ok(translate(version, reply)),
        other => Err(misdirected(&other)),
    }
}

fn translate(version: i16, reply: JoinReply) -> JoinGroupResponse {
    // Before version 7 there is no null; after it either is understood.
    let protocol_name = if version < 7 {
        Some(reply.protocol_name.unwrap_or_default())
    } else {
        reply.protocol_name
    };
    let member = |member: JoinMember| JoinGroupResponseMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        metadata: member.metadata,
        ..Default::default()
    };
    JoinGroupResponse {
        error_code: reply.error.code(),
        generation_id: reply.generation,
        protocol_type: reply.protocol_type,
        protocol_name,
        leader: reply.leader.unwrap_or_default(),
        skip_assignment: reply.skip_assignment,
        member_id: reply.member_id,
        members: reply.members.into_iter().map(member).collect(),
        ..Default::default()
    }
}
