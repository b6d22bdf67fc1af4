//! JoinGroup (Kafka: `classicGroupJoin`; KIP-394 for the two steps of a new member).

use super::draft::ClassicDraft;
use super::state::{ClassicGroup, ClassicState};
use crate::group::command::Join;
use crate::group::event::{ClassicEvent, GroupRecord, MemberTerms};
use crate::group::groups::{Group, Groups};
use crate::group::reply::{JoinReply, Reply};
use crate::machine::{Decision, Millis, Waiter};
use once_wire::{ErrorCode, Uuid};

/// How long the join of a new member, who cannot send heartbeats yet, is kept (Kafka's constant).
const NEW_MEMBER_JOIN_TIMEOUT_MS: Millis = 5 * 60 * 1_000;

/// A JoinGroup being decided.
pub(super) struct Joining<'a> {
    pub(super) draft: ClassicDraft<'a>,
    pub(super) waiter: Waiter,
    pub(super) command: &'a Join,
}

/// Decides a JoinGroup. It is answered when the generation starts.
pub(in crate::group) fn join(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &Join,
) -> Decision<Groups> {
    match open(groups, now, command) {
        Err(error) => {
            let reply = JoinReply::refused(command.member_id.clone(), error);
            Decision::reply(waiter, Reply::Join(reply))
        }
        Ok(draft) => {
            let mut joining = Joining {
                draft,
                waiter,
                command,
            };
            joining.decide();
            joining.draft.finish()
        }
    }
}

/// The group to join, made if it is not there.
fn open<'a>(
    groups: &'a Groups,
    now: Millis,
    command: &'a Join,
) -> Result<ClassicDraft<'a>, ErrorCode> {
    let (config, group_id) = (groups.config(), command.group_id.as_str());
    if group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let timeouts = config.min_session_timeout_ms..=config.max_session_timeout_ms;
    if !timeouts.contains(&command.session_timeout_ms) {
        return Err(ErrorCode::InvalidSessionTimeout);
    }
    let group = groups.group(group_id);
    match group {
        Some(Group::Classic(group)) => Ok(ClassicDraft::new(groups, now, group_id, group.clone())),
        Some(Group::Consumer(group)) if !group.is_empty() => {
            Err(ErrorCode::InconsistentGroupProtocol)
        }
        Some(Group::Consumer(_)) | None if !command.member_id.is_empty() => {
            Err(ErrorCode::UnknownMemberId)
        }
        Some(Group::Consumer(_)) | None => {
            // The id is taken over from a consumer group whose members are all gone.
            let old = group
                .map(|group| group.tombstones(group_id))
                .unwrap_or_default();
            let mut draft = ClassicDraft::new(groups, now, group_id, ClassicGroup::empty());
            draft.also(old);
            let record = GroupRecord {
                state_since: Some(now),
                ..draft.group.record()
            };
            draft.write(record);
            Ok(draft)
        }
    }
}

