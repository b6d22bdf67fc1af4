//! SyncGroup: the leader's assignment goes to the log, and from there to the members.

use super::draft::ClassicDraft;
use super::state::{ClassicGroup, ClassicState};
use crate::group::command::Sync;
use crate::group::event::{ClassicEvent, GroupRecord};
use crate::group::groups::{Group, Groups};
use crate::group::reply::{Reply, SyncReply};
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;

/// Decides a SyncGroup. A follower that comes before the leader waits for it.
pub(in crate::group) fn sync(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &Sync,
) -> Decision<Groups> {
    let group = match check(groups, command) {
        Ok(group) => group,
        Err(error) => return Decision::reply(waiter, Reply::Sync(Err(error))),
    };
    let member_id = command.member.member_id.as_str();
    let mut draft = ClassicDraft::new(groups, now, &command.group_id, group.clone());
    if group.state == ClassicState::Stable {
        draft.step(ClassicEvent::SyncReceived {
            member_id: member_id.to_owned(),
            waiter: None,
        });
        let reply = reply_to(&draft.group, member_id);
        draft.reply_sync(waiter, Ok(reply));
    } else {
        if let Some(stale) = group.members[member_id].awaiting_sync {
            draft.reply_sync(stale, Err(ErrorCode::RebalanceInProgress));
        }
        let event = ClassicEvent::SyncReceived {
            member_id: member_id.to_owned(),
            waiter: Some(waiter),
        };
        draft.step(event);
        if group.is_leader(member_id) {
            assign(&mut draft, command);
        }
    }
    draft.finish()
}

fn check<'a>(groups: &'a Groups, command: &Sync) -> Result<&'a ClassicGroup, ErrorCode> {
    if command.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let Some(Group::Classic(group)) = groups.group(&command.group_id) else {
        return Err(ErrorCode::UnknownMemberId);
    };
    let member = &command.member;
    group.check_member(&member.member_id, member.instance_id.as_deref())?;
    if member.generation != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    if differs(&command.protocol_type, &group.protocol_type)
        || differs(&command.protocol_name, &group.protocol_name)
    {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    match group.state {
        ClassicState::Empty => Err(ErrorCode::UnknownMemberId),
        ClassicState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
        ClassicState::CompletingRebalance | ClassicState::Stable => Ok(group),
    }
}

/// Clients before version 5 do not say what they believe.
fn differs(believed: &Option<String>, actual: &Option<String>) -> bool {
    matches!((believed, actual), (Some(believed), Some(actual)) if believed != actual)
}

/// The generation is complete: one record with every member's assignment, then all who wait are told.
/// A member that the leader left out gets nothing to do.
fn assign(draft: &mut ClassicDraft<'_>, command: &Sync) {
    let mut record = GroupRecord {
        state_since: Some(draft.now),
        ..draft.group.record()
    };
    for member in &mut record.members {
        member.assignment = command
            .assignments
            .get(&member.member_id)
            .cloned()
            .unwrap_or_default();
    }
    draft.write(record);
    let waiting = |(id, member): (&String, &super::ClassicMember)| {
        member.awaiting_sync.map(|waiter| (id.clone(), waiter))
    };
    let waiting: Vec<_> = draft.group.members.iter().filter_map(waiting).collect();
    for (member_id, waiter) in waiting {
        let reply = reply_to(&draft.group, &member_id);
        draft.reply_sync(waiter, Ok(reply));
        let deadline = draft.session_deadline(&member_id);
        draft.step(ClassicEvent::MemberAnswered {
            member_id,
            deadline,
        });
    }
}

fn reply_to(group: &ClassicGroup, member_id: &str) -> SyncReply {
    SyncReply {
        protocol_type: group.protocol_type.clone(),
        protocol_name: group.protocol_name.clone(),
        assignment: group.members[member_id].assignment.clone(),
    }
}
