//! From one generation to the next (Kafka: `prepareRebalance`, `completeClassicGroupJoin`).

use super::draft::ClassicDraft;
use super::state::{ClassicMember, ClassicState, InitialDelay, JoinPhase};
use crate::group::event::{ClassicEvent, GroupRecord};
use crate::group::reply::{JoinMember, JoinReply};
use crate::machine::Millis;
use once_wire::ErrorCode;
use std::collections::BTreeMap;

impl ClassicDraft<'_> {
    /// Membership changed: start a rebalance, or see whether the one under way is complete.
    pub(super) fn rebalance_or_complete(&mut self) {
        match self.group.state {
            ClassicState::PreparingRebalance => self.complete_if_all_joined(),
            ClassicState::Empty | ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.prepare_rebalance();
            }
        }
    }

    /// Ends the join phase early if everyone is in, unless it is the first: that one waits for
    /// members that nobody knows yet.
    pub(super) fn complete_if_all_joined(&mut self) {
        let waits = self
            .group
            .join_phase
            .is_none_or(|phase| phase.initial.is_some());
        if !waits && self.group.has_all_joined() {
            self.complete_join();
        }
    }

    /// Asks all members to join again.
    pub(super) fn prepare_rebalance(&mut self) {
        self.refuse_syncs();
        let initial = self.group.state == ClassicState::Empty;
        let phase = if initial {
            self.first_phase()
        } else {
            self.phase()
        };
        self.step(ClassicEvent::RebalancePrepared {
            at: self.now,
            phase,
        });
        let all_in = !initial && self.group.has_all_joined();
        if all_in || (initial && self.config.initial_rebalance_delay_ms == 0) {
            self.complete_join();
        }
    }

    /// Members that wait for the assignment of a generation that will not be must join again.
    fn refuse_syncs(&mut self) {
        let waiting = |(id, member): (&String, &ClassicMember)| {
            member.awaiting_sync.map(|waiter| (id.clone(), waiter))
        };
        let waiting: Vec<_> = self.group.members.iter().filter_map(waiting).collect();
        for (member_id, waiter) in waiting {
            self.reply_sync(waiter, Err(ErrorCode::RebalanceInProgress));
            let deadline = self.session_deadline(&member_id);
            // One may be joining already, with a sync left behind: its join goes on waiting.
            let event = match self.group.members[&member_id].awaiting_join {
                Some(_) => ClassicEvent::SyncReceived {
                    member_id,
                    waiter: None,
                },
                None => ClassicEvent::MemberAnswered {
                    member_id,
                    deadline,
                },
            };
            self.step(event);
        }
    }

    fn phase(&self) -> JoinPhase {
        let timeout = Millis::from(self.group.rebalance_timeout_ms());
        JoinPhase {
            deadline: self.now.saturating_add(timeout),
            initial: None,
        }
    }

    fn first_phase(&self) -> JoinPhase {
        let delay_ms = self.config.initial_rebalance_delay_ms;
        let remaining_ms = self
            .group
            .rebalance_timeout_ms()
            .saturating_sub(delay_ms)
            .max(0);
        JoinPhase {
            deadline: self.now.saturating_add(Millis::from(delay_ms)),
            initial: Some(InitialDelay {
                delay_ms,
                remaining_ms,
            }),
        }
    }

    /// The join phase's time is up.
    pub(super) fn join_phase_over(&mut self, phase: JoinPhase) {
        match phase.initial {
            Some(InitialDelay {
                delay_ms,
                remaining_ms,
            }) if self.group.new_member_added && remaining_ms != 0 => {
                let next_ms = self.config.initial_rebalance_delay_ms.min(remaining_ms);
                let left = InitialDelay {
                    delay_ms: next_ms,
                    remaining_ms: remaining_ms.saturating_sub(delay_ms).max(0),
                };
                let deadline = self.now.saturating_add(Millis::from(next_ms));
                self.step(ClassicEvent::JoinExtended {
                    phase: JoinPhase {
                        deadline,
                        initial: Some(left),
                    },
                });
            }
            Some(_) | None => self.complete_join(),
        }
    }

    /// Starts the next generation with those who are in. Dynamic members who are not are removed;
    /// static ones have until their session ends.
    pub(super) fn complete_join(&mut self) {
        let is_missing = |(id, member): (&String, &ClassicMember)| {
            let missing = member.awaiting_join.is_none() && member.instance_id.is_none();
            missing.then(|| id.clone())
        };
        let missing: Vec<_> = self.group.members.iter().filter_map(is_missing).collect();
        for member_id in missing {
            self.remove(&member_id);
        }
        if self.group.members.is_empty() {
            self.become_empty();
        } else if self.elect_leader() {
            self.start_generation();
        } else {
            // Only static members, none of them back: their sessions decide. A member may have asked
            // for no time at all; that must not make the clock run hot.
            let soonest = self.now.saturating_add(1_000);
            let phase = JoinPhase {
                deadline: self.phase().deadline.max(soonest),
                initial: None,
            };
            self.step(ClassicEvent::JoinExtended { phase });
        }
    }

    fn become_empty(&mut self) {
        self.write(GroupRecord {
            protocol_type: self.group.protocol_type.clone(),
            generation: self.group.generation + 1,
            protocol_name: None,
            leader: None,
            state_since: Some(self.now),
            members: Vec::new(),
        });
    }

    /// A leader that is not in loses its place to the first that is.
    fn elect_leader(&mut self) -> bool {
        let is_in = |member: &ClassicMember| member.awaiting_join.is_some();
        let leader = self
            .group
            .leader
            .as_ref()
            .and_then(|id| self.group.members.get(id));
        if leader.is_some_and(is_in) {
            return true;
        }
        let first = self.group.members.iter().find(|(_, member)| is_in(member));
        let Some((member_id, _)) = first else {
            return false;
        };
        let member_id = member_id.clone();
        self.step(ClassicEvent::LeaderElected { member_id });
        true
    }

    fn start_generation(&mut self) {
        let timeout = Millis::from(self.group.rebalance_timeout_ms());
        let protocol_name = self.select_protocol();
        self.step(ClassicEvent::GenerationStarted {
            at: self.now,
            generation: self.group.generation + 1,
            protocol_name,
            sync_deadline: self.now.saturating_add(timeout),
        });
        let member_ids: Vec<_> = self.group.members.keys().cloned().collect();
        for member_id in member_ids {
            self.answer_join(&member_id);
        }
    }

    /// Tells a member that it is in the generation. A static member that has not come back is in too,
    /// and has a whole session to show itself.
    pub(super) fn answer_join(&mut self, member_id: &str) {
        if let Some(waiter) = self.group.members[member_id].awaiting_join {
            let reply = self.join_reply(member_id);
            self.reply_join(waiter, reply);
        }
        let deadline = self.session_deadline(member_id);
        self.step(ClassicEvent::MemberAnswered {
            member_id: member_id.to_owned(),
            deadline,
        });
    }

    /// The current generation as JoinGroup tells it to a member.
    pub(super) fn join_reply(&self, member_id: &str) -> JoinReply {
        let leads = self.group.is_leader(member_id);
        JoinReply {
            error: ErrorCode::None,
            generation: self.group.generation,
            protocol_type: self.group.protocol_type.clone(),
            protocol_name: self.group.protocol_name.clone(),
            leader: self.group.leader.clone(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members: if leads {
                self.join_members()
            } else {
                Vec::new()
            },
        }
    }

    fn join_members(&self) -> Vec<JoinMember> {
        let protocol_name = self.group.protocol_name.as_deref().unwrap_or_default();
        let member = |(member_id, member): (&String, &ClassicMember)| JoinMember {
            member_id: member_id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(protocol_name).cloned().unwrap_or_default(),
        };
        self.group.members.iter().map(member).collect()
    }

    /// Each member votes for the first of its protocols that all members know; most votes win, and
    /// among equals the first by name.
    pub(super) fn select_protocol(&self) -> String {
        let members = &self.group.members;
        let is_common = |name: &str| {
            members
                .values()
                .all(|member| member.metadata(name).is_some())
        };
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in members.values() {
            let choice = member
                .terms
                .protocols
                .iter()
                .find(|protocol| is_common(&protocol.name));
            let choice = choice.expect("a member joins only with a protocol that all know");
            *votes.entry(&choice.name).or_default() += 1;
        }
        let most = votes.values().copied().max().unwrap_or_default();
        let winner = votes.into_iter().find(|(_, count)| *count == most);
        winner
            .map(|(name, _)| name.to_owned())
            .expect("there are members, and each voted")
    }
}
