//! A decision about one consumer group in the making, over a copy of it.
//!
//! As for classic groups, what is decided is applied to the copy at once, so that the next rule sees
//! it. Most heartbeats change nothing but a deadline: the copy is made at the first change.

use super::state::ConsumerGroup;
use crate::group::event::{ConsumerEvent, Event};
use crate::group::groups::Groups;
use crate::group::reply::Reply;
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;
use std::borrow::Cow;

/// Why a member is refused, with a sentence for its log.
pub(super) type Refusal = (ErrorCode, String);

/// A decision about one consumer group.
pub(super) struct ConsumerDraft<'a> {
    pub(super) now: Millis,
    pub(super) groups: &'a Groups,
    pub(super) group_id: &'a str,
    /// The group as it will be.
    pub(super) group: Cow<'a, ConsumerGroup>,
    decision: Decision<Groups>,
}

impl<'a> ConsumerDraft<'a> {
    /// A decision that starts from `group`.
    pub(super) fn new(
        groups: &'a Groups,
        now: Millis,
        group_id: &'a str,
        group: Cow<'a, ConsumerGroup>,
    ) -> Self {
        Self {
            now,
            groups,
            group_id,
            group,
            decision: Decision::none(),
        }
    }

    /// Decides a step.
    pub(super) fn step(&mut self, event: ConsumerEvent) {
        self.group.to_mut().apply(&event);
        self.push(event);
    }

    /// Decides when a member's session ends: nothing else in this decision depends on it.
    pub(super) fn extend_session(&mut self, member_id: &str) {
        let timeout = self.groups.config().consumer_session_timeout_ms;
        let deadline = self.now.saturating_add(Millis::from(timeout));
        self.push(ConsumerEvent::SessionExtended {
            member_id: member_id.to_owned(),
            deadline,
        });
    }

    fn push(&mut self, event: ConsumerEvent) {
        self.decision.events.push(Event::Consumer {
            group_id: self.group_id.to_owned(),
            event,
        });
    }

    /// Decides something outside the group, before what follows.
    pub(super) fn also(&mut self, events: Vec<Event>) {
        self.decision.events.extend(events);
    }

    /// What was decided, with its answer.
    pub(super) fn answer(mut self, waiter: Waiter, reply: Reply) -> Decision<Groups> {
        self.decision.replies.push((waiter, reply));
        self.decision
    }

    /// What was decided, where nobody asked.
    pub(super) fn finish(self) -> Decision<Groups> {
        self.decision
    }
}
