//! A decision in the making, over a copy of one group.
//!
//! A rule often needs what the rule before it made true: a member leaves, so the rest are all in, so a
//! generation starts. So each event is applied to the copy as it is decided, by the same `apply` that
//! will make it true, and collected.

use super::state::ClassicGroup;
use crate::group::config::GroupConfig;
use crate::group::event::{ClassicEvent, Event, GroupRecord};
use crate::group::groups::Groups;
use crate::group::reply::{JoinReply, Reply, SyncReply};
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;

/// A decision about one classic group.
pub(super) struct ClassicDraft<'a> {
    pub(super) now: Millis,
    pub(super) config: &'a GroupConfig,
    pub(super) group_id: &'a str,
    /// The group as it will be.
    pub(super) group: ClassicGroup,
    decision: Decision<Groups>,
}

impl<'a> ClassicDraft<'a> {
    /// A decision that starts from `group`.
    pub(super) fn new(
        groups: &'a Groups,
        now: Millis,
        group_id: &'a str,
        group: ClassicGroup,
    ) -> Self {
        let decision = Decision::none();
        Self {
            now,
            config: groups.config(),
            group_id,
            group,
            decision,
        }
    }

    /// Decides a volatile step.
    pub(super) fn step(&mut self, event: ClassicEvent) {
        self.group.apply(&event);
        self.decision.events.push(Event::Classic {
            group_id: self.group_id.to_owned(),
            event,
        });
    }

    /// Decides that the group, as it is now, goes to the log.
    pub(super) fn write_current(&mut self) {
        self.write(self.group.record());
    }

    /// Decides that the log says this of the group.
    pub(super) fn write(&mut self, record: GroupRecord) {
        self.group.restore(&record);
        let group_id = self.group_id.to_owned();
        self.decision.events.push(Event::ClassicGroup {
            group_id,
            record: Some(record),
        });
    }

    /// Decides something outside the group, before what follows.
    pub(super) fn also(&mut self, events: Vec<Event>) {
        self.decision.events.extend(events);
    }

    pub(super) fn reply(&mut self, waiter: Waiter, reply: Reply) {
        self.decision.replies.push((waiter, reply));
    }

    pub(super) fn reply_join(&mut self, waiter: Waiter, reply: JoinReply) {
        self.reply(waiter, Reply::Join(reply));
    }

    pub(super) fn reply_sync(&mut self, waiter: Waiter, reply: Result<SyncReply, ErrorCode>) {
        self.reply(waiter, Reply::Sync(reply));
    }

    /// The session's end of a member that gave a sign of life now.
    pub(super) fn session_deadline(&self, member_id: &str) -> Millis {
        let timeout = self
            .group
            .members
            .get(member_id)
            .map(|m| m.terms.session_timeout_ms);
        self.now
            .saturating_add(Millis::from(timeout.unwrap_or_default()))
    }

    /// Answers whatever the member waits for with an error; `told` is the member id in that answer.
    pub(super) fn dismiss(&mut self, member_id: &str, told: &str, error: ErrorCode) {
        let Some(member) = self.group.members.get(member_id) else {
            return;
        };
        let (joining, syncing) = (member.awaiting_join, member.awaiting_sync);
        if let Some(waiter) = joining {
            self.reply_join(waiter, JoinReply::refused(told, error));
        }
        if let Some(waiter) = syncing {
            self.reply_sync(waiter, Err(error));
        }
    }

    /// Removes a member; its parked request, if any, is answered UNKNOWN_MEMBER_ID, so that a client
    /// that is still there starts afresh.
    pub(super) fn remove(&mut self, member_id: &str) {
        self.dismiss(member_id, "", ErrorCode::UnknownMemberId);
        self.step(ClassicEvent::MemberRemoved {
            member_id: member_id.to_owned(),
        });
    }

    /// What was decided.
    pub(super) fn finish(self) -> Decision<Groups> {
        self.decision
    }
}
