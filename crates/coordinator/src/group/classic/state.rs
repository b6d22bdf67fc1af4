//! What a classic group is, and how events change it. Nothing else changes it.

use super::subscription::subscribed_topics;
use crate::group::command::{ClassicProtocol, MemberOrigin};
use crate::group::event::{ClassicEvent, GroupRecord, MemberRecord, MemberTerms};
use crate::machine::{Millis, Waiter};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a classic group stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClassicState {
    /// No members; perhaps offsets. From PreparingRebalance; leads there when someone joins.
    Empty,
    /// Members must join (again). From every other state; leads to CompletingRebalance or Empty.
    PreparingRebalance,
    /// The generation is known, its assignment is not. From PreparingRebalance; leads to Stable, or
    /// back.
    CompletingRebalance,
    /// The assignment is in the log. From CompletingRebalance; leads to PreparingRebalance.
    Stable,
}

impl ClassicState {
    /// As Kafka writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// How long a join phase lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinPhase {
    /// When it ends, whoever is missing.
    pub deadline: Millis,
    /// Given in the first rebalance of an empty group: it waits even if all that are known are in.
    pub initial: Option<InitialDelay>,
}

/// The growing delay of a first rebalance, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitialDelay {
    /// What the current round waits.
    pub delay_ms: i32,
    /// What further rounds may add at most.
    pub remaining_ms: i32,
}

/// A classic group.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ClassicGroup {
    pub(super) state: ClassicState,
    pub(super) state_since: Option<Millis>,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol_name: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, ClassicMember>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<String, String>,
    /// Members that were told their id and have not come back with it, until when.
    pub(super) pending_join: BTreeMap<String, Millis>,
    /// Members of this generation that have not asked for their assignment.
    pub(super) pending_sync: BTreeSet<String>,
    pub(super) sync_deadline: Option<Millis>,
    /// Given exactly in PreparingRebalance.
    pub(super) join_phase: Option<JoinPhase>,
    /// A member came during the initial delay.
    pub(super) new_member_added: bool,
    /// What the generation's members subscribe to, if that can be read.
    pub(super) subscribed: Option<BTreeSet<String>>,
    /// The last record: where a restart would begin.
    written: Option<Arc<GroupRecord>>,
}

/// A member of a classic group.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ClassicMember {
    pub(super) instance_id: Option<String>,
    pub(super) origin: MemberOrigin,
    pub(super) terms: MemberTerms,
    pub(super) assignment: Bytes,
    pub(super) awaiting_join: Option<Waiter>,
    pub(super) awaiting_sync: Option<Waiter>,
    /// Its first join is not answered yet: it does not know that it is a member.
    pub(super) is_new: bool,
    /// `None` after a restart, until the clock is known.
    pub(super) session_deadline: Option<Millis>,
}

impl ClassicMember {
    /// A member whose request is parked need not send heartbeats. A new one cannot, but is given up
    /// in the end: its connection may be gone.
    pub(super) fn expires_at(&self) -> Option<Millis> {
        let parked = self.awaiting_join.is_some() || self.awaiting_sync.is_some();
        if parked && !self.is_new {
            None
        } else {
            Some(self.session_deadline.unwrap_or(Millis::MIN))
        }
    }

    pub(super) fn metadata(&self, protocol_name: &str) -> Option<&Bytes> {
        let offered = |protocol: &&ClassicProtocol| protocol.name == protocol_name;
        self.terms
            .protocols
            .iter()
            .find(offered)
            .map(|protocol| &protocol.metadata)
    }
}

impl ClassicGroup {
    /// A group without members.
    pub(crate) fn empty() -> Self {
        Self {
            state: ClassicState::Empty,
            state_since: None,
            generation: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            sync_deadline: None,
            join_phase: None,
            new_member_added: false,
            subscribed: None,
            written: None,
        }
    }

    /// The group as a restart would find it.
    pub(crate) fn durable(&self) -> Self {
        let mut durable = Self::empty();
        if let Some(written) = &self.written {
            durable.restore(written);
        }
        durable
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Longest of the members' rebalance timeouts, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members
            .values()
            .map(|member| member.terms.rebalance_timeout_ms)
            .max()
            .unwrap_or(0)
    }

    pub(super) fn has_all_joined(&self) -> bool {
        self.pending_join.is_empty()
            && self
                .members
                .values()
                .all(|member| member.awaiting_join.is_some())
    }

