//! ConsumerGroupHeartbeat (Kafka: `GroupMetadataManager.consumerGroupHeartbeat`).
//!
//! A heartbeat that is accepted does four things, each leaving no trace if nothing changed: the member
//! is created or updated; the group's epoch grows if what members want, or the topics they want,
//! changed; a target is made for a new epoch; the member goes a step towards its target.

use super::draft::{ConsumerDraft, Refusal};
use super::leave::leave;
use super::reconcile::reconcile;
use super::state::{
    ConsumerGroup, CurrentAssignment, JOIN, LEAVE, LEAVE_STATIC, MemberState, Partitions,
    partitions_of,
};
use super::validate::validate;
use crate::group::command::ConsumerHeartbeat;
use crate::group::event::ConsumerEvent;
use crate::group::groups::{Group, Groups};
use crate::group::reply::{ConsumerHeartbeatReply, Reply};
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;
use std::borrow::Cow;

/// Decides a ConsumerGroupHeartbeat.
pub(in crate::group) fn heartbeat(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &ConsumerHeartbeat,
) -> Decision<Groups> {
    let decided = validate(groups.config(), command).and_then(|()| match command.member_epoch {
        LEAVE | LEAVE_STATIC => leave(groups, now, command),
        _ => stay(groups, now, command),
    });
    match decided {
        Ok((draft, reply)) => draft.answer(waiter, Reply::ConsumerHeartbeat(Ok(reply))),
        Err(refusal) => Decision::reply(waiter, Reply::ConsumerHeartbeat(Err(refusal))),
    }
}

/// A heartbeat's decision before it is sealed.
pub(super) type Decided<'a> = Result<(ConsumerDraft<'a>, ConsumerHeartbeatReply), Refusal>;

fn stay<'a>(groups: &'a Groups, now: Millis, command: &'a ConsumerHeartbeat) -> Decided<'a> {
    let mut draft = open(groups, now, command)?;
    let before = draft.admit(command)?;
    let wants_more = draft.update_member(command)?;
    draft.bump_if_changed(wants_more);
    draft.make_target();
    draft.reconcile_member(command)?;
    draft.extend_session(&command.member_id);
    let current = &draft.group.members[&command.member_id].current;
    let assigned = partitions_of(&current.assigned);
    let tell = is_full(command) || assigned != before;
    let reply = ConsumerHeartbeatReply {
        member_id: command.member_id.clone(),
        member_epoch: current.epoch,
        heartbeat_interval_ms: groups.config().consumer_heartbeat_interval_ms,
        assignment: tell.then_some(assigned),
    };
    Ok((draft, reply))
}

/// A member that says all of itself, because it joins or lost its way, is told all.
fn is_full(command: &ConsumerHeartbeat) -> bool {
    let subscribes = command.subscribed_topics.is_some() || command.subscribed_regex.is_some();
    command.member_epoch == JOIN
        || (command.rebalance_timeout_ms.is_some() && subscribes && command.owned.is_some())
}

/// The group, made if the member joins and it is not there. A classic group without members gives its
/// id away; one with members does not.
fn open<'a>(
    groups: &'a Groups,
    now: Millis,
    command: &'a ConsumerHeartbeat,
) -> Result<ConsumerDraft<'a>, Refusal> {
    let group_id = command.group_id.as_str();
    let new = || Cow::Owned(ConsumerGroup::default());
    let joins = command.member_epoch == JOIN;
    match groups.group(group_id) {
        Some(Group::Consumer(group)) => Ok(ConsumerDraft::new(
            groups,
            now,
            group_id,
            Cow::Borrowed(group),
        )),
        Some(group @ Group::Classic(_)) if joins && group.is_empty() => {
            let mut draft = ConsumerDraft::new(groups, now, group_id, new());
            draft.also(group.tombstones(group_id));
            Ok(draft)
        }
        Some(Group::Classic(_)) => {
            let text = format!("group {group_id} is not a consumer group");
            Err((ErrorCode::GroupIdNotFound, text))
        }
        None if joins => Ok(ConsumerDraft::new(groups, now, group_id, new())),
        None => Err((
            ErrorCode::GroupIdNotFound,
            format!("no consumer group {group_id}"),
        )),
    }
}

impl ConsumerDraft<'_> {
    /// One step of the member towards its target.
    fn reconcile_member(&mut self, command: &ConsumerHeartbeat) -> Result<(), Refusal> {
        let member_id = command.member_id.as_str();
        let member = &self.group.members[member_id];
        let target = self
            .group
            .targets
            .get(member_id)
            .cloned()
            .unwrap_or_default();
        let held = self.group.held_by_others(member_id);
        let is_free = |topic_id, partition| !held.contains(&(topic_id, partition));
        let owned = command.owned.as_ref();
        let target = (self.group.target_epoch, &target);
        let next = reconcile(&member.current, target, owned, is_free)?;
        if next != member.current {
            let timeout = Millis::from(member.record.rebalance_timeout_ms);
            self.set_current(member_id, next, timeout);
        }
        Ok(())
    }

    fn set_current(&mut self, member_id: &str, next: CurrentAssignment, timeout: Millis) {
        let must_revoke = next.state == MemberState::UnrevokedPartitions;
        let deadline = must_revoke.then(|| self.now.saturating_add(timeout));
        let had = self.group.members[member_id].revocation_deadline;
        self.step(ConsumerEvent::Current {
            member_id: member_id.to_owned(),
            assignment: Some(next),
        });
        if had != deadline {
            self.step(ConsumerEvent::RevocationDue {
                member_id: member_id.to_owned(),
                deadline,
            });
        }
    }

    /// The partitions that the member has, before anything changes.
    pub(super) fn assigned(&self, member_id: &str) -> Partitions {
        let member = self.group.members.get(member_id);
        member
            .map(|member| partitions_of(&member.current.assigned))
            .unwrap_or_default()
    }
}
