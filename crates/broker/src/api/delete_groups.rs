//! DeleteGroups (key 42), versions 0–2: groups that nobody is in, with all their offsets.
//!
//! Each by itself, each name once. GROUP_ID_NOT_FOUND for what is not there, NON_EMPTY_GROUP for a
//! group with members. A group's id may be empty: old clients could make such a group.
//!
//! * 2 flexible.

use super::group_reply::misdirected;
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::delete_groups_request::DeleteGroupsRequest;
use once_wire::message::delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse};
use std::collections::BTreeSet;

/// See the module.
pub(crate) struct DeleteGroups;

impl Api for DeleteGroups {
    type Request = DeleteGroupsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 2);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DeleteGroupsResponse>, ErrorCode> {
        Ok(Answer::Now(respond(request, |group_id| {
            match cx.decide_group(group_id, &Command::DeleteGroup(group_id.to_owned())) {
                Ok(Some(Reply::DeleteGroup(error))) | Err(error) => error,
                Ok(Some(other)) => misdirected(&other),
                Ok(None) => ErrorCode::UnknownServerError,
            }
        })))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> DeleteGroupsResponse {
        respond(request, |_| error)
    }
}

fn respond(
    request: &DeleteGroupsRequest,
    mut delete: impl FnMut(&str) -> ErrorCode,
) -> DeleteGroupsResponse {
    let mut seen = BTreeSet::new();
    let names = request.groups_names.iter();
    let results = names
        .filter(|group_id| seen.insert(group_id.as_str()))
        .map(|group_id| DeletableGroupResult {
            group_id: group_id.clone(),
            error_code: delete(group_id).code(),
            ..Default::default()
        });
    DeleteGroupsResponse {
        results: results.collect(),
        ..Default::default()
    }
}
