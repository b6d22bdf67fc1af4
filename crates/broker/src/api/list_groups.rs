//! ListGroups (key 16), versions 0–5: every group of this node.
//!
//! * 3 flexible; 4 states, and a filter by them (KIP-518); 5 types, and a filter by them (KIP-848).
//!   Filters are names in any case; one that names nothing finds nothing.

use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{self, Groups};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::list_groups_request::ListGroupsRequest;
use once_wire::message::list_groups_response::{ListGroupsResponse, ListedGroup};

/// See the module.
pub(crate) struct ListGroups;

impl Api for ListGroups {
    type Request = ListGroupsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 5);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<ListGroupsResponse>, ErrorCode> {
        let wanted = |group: &group::ListedGroup| {
            passes(&request.states_filter, group.state)
                && passes(&request.types_filter, group.group_type.name())
        };
        let groups = cx
            .all_groups()
            .flat_map(Groups::list)
            .filter(wanted)
            .map(listed)
            .collect();
        Ok(Answer::Now(ListGroupsResponse {
            groups,
            ..Default::default()
        }))
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> ListGroupsResponse {
        ListGroupsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn passes(filter: &[String], name: &str) -> bool {
    filter.is_empty()
        || filter
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(name))
}

fn listed(group: group::ListedGroup) -> ListedGroup {
    ListedGroup {
        group_id: group.group_id,
        protocol_type: group.protocol_type,
        group_state: group.state.to_owned(),
        group_type: group.group_type.name().to_owned(),
        ..Default::default()
    }
}