    /// The record that would restore this group.
    pub(super) fn record(&self) -> GroupRecord {
        let protocol_name = self.protocol_name.as_deref().unwrap_or_default();
        let member = |(member_id, member): (&String, &ClassicMember)| MemberRecord {
            member_id: member_id.clone(),
            instance_id: member.instance_id.clone(),
            origin: member.origin.clone(),
            rebalance_timeout_ms: member.terms.rebalance_timeout_ms,
            session_timeout_ms: member.terms.session_timeout_ms,
            subscription: member.metadata(protocol_name).cloned().unwrap_or_default(),
            assignment: member.assignment.clone(),
        };
        GroupRecord {
            protocol_type: self.protocol_type.clone(),
            generation: self.generation,
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since,
            members: self.members.iter().map(member).collect(),
        }
    }

    /// A record was written. What it does not hold, such as who waits, stays as it is.
    pub(crate) fn restore(&mut self, record: &GroupRecord) {
        let mut known = std::mem::take(&mut self.members);
        self.state = if record.members.is_empty() {
            ClassicState::Empty
        } else {
            ClassicState::Stable
        };
        self.state_since = record.state_since;
        self.generation = record.generation;
        self.protocol_type.clone_from(&record.protocol_type);
        self.protocol_name.clone_from(&record.protocol_name);
        self.leader.clone_from(&record.leader);
        self.join_phase = None;
        self.new_member_added = false;
        self.static_members.clear();
        let protocol_name = record.protocol_name.clone().unwrap_or_default();
        for member in &record.members {
            if let Some(instance_id) = &member.instance_id {
                self.static_members
                    .insert(instance_id.clone(), member.member_id.clone());
            }
            let mut live = known
                .remove(&member.member_id)
                .unwrap_or_else(|| loaded(member, &protocol_name));
            live.assignment = member.assignment.clone();
            self.members.insert(member.member_id.clone(), live);
        }
        let members = &self.members;
        self.pending_sync
            .retain(|member_id| members.contains_key(member_id));
        self.resubscribe();
        self.written = Some(Arc::new(record.clone()));
    }

    fn resubscribe(&mut self) {
        let protocol_name = self.protocol_name.as_deref().unwrap_or_default();
        let metadata = self
            .members
            .values()
            .map(|member| member.metadata(protocol_name));
        self.subscribed = match self.protocol_type.as_deref() {
            Some("consumer") => subscribed_topics(metadata),
            Some(_) | None => None,
        };
    }

    /// Makes a step true.
    pub(crate) fn apply(&mut self, event: &ClassicEvent) {
        match event {
            ClassicEvent::MemberPending {
                member_id,
                deadline,
            } => {
                self.pending_join.insert(member_id.clone(), *deadline);
            }
            ClassicEvent::MemberAdded { .. } => self.add(event),
            ClassicEvent::MemberRejoined {
                member_id,
                terms,
                waiter,
            } => {
                let member = self.member_mut(member_id);
                member.terms.clone_from(terms);
                member.awaiting_join = Some(*waiter);
            }
            ClassicEvent::StaticMemberReplaced {
                instance_id,
                old_member_id,
                new_member_id,
                deadline,
            } => {
                self.replace(instance_id, old_member_id, new_member_id, *deadline);
            }
            ClassicEvent::MemberRemoved { member_id } => self.remove(member_id),
            ClassicEvent::LeaderElected { member_id } => self.leader = Some(member_id.clone()),
            ClassicEvent::RebalancePrepared { at, phase } => self.prepare(*at, *phase),
            ClassicEvent::JoinExtended { phase } => {
                self.join_phase = Some(*phase);
                self.new_member_added = false;
            }
            ClassicEvent::GenerationStarted {
                at,
                generation,
                protocol_name,
                sync_deadline,
            } => {
                self.start_generation(*at, *generation, protocol_name, *sync_deadline);
            }
            ClassicEvent::SyncReceived { member_id, waiter } => self.synced(member_id, *waiter),
            ClassicEvent::MemberAnswered {
                member_id,
                deadline,
            } => {
                let member = self.member_mut(member_id);
                member.awaiting_join = None;
                member.awaiting_sync = None;
                member.is_new = false;
                member.session_deadline = Some(*deadline);
            }
            ClassicEvent::SessionExtended {
                member_id,
                deadline,
            } => {
                self.member_mut(member_id).session_deadline = Some(*deadline);
            }
        }
    }

