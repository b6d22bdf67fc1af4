//! Who a member is: admission, fencing, and what it says of itself.

use super::draft::{ConsumerDraft, Refusal};
use super::regex::check_pattern;
use super::state::{ConsumerMember, ConsumerMemberRecord, CurrentAssignment, JOIN, Partitions};
use crate::group::command::ConsumerHeartbeat;
use crate::group::event::ConsumerEvent;
use once_wire::ErrorCode;

impl ConsumerDraft<'_> {
    /// Lets the member in, or fences it. Gives the partitions that it has.
    pub(super) fn admit(&mut self, command: &ConsumerHeartbeat) -> Result<Partitions, Refusal> {
        let member_id = command.member_id.as_str();
        self.check_room(member_id)?;
        if command.member_epoch == JOIN {
            self.admit_joining(command)?;
        } else {
            let member = self.existing(member_id, command.instance_id.as_deref())?;
            check_epoch(member, command)?;
        }
        Ok(self.assigned(member_id))
    }

    fn check_room(&self, member_id: &str) -> Result<(), Refusal> {
        let max = self.groups.config().consumer_max_size;
        if self.group.members.len() >= max && !self.group.members.contains_key(member_id) {
            return Err((
                ErrorCode::GroupMaxSizeReached,
                format!("the group has {max} members"),
            ));
        }
        Ok(())
    }

    /// A member may join again under its own id at any time: it says that it owns nothing. A static
    /// one with another id replaces the one that has its instance id, once that one is away. (Kafka
    /// also refuses a static member whose own join is repeated because the answer was lost.)
    fn admit_joining(&mut self, command: &ConsumerHeartbeat) -> Result<(), Refusal> {
        let Some(instance_id) = &command.instance_id else {
            return Ok(());
        };
        let Some(old_id) = self.group.static_members.get(instance_id).cloned() else {
            return Ok(());
        };
        let old = self.group.members[&old_id].clone();
        if old.is_away() {
            self.replace(&old_id, &command.member_id, old);
            Ok(())
        } else if old_id == command.member_id {
            Ok(())
        } else {
            let text = format!("instance id {instance_id} is still used by member {old_id}");
            Err((ErrorCode::UnreleasedInstanceId, text))
        }
    }

    /// The new member takes over everything of the old but its epoch.
    fn replace(&mut self, old_id: &str, new_id: &str, old: ConsumerMember) {
        let target = self.group.targets.get(old_id).cloned();
        self.remove_records(old_id);
        let member_id = new_id.to_owned();
        self.step(ConsumerEvent::Member {
            member_id: member_id.clone(),
            record: Some(old.record),
        });
        self.step(ConsumerEvent::Target {
            member_id: member_id.clone(),
            partitions: Some(target.unwrap_or_default()),
        });
        let current = CurrentAssignment {
            epoch: 0,
            previous_epoch: 0,
            ..old.current
        };
        self.step(ConsumerEvent::Current {
            member_id,
            assignment: Some(current),
        });
    }

    /// Tombstones for what the log has of a member.
    pub(super) fn remove_records(&mut self, member_id: &str) {
        let member_id = member_id.to_owned();
        self.step(ConsumerEvent::Current {
            member_id: member_id.clone(),
            assignment: None,
        });
        self.step(ConsumerEvent::Target {
            member_id: member_id.clone(),
            partitions: None,
        });
        self.step(ConsumerEvent::Member {
            member_id,
            record: None,
        });
    }

    /// A member of the group, and not a static one that was replaced.
    pub(super) fn existing(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<&ConsumerMember, Refusal> {
        if let Some(instance_id) = instance_id {
            match self.group.static_members.get(instance_id) {
                None => {
                    let text = format!("no member with instance id {instance_id}");
                    return Err((ErrorCode::UnknownMemberId, text));
                }
                Some(current) if current != member_id => {
                    let text = format!("instance id {instance_id} is now member {current}'s");
                    return Err((ErrorCode::FencedInstanceId, text));
                }
                Some(_) => {}
            }
        }
        let unknown = || (ErrorCode::UnknownMemberId, format!("no member {member_id}"));
        self.group.members.get(member_id).ok_or_else(unknown)
    }

    /// Writes down what the member says of itself, if it differs. True if it wants other topics, or
    /// another assignor, than before.
    pub(super) fn update_member(&mut self, command: &ConsumerHeartbeat) -> Result<bool, Refusal> {
        let known = self.group.members.get(&command.member_id);
        let before = known.map(|member| member.record.clone());
        let is_new = before.is_none();
        let before = before.unwrap_or_default();
        let after = updated(&before, command);
        // A known one was read before: to read it takes long.
        if after.subscribed_regex != before.subscribed_regex
            && let Some(pattern) = &after.subscribed_regex
        {
            check_pattern(pattern)?;
        }
        let wants_more = is_new
            || after.subscribed_topics != before.subscribed_topics
            || after.subscribed_regex != before.subscribed_regex
            || after.server_assignor != before.server_assignor;
        if is_new || after != before {
            let member_id = command.member_id.clone();
            self.step(ConsumerEvent::Member {
                member_id,
                record: Some(after),
            });
        }
        Ok(wants_more)
    }
}

/// What a member leaves out has not changed.
fn updated(before: &ConsumerMemberRecord, command: &ConsumerHeartbeat) -> ConsumerMemberRecord {
    let given = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
    let topics = command
        .subscribed_topics
        .as_ref()
        .unwrap_or(&before.subscribed_topics);
    ConsumerMemberRecord {
        instance_id: given(&command.instance_id, &before.instance_id),
        rack_id: given(&command.rack_id, &before.rack_id),
        origin: command.origin.clone(),
        subscribed_topics: topics.clone(),
        subscribed_regex: given(&command.subscribed_regex, &before.subscribed_regex)
            .filter(|pattern| !pattern.is_empty()),
        rebalance_timeout_ms: command
            .rebalance_timeout_ms
            .unwrap_or(before.rebalance_timeout_ms),
        server_assignor: given(&command.server_assignor, &before.server_assignor),
    }
}

/// The previous epoch is accepted if the member owns nothing that it should not: the answer that
/// carried the new epoch may have been lost.
fn check_epoch(member: &ConsumerMember, command: &ConsumerHeartbeat) -> Result<(), Refusal> {
    let (received, current) = (command.member_epoch, &member.current);
    let owns_no_more = command.owned.as_ref().is_some_and(|owned| {
        let assigned = |topic_id, partition| {
            current
                .assigned
                .get(topic_id)
                .is_some_and(|assigned| assigned.contains_key(partition))
        };
        owned.iter().all(|(topic_id, partitions)| {
            partitions
                .iter()
                .all(|partition| assigned(topic_id, partition))
        })
    });
    if received == current.epoch || (received == current.previous_epoch && owns_no_more) {
        return Ok(());
    }
    let text = format!(
        "member epoch {received} is not {}: give up all partitions and join again",
        current.epoch
    );
    Err((ErrorCode::FencedMemberEpoch, text))
}
