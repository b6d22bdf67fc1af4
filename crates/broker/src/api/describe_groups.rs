//! DescribeGroups (key 15), versions 0–6: classic groups as administrators see them.
//!
//! A group that is not there, or is no classic one, is `Dead`.
//!
//! * 3 authorized operations; 4 instance ids; 5 flexible; 6 GROUP_ID_NOT_FOUND for what is not there
//!   (before: no error).

use super::distinct::distinct;
use super::{Answer, Api, authorized};
use crate::engine::Context;
use once_coordinator::group::{ClassicDescription, ClassicMemberDescription};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::describe_groups_request::DescribeGroupsRequest;
use once_wire::message::describe_groups_response::{
    DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

const DEAD: &str = "Dead";

/// See the module.
pub(crate) struct DescribeGroups;

impl Api for DescribeGroups {
    type Request = DescribeGroupsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 6);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DescribeGroupsResponse>, ErrorCode> {
        let operations =
            authorized::if_asked(request.include_authorized_operations, authorized::GROUP);
        let version = cx.version;
        let mut groups = Vec::with_capacity(request.groups.len());
        for group_id in distinct(&request.groups, |id| *id) {
            groups.push(match cx.groups(group_id).describe_classic(group_id) {
                Some(group) => described(group_id, group, operations),
                None => missing(version, group_id, operations),
            });
        }
        Ok(Answer::Now(DescribeGroupsResponse {
            groups,
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> DescribeGroupsResponse {
        let failed = |group_id: &String| DescribedGroup {
            error_code: error.code(),
            group_id: group_id.clone(),
            ..Default::default()
        };
        let groups = request.groups.iter().map(failed).collect();
        DescribeGroupsResponse {
            groups,
            ..Default::default()
        }
    }
}

fn described(group_id: &str, group: ClassicDescription, operations: i32) -> DescribedGroup {
    let member = |member: ClassicMemberDescription| DescribedGroupMember {
        member_id: member.member_id,
        group_instance_id: member.instance_id,
        client_id: member.origin.client_id,
        client_host: member.origin.client_host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
        ..Default::default()
    };
    DescribedGroup {
        group_id: group_id.to_owned(),
        group_state: group.state.name().to_owned(),
        protocol_type: group.protocol_type,
        protocol_data: group.protocol_name,
        members: group.members.into_iter().map(member).collect(),
        authorized_operations: operations,
        ..Default::default()
    }
}

fn missing(version: i16, group_id: &str, operations: i32) -> DescribedGroup {
    let dead = DescribedGroup {
        group_id: group_id.to_owned(),
        group_state: DEAD.to_owned(),
        ..Default::default()
    };
    if version < 6 {
        return DescribedGroup {
            authorized_operations: operations,
            ..dead
        };
    }
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.code(),
        error_message: Some(format!("Group {group_id} not found.")),
        ..dead
    }
}
