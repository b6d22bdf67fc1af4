//! Who may commit and fetch offsets of a consumer group (`ConsumerGroup.validateOffsetCommit`).

use super::state::{ConsumerGroup, ConsumerMember};
use crate::group::command::Committer;
use once_wire::{ErrorCode, Uuid};

impl ConsumerGroup {
    /// A member commits with its epoch. An older epoch is accepted for partitions that the member
    /// has held since then: the commit was on its way while the epoch moved (KIP-1251).
    pub(crate) fn may_commit(
        &self,
        member: &Committer,
        transactional: bool,
        mut offsets: impl Iterator<Item = (Uuid, i32)>,
    ) -> Result<(), ErrorCode> {
        if member.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let anonymous =
            member.generation == -1 && member.member_id.is_empty() && member.instance_id.is_none();
        if transactional && anonymous {
            return Ok(());
        }
        let known = self
            .members
            .get(&member.member_id)
            .ok_or(ErrorCode::UnknownMemberId)?;
        if member.generation == known.current.epoch {
            return Ok(());
        }
        let held = |(topic_id, partition)| {
            held_since(known, topic_id, partition).is_some_and(|epoch| member.generation >= epoch)
        };
        if member.generation < known.current.epoch && offsets.all(held) {
            Ok(())
        } else {
            Err(ErrorCode::StaleMemberEpoch)
        }
    }

    /// True if the committer names a member of this group.
    pub(crate) fn is_member(&self, member: &Committer) -> bool {
        self.members.contains_key(&member.member_id)
    }

    /// A member fetches with its epoch; anyone else may fetch too.
    pub(crate) fn may_fetch(&self, member: Option<&(String, i32)>) -> Result<(), ErrorCode> {
        let Some((member_id, epoch)) = member else {
            return Ok(());
        };
        let known = self
            .members
            .get(member_id)
            .ok_or(ErrorCode::UnknownMemberId)?;
        if *epoch == known.current.epoch {
            Ok(())
        } else {
            Err(ErrorCode::StaleMemberEpoch)
        }
    }

    /// True if a member reads the topic.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        let by_name = |member: &ConsumerMember| member.record.subscribed_topics.contains(topic);
        self.members.values().any(by_name)
            || self
                .regexes
                .values()
                .any(|resolved| resolved.topics.contains(topic))
    }
}

fn held_since(member: &ConsumerMember, topic_id: Uuid, partition: i32) -> Option<i32> {
    let [assigned, revoking] = [&member.current.assigned, &member.current.revoking].map(|owned| {
        owned
            .get(&topic_id)
            .and_then(|partitions| partitions.get(&partition))
    });
    assigned.or(revoking).copied()
}
