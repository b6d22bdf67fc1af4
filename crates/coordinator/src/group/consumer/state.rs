//! What a consumer group is, and how events change it. Nothing else changes it.

use crate::group::command::MemberOrigin;
use crate::group::event::ConsumerEvent;
use crate::machine::Millis;
use once_wire::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// Partitions by topic id. No set in it is empty.
pub type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

/// Partitions by topic id, each with the member epoch at which it was given to the member. A commit
/// by an older epoch is a zombie's (KIP-1251). No map in it is empty.
pub type Owned = BTreeMap<Uuid, BTreeMap<i32, i32>>;

/// Where a consumer group stands. It follows from its members and epochs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsumerState {
    /// No members.
    Empty,
    /// The target assignment is older than what members want.
    Assigning,
    /// Some member is on its way to the target.
    Reconciling,
    /// All members have what they shall have.
    Stable,
}

impl ConsumerState {
    /// As Kafka writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// How far a member is on its way to its target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemberState {
    /// It has what its epoch says.
    #[default]
    Stable,
    /// It must give something back before it may go on.
    UnrevokedPartitions,
    /// Something that it shall have is still with another member.
    UnreleasedPartitions,
    /// A newer broker's state: such a member must start afresh.
    Unknown,
}

/// What the log keeps of a member (key 5).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerMemberRecord {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Its rack.
    pub rack_id: Option<String>,
    /// The client.
    pub origin: MemberOrigin,
    /// Topics subscribed by name.
    pub subscribed_topics: BTreeSet<String>,
    /// Topics subscribed by pattern.
    pub subscribed_regex: Option<String>,
    /// How long it may take to give partitions back, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// The assignor it asked for.
    pub server_assignor: Option<String>,
}

/// What a member owns (key 8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentAssignment {
    /// The member's epoch; −2 while a static member is away.
    pub epoch: i32,
    /// The epoch before: a heartbeat whose answer was lost comes with it.
    pub previous_epoch: i32,
    /// How far it is.
    pub state: MemberState,
    /// What it may use.
    pub assigned: Owned,
    /// What it must give back.
    pub revoking: Owned,
}

impl Default for CurrentAssignment {
    fn default() -> Self {
        Self {
            epoch: 0,
            previous_epoch: -1,
            state: MemberState::Stable,
            assigned: Owned::new(),
            revoking: Owned::new(),
        }
    }
}

/// The topics that a pattern stood for (key 16).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedRegex {
    /// The topics.
    pub topics: BTreeSet<String>,
    /// Which state of the catalog was looked at.
    pub version: i64,
    /// When.
    pub timestamp: Millis,
}

/// A consumer group.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ConsumerGroup {
    pub(super) epoch: i32,
    pub(super) metadata_hash: i64,
    pub(super) target_epoch: i32,
    pub(super) target_timestamp: Millis,
    pub(super) members: BTreeMap<String, ConsumerMember>,
    pub(super) targets: BTreeMap<String, Partitions>,
    pub(super) regexes: BTreeMap<String, ResolvedRegex>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<String, String>,
}

/// The epoch of a group in which nothing happened yet, so that the first that is recorded is 2
/// (Kafka 4.3: `ModernGroup`; before, groups began at 0).
const NEW_GROUP_EPOCH: i32 = 1;

impl Default for ConsumerGroup {
    fn default() -> Self {
        Self {
            epoch: NEW_GROUP_EPOCH,
            metadata_hash: 0,
            target_epoch: 0,
            target_timestamp: 0,
            members: BTreeMap::new(),
            targets: BTreeMap::new(),
            regexes: BTreeMap::new(),
            static_members: BTreeMap::new(),
        }
    }
}

/// A member of a consumer group.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ConsumerMember {
    pub(super) record: ConsumerMemberRecord,
    pub(super) current: CurrentAssignment,
    /// `None` after a restart, until the clock is known.
    pub(super) session_deadline: Option<Millis>,
    /// Until when it must have given back what it shall give back.
    pub(super) revocation_deadline: Option<Millis>,
}

impl ConsumerMember {
    /// A static member that said it will be back.
    pub(super) fn is_away(&self) -> bool {
        self.current.epoch == LEAVE_STATIC
    }

    /// True if it has all that the target of `epoch` gives it.
    pub(super) fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.current.state == MemberState::Stable && self.current.epoch == epoch
    }
}

/// Without the epochs.
pub(super) fn partitions_of(owned: &Owned) -> Partitions {
    let topic = |(topic_id, partitions): (&Uuid, &BTreeMap<i32, i32>)| {
        (*topic_id, partitions.keys().copied().collect())
    };
    owned.iter().map(topic).collect()
}

/// The member epoch with which a member joins.
pub(super) const JOIN: i32 = 0;
/// The member epoch with which a member leaves.
pub(super) const LEAVE: i32 = -1;
/// The member epoch with which a static member leaves for a while.
pub(super) const LEAVE_STATIC: i32 = -2;

impl ConsumerGroup {
    /// The group as a restart would find it.
    pub(crate) fn durable(&self) -> Self {
        let mut durable = self.clone();
        for member in durable.members.values_mut() {
            member.session_deadline = None;
            member.revocation_deadline = None;
        }
        durable
    }

