//! What time alone does to a classic group.

use super::draft::ClassicDraft;
use super::state::{ClassicGroup, ClassicState};
use crate::group::event::ClassicEvent;
use crate::group::groups::Groups;
use crate::machine::{Decision, Millis};

/// Sessions end, members that never came are given up, phases end.
pub(in crate::group) fn tick(
    groups: &Groups,
    now: Millis,
    group_id: &str,
    group: &ClassicGroup,
) -> Decision<Groups> {
    let mut draft = ClassicDraft::new(groups, now, group_id, group.clone());
    draft.start_clocks();
    draft.expire_pending_members();
    draft.expire_sessions();
    draft.expire_sync();
    if let Some(phase) = draft.group.join_phase
        && phase.deadline <= now
    {
        draft.join_phase_over(phase);
    }
    draft.finish()
}

impl ClassicDraft<'_> {
    /// After a restart every member has a whole session to come back.
    fn start_clocks(&mut self) {
        let members = self.group.members.iter();
        let new: Vec<_> = members
            .filter(|(_, member)| member.session_deadline.is_none())
            .map(|(member_id, _)| member_id.clone())
            .collect();
        for member_id in new {
            let deadline = self.session_deadline(&member_id);
            self.step(ClassicEvent::SessionExtended {
                member_id,
                deadline,
            });
        }
    }

    fn expire_pending_members(&mut self) {
        let pending = self.group.pending_join.iter();
        let expired: Vec<_> = pending
            .filter(|(_, deadline)| **deadline <= self.now)
            .map(|(member_id, _)| member_id.clone())
            .collect();
        if expired.is_empty() {
            return;
        }
        for member_id in expired {
            self.remove(&member_id);
        }
        self.complete_if_prepared();
    }

    fn expire_sessions(&mut self) {
        let members = self.group.members.iter();
        let expired: Vec<_> = members
            .filter(|(_, member)| {
                member
                    .expires_at()
                    .is_some_and(|deadline| deadline <= self.now)
            })
            .map(|(member_id, _)| member_id.clone())
            .collect();
        if expired.is_empty() {
            return;
        }
        for member_id in expired {
            self.remove(&member_id);
        }
        match self.group.state {
            ClassicState::Stable | ClassicState::CompletingRebalance => self.prepare_rebalance(),
            ClassicState::PreparingRebalance => self.complete_if_prepared(),
            ClassicState::Empty => {}
        }
    }

    /// Even a first rebalance ends when one that was waited for is given up and all others are in.
    fn complete_if_prepared(&mut self) {
        if self.group.state == ClassicState::PreparingRebalance && self.group.has_all_joined() {
            self.complete_join();
        }
    }

    /// Members that never asked for their assignment are out.
    fn expire_sync(&mut self) {
        if self
            .group
            .sync_deadline
            .is_none_or(|deadline| deadline > self.now)
        {
            return;
        }
        let late: Vec<_> = self.group.pending_sync.iter().cloned().collect();
        for member_id in late {
            self.remove(&member_id);
        }
        self.prepare_rebalance();
    }
}
