//! Heartbeat: a sign of life, and how a member learns that it must join again.

use super::state::ClassicState;
use crate::group::command::Heartbeat;
use crate::group::event::{ClassicEvent, Event};
use crate::group::groups::{Group, Groups};
use crate::group::reply::Reply;
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;

/// Decides a Heartbeat.
pub(in crate::group) fn heartbeat(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &Heartbeat,
) -> Decision<Groups> {
    match check(groups, command) {
        Err(error) => Decision::reply(waiter, Reply::Heartbeat(error)),
        Ok((timeout_ms, answer)) => {
            let event = ClassicEvent::SessionExtended {
                member_id: command.member.member_id.clone(),
                deadline: now.saturating_add(Millis::from(timeout_ms)),
            };
            let mut decision = Decision::reply(waiter, Reply::Heartbeat(answer));
            decision.events.push(Event::Classic {
                group_id: command.group_id.clone(),
                event,
            });
            decision
        }
    }
}

/// The session timeout of a member whose heartbeat counts, and the answer.
fn check(groups: &Groups, command: &Heartbeat) -> Result<(i32, ErrorCode), ErrorCode> {
    if command.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let Some(Group::Classic(group)) = groups.group(&command.group_id) else {
        return Err(ErrorCode::UnknownMemberId);
    };
    let member_id = command.member.member_id.as_str();
    group.check_member(member_id, command.member.instance_id.as_deref())?;
    if command.member.generation != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    let timeout_ms = group.members[member_id].terms.session_timeout_ms;
    match group.state {
        ClassicState::Empty => Err(ErrorCode::UnknownMemberId),
        ClassicState::PreparingRebalance => Ok((timeout_ms, ErrorCode::RebalanceInProgress)),
        // After JoinGroup's answer consumers start to send heartbeats before they have synced.
        ClassicState::CompletingRebalance | ClassicState::Stable => {
            Ok((timeout_ms, ErrorCode::None))
        }
    }
}