    /// Where the group stands.
    pub(crate) fn state(&self) -> ConsumerState {
        if self.members.is_empty() {
            ConsumerState::Empty
        } else if self.epoch > self.target_epoch {
            ConsumerState::Assigning
        } else if self
            .members
            .values()
            .all(|member| member.is_reconciled_to(self.target_epoch))
        {
            ConsumerState::Stable
        } else {
            ConsumerState::Reconciling
        }
    }

    /// True if nobody is in.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// True if nothing is left of the group: its last tombstone was applied.
    pub(crate) fn is_gone(&self) -> bool {
        *self == Self::default()
    }

    /// Makes a step true.
    pub(crate) fn apply(&mut self, event: &ConsumerEvent) {
        match event {
            ConsumerEvent::Epoch(epoch) => {
                (self.epoch, self.metadata_hash) = epoch.unwrap_or((NEW_GROUP_EPOCH, 0));
            }
            ConsumerEvent::Member { member_id, record } => {
                self.set_member(member_id, record.as_ref())
            }
            ConsumerEvent::TargetEpoch(epoch) => {
                (self.target_epoch, self.target_timestamp) = epoch.unwrap_or_default();
            }
            ConsumerEvent::Target {
                member_id,
                partitions: Some(partitions),
            } => {
                self.targets.insert(member_id.clone(), partitions.clone());
            }
            ConsumerEvent::Target {
                member_id,
                partitions: None,
            } => {
                self.targets.remove(member_id);
            }
            ConsumerEvent::Current {
                member_id,
                assignment,
            } => {
                self.set_current(member_id, assignment.as_ref());
            }
            ConsumerEvent::Regex {
                pattern,
                resolved: Some(resolved),
            } => {
                self.regexes.insert(pattern.clone(), resolved.clone());
            }
            ConsumerEvent::Regex {
                pattern,
                resolved: None,
            } => {
                self.regexes.remove(pattern);
            }
            ConsumerEvent::SessionExtended {
                member_id,
                deadline,
            } => {
                if let Some(member) = self.members.get_mut(member_id) {
                    member.session_deadline = Some(*deadline);
                }
            }
            ConsumerEvent::RevocationDue {
                member_id,
                deadline,
            } => {
                if let Some(member) = self.members.get_mut(member_id) {
                    member.revocation_deadline = *deadline;
                }
            }
        }
    }

    fn set_member(&mut self, member_id: &str, record: Option<&ConsumerMemberRecord>) {
        // A member has one instance id, and an instance id one member: the latest.
        self.static_members.retain(|_, id| id != member_id);
        let Some(record) = record else {
            self.members.remove(member_id);
            return;
        };
        if let Some(instance_id) = &record.instance_id {
            self.static_members
                .insert(instance_id.clone(), member_id.to_owned());
        }
        let member = self.members.entry(member_id.to_owned()).or_default();
        member.record.clone_from(record);
    }

    /// Compaction may leave a member's assignment without the member: then it is one without
    /// subscription until its other record comes, as in Kafka.
    fn set_current(&mut self, member_id: &str, assignment: Option<&CurrentAssignment>) {
        match assignment {
            Some(assignment) => {
                let member = self.members.entry(member_id.to_owned()).or_default();
                member.current.clone_from(assignment);
            }
            None => {
                if let Some(member) = self.members.get_mut(member_id) {
                    member.current = CurrentAssignment::default();
                }
            }
        }
    }

    /// What other members own, or have not given back yet.
    pub(super) fn held_by_others(&self, member_id: &str) -> BTreeSet<(Uuid, i32)> {
        let others = self.members.iter().filter(|(id, _)| *id != member_id);
        others
            .flat_map(|(_, member)| [&member.current.assigned, &member.current.revoking])
            .flatten()
            .flat_map(|(topic_id, partitions)| partitions.keys().map(|p| (*topic_id, *p)))
            .collect()
    }

    /// The earliest moment at which time alone changes something.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let sessions = self
            .members
            .values()
            .map(|member| member.session_deadline.unwrap_or(Millis::MIN));
        let revocations = self
            .members
            .values()
            .filter_map(|member| member.revocation_deadline);
        sessions.chain(revocations).min()
    }

    /// The events that end the group's records, in Kafka's order.
    pub(crate) fn tombstones(&self) -> Vec<ConsumerEvent> {
        let ids = || self.members.keys().cloned();
        let current = ids().map(|member_id| ConsumerEvent::Current {
            member_id,
            assignment: None,
        });
        let target_ids = self.targets.keys().cloned();
        let targets = target_ids.map(|member_id| ConsumerEvent::Target {
            member_id,
            partitions: None,
        });
        let members = ids().map(|member_id| ConsumerEvent::Member {
            member_id,
            record: None,
        });
        let patterns = self.regexes.keys().cloned();
        let regexes = patterns.map(|pattern| ConsumerEvent::Regex {
            pattern,
            resolved: None,
        });
        current
            .chain(targets)
            .chain([ConsumerEvent::TargetEpoch(None)])
            .chain(members)
            .chain(regexes)
            .chain([ConsumerEvent::Epoch(None)])
            .collect()
    }
}
