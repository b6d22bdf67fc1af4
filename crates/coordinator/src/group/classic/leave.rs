//! LeaveGroup, of one member or several (version 3 on, KIP-345: administrators remove static members
//! by their instance id).

use super::draft::ClassicDraft;
use super::state::{ClassicGroup, ClassicState};
use crate::group::command::{Leave, LeavingMember};
use crate::group::groups::{Group, Groups};
use crate::group::reply::{LeftMember, Reply};
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;

/// Decides a LeaveGroup.
pub(in crate::group) fn leave(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &Leave,
) -> Decision<Groups> {
    if command.group_id.is_empty() {
        return Decision::reply(waiter, Reply::Leave(Err(ErrorCode::InvalidGroupId)));
    }
    let Some(Group::Classic(group)) = groups.group(&command.group_id) else {
        let unknown = |member| left(member, ErrorCode::UnknownMemberId);
        let members = command.members.iter().map(unknown).collect();
        return Decision::reply(waiter, Reply::Leave(Ok(members)));
    };
    let mut draft = ClassicDraft::new(groups, now, &command.group_id, group.clone());
    let mut results = Vec::new();
    for member in &command.members {
        let error = match find(&draft.group, member) {
            Ok(member_id) => {
                draft.remove(&member_id);
                ErrorCode::None
            }
            Err(error) => error,
        };
        results.push(left(member, error));
    }
    if results.iter().any(|result| result.error == ErrorCode::None) {
        match draft.group.state {
            ClassicState::Stable | ClassicState::CompletingRebalance => draft.prepare_rebalance(),
            ClassicState::PreparingRebalance => draft.complete_if_all_joined(),
            ClassicState::Empty => {}
        }
    }
    draft.reply(waiter, Reply::Leave(Ok(results)));
    draft.finish()
}

/// The id of the member that leaves, pending ones too.
fn find(group: &ClassicGroup, member: &LeavingMember) -> Result<String, ErrorCode> {
    if member.member_id.is_empty() {
        let found = member
            .instance_id
            .as_ref()
            .and_then(|id| group.static_members.get(id));
        return found.cloned().ok_or(ErrorCode::UnknownMemberId);
    }
    if !group.pending_join.contains_key(&member.member_id) {
        group.check_member(&member.member_id, member.instance_id.as_deref())?;
    }
    Ok(member.member_id.clone())
}

fn left(member: &LeavingMember, error: ErrorCode) -> LeftMember {
    LeftMember {
        member_id: member.member_id.clone(),
        instance_id: member.instance_id.clone(),
        error,
    }
}