impl Joining<'_> {
    fn decide(&mut self) {
        let command = self.command;
        if !self.has_room() {
            if self.draft.group.members.contains_key(&command.member_id) {
                self.draft.remove(&command.member_id);
            }
            return self.refuse("", ErrorCode::GroupMaxSizeReached);
        }
        if !self.is_compatible() {
            return self.refuse(&command.member_id, ErrorCode::InconsistentGroupProtocol);
        }
        if command.member_id.is_empty() {
            self.new_member();
        } else if self.is_expected() {
            self.add(command.member_id.clone());
        } else {
            match self
                .draft
                .group
                .check_member(&command.member_id, command.instance_id.as_deref())
            {
                Ok(()) => self.known_member(),
                Err(error) => self.refuse(&command.member_id, error),
            }
        }
    }

    /// Those already in are accepted, new ones while there is room. During a rebalance it is the
    /// number of those who came back that counts.
    fn has_room(&self) -> bool {
        let (group, max) = (&self.draft.group, self.draft.config.max_size);
        let member = group.members.get(&self.command.member_id);
        match group.state {
            ClassicState::Empty => true,
            ClassicState::PreparingRebalance => {
                let joined = group
                    .members
                    .values()
                    .filter(|member| member.awaiting_join.is_some());
                member.is_some_and(|member| member.awaiting_join.is_some()) || joined.count() < max
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                member.is_some() || group.members.len() < max
            }
        }
    }

    /// The member must be of the group's type and share a protocol with all others.
    fn is_compatible(&self) -> bool {
        let (group, command) = (&self.draft.group, self.command);
        if group.state == ClassicState::Empty {
            return !command.protocol_type.is_empty() && !command.protocols.is_empty();
        }
        let is_common = |name: &str| group.members.values().all(|m| m.metadata(name).is_some());
        group.protocol_type.as_ref() == Some(&command.protocol_type)
            && command
                .protocols
                .iter()
                .any(|protocol| is_common(&protocol.name))
    }

    /// Only dynamic members are told their id first.
    fn is_expected(&self) -> bool {
        let pending = &self.draft.group.pending_join;
        self.command.instance_id.is_none() && pending.contains_key(&self.command.member_id)
    }

    fn new_member(&mut self) {
        let prefix = self
            .command
            .instance_id
            .as_ref()
            .unwrap_or(&self.command.origin.client_id);
        let member_id = format!("{prefix}-{}", hyphenated(self.command.fresh_id));
        let existing = self
            .command
            .instance_id
            .as_ref()
            .and_then(|instance_id| self.draft.group.static_members.get(instance_id).cloned());
        if let Some(old_member_id) = existing {
            self.replace_static_member(&old_member_id, &member_id);
        } else if self.command.instance_id.is_none() && self.command.require_known_member_id {
            let deadline = self.after(self.command.session_timeout_ms);
            self.draft.step(ClassicEvent::MemberPending {
                member_id: member_id.clone(),
                deadline,
            });
            self.refuse(&member_id, ErrorCode::MemberIdRequired);
        } else {
            self.add(member_id);
        }
    }

    fn known_member(&mut self) {
        let member_id = self.command.member_id.as_str();
        let member = &self.draft.group.members[member_id];
        let unchanged = member.terms.protocols == self.command.protocols;
        match self.draft.group.state {
            ClassicState::PreparingRebalance => self.rejoin(),
            // The answer may have been lost: the same member gets the same generation.
            ClassicState::CompletingRebalance if unchanged => self.tell_current(),
            // A leader that joins again asks for a rebalance: its view of the topics changed.
            ClassicState::Stable if unchanged && !self.draft.group.is_leader(member_id) => {
                self.tell_current();
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => self.rejoin(),
            ClassicState::Empty => self.refuse(member_id, ErrorCode::UnknownMemberId),
        }
    }

    fn tell_current(&mut self) {
        let reply = self.draft.join_reply(&self.command.member_id);
        self.draft.reply_join(self.waiter, reply);
    }

    fn add(&mut self, member_id: String) {
        let command = self.command;
        let deadline = self.draft.now.saturating_add(NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.draft.step(ClassicEvent::MemberAdded {
            member_id,
            instance_id: command.instance_id.clone(),
            origin: command.origin.clone(),
            protocol_type: command.protocol_type.clone(),
            terms: self.terms(),
            waiter: self.waiter,
            deadline,
        });
        self.draft.rebalance_or_complete();
    }

    fn rejoin(&mut self) {
        self.park(&self.command.member_id);
        self.draft.rebalance_or_complete();
    }

    /// Lets the member wait for the generation. A join that it left behind, on a connection that is
    /// most likely gone, is told to come again.
    pub(super) fn park(&mut self, member_id: &str) {
        let terms = self.terms();
        if let Some(stale) = self.draft.group.members[member_id].awaiting_join {
            let reply = JoinReply::refused(member_id, ErrorCode::RebalanceInProgress);
            self.draft.reply_join(stale, reply);
        }
        let member_id = member_id.to_owned();
        self.draft.step(ClassicEvent::MemberRejoined {
            member_id,
            terms,
            waiter: self.waiter,
        });
    }

    fn terms(&self) -> MemberTerms {
        MemberTerms {
            // Less than nothing is nothing; −1 would read back from the log as another timeout.
            rebalance_timeout_ms: self.command.rebalance_timeout_ms.max(0),
            session_timeout_ms: self.command.session_timeout_ms,
            protocols: self.command.protocols.clone(),
        }
    }

    pub(super) fn after(&self, timeout_ms: i32) -> Millis {
        self.draft.now.saturating_add(Millis::from(timeout_ms))
    }

    pub(super) fn refuse(&mut self, member_id: &str, error: ErrorCode) {
        self.draft
            .reply_join(self.waiter, JoinReply::refused(member_id, error));
    }
}

/// The usual form of a random id, 8-4-4-4-12.
fn hyphenated(id: Uuid) -> String {
    let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
