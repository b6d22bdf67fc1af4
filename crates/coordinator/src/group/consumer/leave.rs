//! Leaving: for good (epoch −1), or for a while (epoch −2, static members).

use super::draft::ConsumerDraft;
use super::heartbeat::Decided;
use super::state::{CurrentAssignment, LEAVE_STATIC, Owned};
use crate::group::command::ConsumerHeartbeat;
use crate::group::event::ConsumerEvent;
use crate::group::groups::{Group, Groups};
use crate::group::reply::ConsumerHeartbeatReply;
use crate::machine::Millis;
use once_wire::ErrorCode;
use std::borrow::Cow;

/// Decides a heartbeat that says goodbye.
pub(super) fn leave<'a>(
    groups: &'a Groups,
    now: Millis,
    command: &'a ConsumerHeartbeat,
) -> Decided<'a> {
    let group_id = command.group_id.as_str();
    let Some(Group::Consumer(group)) = groups.group(group_id) else {
        return Err((
            ErrorCode::GroupIdNotFound,
            format!("no consumer group {group_id}"),
        ));
    };
    let mut draft = ConsumerDraft::new(groups, now, group_id, Cow::Borrowed(group));
    let member = draft.existing(&command.member_id, command.instance_id.as_deref())?;
    if command.member_epoch == LEAVE_STATIC {
        let away = CurrentAssignment {
            epoch: LEAVE_STATIC,
            revoking: Owned::new(),
            ..member.current.clone()
        };
        let member_id = command.member_id.clone();
        draft.step(ConsumerEvent::Current {
            member_id: member_id.clone(),
            assignment: Some(away),
        });
        draft.step(ConsumerEvent::RevocationDue {
            member_id,
            deadline: None,
        });
    } else {
        draft.fence(&command.member_id);
    }
    let reply = ConsumerHeartbeatReply {
        member_id: command.member_id.clone(),
        member_epoch: command.member_epoch,
        heartbeat_interval_ms: 0,
        assignment: None,
    };
    Ok((draft, reply))
}

impl ConsumerDraft<'_> {
    /// Removes a member. What it had is free from now on; the next heartbeat of another member makes
    /// the target without it.
    pub(super) fn fence(&mut self, member_id: &str) {
        self.remove_records(member_id);
        self.bump_if_changed(true);
    }
}
