//! Who may commit offsets of a classic group.

use super::state::{ClassicGroup, ClassicState};
use crate::group::command::Committer;
use crate::group::event::{ClassicEvent, Event};
use crate::group::offsets::RetentionStart;
use crate::machine::Millis;
use once_wire::ErrorCode;

impl ClassicGroup {
    /// The checks of `ClassicGroup.validateOffsetCommit`, in its order.
    pub(crate) fn may_commit(
        &self,
        member: &Committer,
        transactional: bool,
    ) -> Result<(), ErrorCode> {
        if member.generation < 0 && self.state == ClassicState::Empty {
            return Ok(());
        }
        let names_itself =
            member.generation >= 0 || !member.member_id.is_empty() || member.instance_id.is_some();
        if names_itself {
            self.check_member(&member.member_id, member.instance_id.as_deref())?;
            if member.generation != self.generation {
                return Err(ErrorCode::IllegalGeneration);
            }
        } else if !transactional && self.state != ClassicState::Empty {
            // Transactional commits of clients before KIP-447 name no member at all.
            return Err(ErrorCode::UnknownMemberId);
        }
        if !transactional && self.state == ClassicState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// That the member is one, and not a static one that was replaced.
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ErrorCode::UnknownMemberId)
        }
    }

    /// A commit keeps the session alive, except while the generation waits for its assignment.
    pub(crate) fn sign_of_life(
        &self,
        now: Millis,
        group_id: &str,
        member_id: &str,
    ) -> Option<Event> {
        let counts = matches!(
            self.state,
            ClassicState::Stable | ClassicState::PreparingRebalance
        );
        let member = self.members.get(member_id).filter(|_| counts)?;
        let deadline = now.saturating_add(Millis::from(member.terms.session_timeout_ms));
        let event = ClassicEvent::SessionExtended {
            member_id: member_id.to_owned(),
            deadline,
        };
        Some(Event::Classic {
            group_id: group_id.to_owned(),
            event,
        })
    }

    /// From when on the retention of offsets counts (KIP-211).
    pub(crate) fn retention_start(&self) -> RetentionStart {
        match (&self.protocol_type, self.state) {
            // Never had members: the group is only a name for offsets.
            (None, _) => RetentionStart::Commit,
            (Some(_), ClassicState::Empty) => self
                .state_since
                .map_or(RetentionStart::Commit, RetentionStart::At),
            (Some(_), ClassicState::Stable) if self.subscribed.is_some() => RetentionStart::Commit,
            (Some(_), _) => RetentionStart::Never,
        }
    }

    /// True if a member reads the topic, or if nobody can tell.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        let is_consumer = self.protocol_type.as_deref() == Some("consumer");
        self.subscribed
            .as_ref()
            .map_or(is_consumer, |topics| topics.contains(topic))
    }

    /// OffsetDelete needs a group whose subscriptions can be read.
    pub(crate) fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        let readable = self.protocol_type.as_deref() == Some("consumer");
        if self.state == ClassicState::Empty || readable {
            Ok(())
        } else {
            Err(ErrorCode::NonEmptyGroup)
        }
    }

    /// True if nobody is in and nobody is expected.
    pub(crate) fn is_empty(&self) -> bool {
        self.state == ClassicState::Empty && self.pending_join.is_empty()
    }

    /// Where the group stands.
    pub(crate) fn state(&self) -> ClassicState {
        self.state
    }
}
