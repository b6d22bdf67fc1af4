//! A static member that comes back without its member id (KIP-345): a restarted process.

use super::join::Joining;
use super::state::ClassicState;
use crate::group::event::ClassicEvent;
use crate::group::reply::JoinReply;
use once_wire::ErrorCode;

impl Joining<'_> {
    /// It gets a new member id, and keeps its assignment if nothing else changed. Whoever still uses
    /// the old id is fenced.
    pub(super) fn replace_static_member(&mut self, old_member_id: &str, new_member_id: &str) {
        let old_leader = self.draft.group.leader.clone();
        self.draft
            .dismiss(old_member_id, old_member_id, ErrorCode::FencedInstanceId);
        let old = &self.draft.group.members[old_member_id];
        let instance_id = old.instance_id.clone().expect("found by its instance id");
        let deadline = self.after(old.terms.session_timeout_ms);
        self.draft.step(ClassicEvent::StaticMemberReplaced {
            instance_id,
            old_member_id: old_member_id.to_owned(),
            new_member_id: new_member_id.to_owned(),
            deadline,
        });
        self.park(new_member_id);
        match self.draft.group.state {
            ClassicState::Stable if self.keeps_protocol() => {
                self.keep_generation(new_member_id, old_leader);
            }
            // The leader may already hold the old id, and assign to it.
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.draft.prepare_rebalance();
            }
            ClassicState::PreparingRebalance => self.draft.complete_if_all_joined(),
            ClassicState::Empty => unreachable!("an empty group has no static member"),
        }
    }

    fn keeps_protocol(&self) -> bool {
        self.draft.group.protocol_name.as_deref() == Some(self.draft.select_protocol().as_str())
    }

    /// No rebalance: the member gets the generation as it is. A leader that understands is shown the
    /// members and told not to assign (KIP-814); for others the leader they are told is the old id,
    /// so that they do not try.
    fn keep_generation(&mut self, member_id: &str, old_leader: Option<String>) {
        let reply = self.draft.join_reply(member_id);
        let leads = self.draft.group.is_leader(member_id);
        let reply = if self.command.supports_skipping_assignment {
            JoinReply {
                skip_assignment: leads,
                ..reply
            }
        } else {
            JoinReply {
                leader: old_leader,
                members: Vec::new(),
                ..reply
            }
        };
        let deadline = self.draft.session_deadline(member_id);
        self.draft.step(ClassicEvent::MemberAnswered {
            member_id: member_id.to_owned(),
            deadline,
        });
        self.draft.write_current();
        self.draft.reply_join(self.waiter, reply);
    }
}
