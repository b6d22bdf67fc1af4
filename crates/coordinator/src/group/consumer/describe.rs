//! What ConsumerGroupDescribe tells.

use super::state::{ConsumerGroup, ConsumerMember, ConsumerState, Partitions};
use crate::group::command::MemberOrigin;
use crate::group::groups::Groups;
use crate::group::topics::TopicImage;
use once_wire::Uuid;
use std::collections::BTreeSet;

/// A consumer group.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerDescription {
    /// Where it stands.
    pub state: ConsumerState,
    /// Group epoch.
    pub epoch: i32,
    /// Epoch of the target assignment.
    pub target_epoch: i32,
    /// The assignor in use.
    pub assignor: &'static str,
    /// Its members, by id.
    pub members: Vec<ConsumerMemberDescription>,
}

/// A member in [`ConsumerDescription`].
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerMemberDescription {
    /// Member id.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Its rack.
    pub rack_id: Option<String>,
    /// The client.
    pub origin: MemberOrigin,
    /// Its epoch.
    pub epoch: i32,
    /// Topics subscribed by name.
    pub subscribed_topics: BTreeSet<String>,
    /// Topics subscribed by pattern.
    pub subscribed_regex: Option<String>,
    /// What it owns.
    pub assignment: Vec<NamedPartitions>,
    /// What it shall own in the end.
    pub target: Vec<NamedPartitions>,
}

/// Partitions of a topic that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedPartitions {
    /// Topic id.
    pub topic_id: Uuid,
    /// Topic name.
    pub topic: String,
    /// Partition indexes, ascending.
    pub partitions: Vec<i32>,
}

impl ConsumerGroup {
    pub(crate) fn describe(&self, groups: &Groups) -> ConsumerDescription {
        let member = |(member_id, member): (&String, &ConsumerMember)| {
            let target = self.targets.get(member_id).cloned().unwrap_or_default();
            describe_member(member_id, member, &target, groups.topics())
        };
        ConsumerDescription {
            state: self.state(),
            epoch: self.epoch,
            target_epoch: self.target_epoch,
            assignor: self.preferred_assignor(groups.config()).name(),
            members: self.members.iter().map(member).collect(),
        }
    }
}

fn describe_member(
    member_id: &str,
    member: &ConsumerMember,
    target: &Partitions,
    topics: &TopicImage,
) -> ConsumerMemberDescription {
    let record = member.record.clone();
    let owned = member.current.assigned.iter();
    let owned = owned.map(|(id, partitions)| (*id, partitions.keys().copied().collect()));
    let target = target
        .iter()
        .map(|(id, partitions)| (*id, partitions.iter().copied().collect()));
    ConsumerMemberDescription {
        member_id: member_id.to_owned(),
        instance_id: record.instance_id,
        rack_id: record.rack_id,
        origin: record.origin,
        epoch: member.current.epoch,
        subscribed_topics: record.subscribed_topics,
        subscribed_regex: record.subscribed_regex,
        assignment: named(owned, topics),
        target: named(target, topics),
    }
}

fn named(
    partitions: impl Iterator<Item = (Uuid, Vec<i32>)>,
    topics: &TopicImage,
) -> Vec<NamedPartitions> {
    let name = |(topic_id, partitions)| {
        let topic = topics.name(topic_id)?.to_owned();
        Some(NamedPartitions {
            topic_id,
            topic,
            partitions,
        })
    };
    partitions.filter_map(name).collect()
}
