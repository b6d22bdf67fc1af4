//! What time alone does to a consumer group.

use super::draft::ConsumerDraft;
use super::state::{ConsumerGroup, MemberState};
use crate::group::event::ConsumerEvent;
use crate::group::groups::Groups;
use crate::machine::{Decision, Millis};
use std::borrow::Cow;

/// Sessions end; members that do not give back what they must are fenced. After a restart every
/// member has a whole session, and a whole rebalance timeout, to come back.
pub(in crate::group) fn tick(
    groups: &Groups,
    now: Millis,
    group_id: &str,
    group: &ConsumerGroup,
) -> Decision<Groups> {
    let mut draft = ConsumerDraft::new(groups, now, group_id, Cow::Borrowed(group));
    for (member_id, member) in &group.members {
        let is_due = |deadline: Option<Millis>| deadline.is_some_and(|deadline| deadline <= now);
        if member.session_deadline.is_none() {
            draft.extend_session(member_id);
            if member.current.state == MemberState::UnrevokedPartitions {
                let timeout = Millis::from(member.record.rebalance_timeout_ms);
                let deadline = Some(now.saturating_add(timeout));
                draft.step(ConsumerEvent::RevocationDue {
                    member_id: member_id.clone(),
                    deadline,
                });
            }
        } else if is_due(member.session_deadline) || is_due(member.revocation_deadline) {
            draft.fence(member_id);
        }
    }
    draft.finish()
}