    fn member_mut(&mut self, member_id: &str) -> &mut ClassicMember {
        self.members
            .get_mut(member_id)
            .expect("decided for a member of this group")
    }

    fn add(&mut self, event: &ClassicEvent) {
        let ClassicEvent::MemberAdded {
            member_id,
            instance_id,
            origin,
            protocol_type,
            terms,
            waiter,
            deadline,
        } = event
        else {
            unreachable!("called for this event only")
        };
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.clone());
        }
        if self.state == ClassicState::PreparingRebalance {
            self.new_member_added = true;
        }
        if let Some(instance_id) = instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.clone());
        }
        self.leader.get_or_insert_with(|| member_id.clone());
        self.pending_join.remove(member_id);
        let member = ClassicMember {
            instance_id: instance_id.clone(),
            origin: origin.clone(),
            terms: terms.clone(),
            assignment: Bytes::new(),
            awaiting_join: Some(*waiter),
            awaiting_sync: None,
            is_new: true,
            session_deadline: Some(*deadline),
        };
        self.members.insert(member_id.clone(), member);
    }

    fn replace(&mut self, instance_id: &str, old_id: &str, new_id: &str, deadline: Millis) {
        let old = self
            .members
            .remove(old_id)
            .expect("decided for a member of this group");
        let new = ClassicMember {
            awaiting_join: None,
            awaiting_sync: None,
            is_new: false,
            session_deadline: Some(deadline),
            ..old
        };
        self.members.insert(new_id.to_owned(), new);
        if self.is_leader(old_id) {
            self.leader = Some(new_id.to_owned());
        }
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(new_id.to_owned());
        }
        self.static_members
            .insert(instance_id.to_owned(), new_id.to_owned());
    }

    fn remove(&mut self, member_id: &str) {
        if let Some(member) = self.members.remove(member_id)
            && let Some(instance_id) = member.instance_id
        {
            self.static_members.remove(&instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
    }

    fn prepare(&mut self, at: Millis, phase: JoinPhase) {
        assert!(
            self.state != ClassicState::PreparingRebalance,
            "a rebalance is prepared once"
        );
        self.state = ClassicState::PreparingRebalance;
        self.state_since = Some(at);
        self.join_phase = Some(phase);
        self.new_member_added = false;
        self.pending_sync.clear();
        self.sync_deadline = None;
    }

    fn start_generation(
        &mut self,
        at: Millis,
        generation: i32,
        protocol_name: &str,
        sync_deadline: Millis,
    ) {
        assert!(
            self.state == ClassicState::PreparingRebalance,
            "members join before they sync"
        );
        assert!(generation > self.generation, "generations grow");
        self.state = ClassicState::CompletingRebalance;
        self.state_since = Some(at);
        self.generation = generation;
        self.protocol_name = Some(protocol_name.to_owned());
        self.join_phase = None;
        self.new_member_added = false;
        self.pending_sync = self.members.keys().cloned().collect();
        self.sync_deadline = Some(sync_deadline);
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        self.resubscribe();
    }

    fn synced(&mut self, member_id: &str, waiter: Option<Waiter>) {
        self.member_mut(member_id).awaiting_sync = waiter;
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            self.sync_deadline = None;
        }
    }

    /// The earliest moment at which time alone changes something.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let sessions = self.members.values().filter_map(ClassicMember::expires_at);
        let pending = self.pending_join.values().copied();
        let phases = self
            .join_phase
            .map(|phase| phase.deadline)
            .into_iter()
            .chain(self.sync_deadline);
        sessions.chain(pending).chain(phases).min()
    }
}

fn loaded(member: &MemberRecord, protocol_name: &str) -> ClassicMember {
    let metadata = member.subscription.clone();
    ClassicMember {
        instance_id: member.instance_id.clone(),
        origin: member.origin.clone(),
        terms: MemberTerms {
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            protocols: vec![ClassicProtocol {
                name: protocol_name.to_owned(),
                metadata,
            }],
        },
        assignment: Bytes::new(),
        awaiting_join: None,
        awaiting_sync: None,
        is_new: false,
        session_deadline: None,
    }
}
