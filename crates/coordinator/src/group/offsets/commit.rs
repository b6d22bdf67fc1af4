//! OffsetCommit and TxnOffsetCommit (Kafka: `OffsetMetadataManager`, `Group.validateOffsetCommit`).
//!
//! Who may commit depends on the kind of group; see `may_commit` of each. A group that is not there
//! is made, without members, if the committer claims no generation: so do clients that assign their
//! partitions themselves, and administrators.

use super::store::CommittedOffset;
use crate::group::command::{CommitOffsets, OffsetToCommit, TxnCommitOffsets};
use crate::group::event::Event;
use crate::group::groups::{Group, Groups};
use crate::group::reply::{OffsetResults, Reply};
use crate::machine::{Decision, Millis, ProducerIdentity, Waiter};
use once_wire::{ErrorCode, Uuid};

/// OffsetCommit. To a classic group it is a sign of life as well.
pub(in crate::group) fn commit(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &CommitOffsets,
) -> Decision<Groups> {
    if let Err(error) = may_commit(groups, command) {
        return Decision::reply(waiter, Reply::Offsets(Err(error)));
    }
    // A record says "none" with a negative expiry.
    let expire = command
        .retention_ms
        .map(|retention| now.saturating_add(retention).max(0));
    let to_value = |asked: &OffsetToCommit| value(now, expire, asked);
    let mut decision = write(
        groups,
        waiter,
        (&command.group_id, None),
        &command.offsets,
        to_value,
    );
    if let Some(Group::Classic(group)) = groups.group(&command.group_id) {
        let sign = group.sign_of_life(now, &command.group_id, &command.member.member_id);
        decision.events.extend(sign);
    }
    decision
}

/// TxnOffsetCommit. Unlike a plain commit it is not refused while the group rebalances: the
/// generation alone fences.
pub(in crate::group) fn txn_commit(
    groups: &Groups,
    now: Millis,
    waiter: Waiter,
    command: &TxnCommitOffsets,
) -> Decision<Groups> {
    if let Err(error) = may_commit_in_transaction(groups, command) {
        return Decision::reply(waiter, Reply::Offsets(Err(error)));
    }
    // Requests of a transaction name no topic id, and Kafka's record has none either: readers of the
    // log go by the name.
    let to_value = |asked: &OffsetToCommit| CommittedOffset {
        topic_id: Uuid::ZERO,
        ..value(now, None, asked)
    };
    let target = (command.group_id.as_str(), Some(command.producer));
    write(groups, waiter, target, &command.offsets, to_value)
}

fn may_commit(groups: &Groups, command: &CommitOffsets) -> Result<(), ErrorCode> {
    if command.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    match groups.group(&command.group_id) {
        None if command.member.generation < 0 => Ok(()),
        None if command.knows_member_epochs => Err(ErrorCode::GroupIdNotFound),
        None => Err(ErrorCode::IllegalGeneration),
        Some(Group::Classic(group)) => group.may_commit(&command.member, false),
        Some(Group::Consumer(group)) => {
            if group.is_member(&command.member) && !command.knows_member_epochs {
                return Err(ErrorCode::UnsupportedVersion);
            }
            let offsets = acceptable(groups, &command.offsets);
            group.may_commit(&command.member, false, offsets)
        }
    }
}

fn may_commit_in_transaction(groups: &Groups, command: &TxnCommitOffsets) -> Result<(), ErrorCode> {
    if command.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    match groups.group(&command.group_id) {
        None if command.member.generation < 0 => Ok(()),
        None => Err(ErrorCode::IllegalGeneration),
        Some(Group::Classic(group)) => group.may_commit(&command.member, true),
        Some(Group::Consumer(group)) => {
            let offsets = acceptable(groups, &command.offsets);
            // TxnOffsetCommit has no error of its own for epochs.
            group
                .may_commit(&command.member, true, offsets)
                .map_err(|error| match error {
                    ErrorCode::StaleMemberEpoch => ErrorCode::IllegalGeneration,
                    other => other,
                })
        }
    }
}

/// The partitions whose epoch the group must judge, by topic id: those that would be written.
fn acceptable<'a>(
    groups: &'a Groups,
    offsets: &'a [OffsetToCommit],
) -> impl Iterator<Item = (Uuid, i32)> + 'a {
    offsets
        .iter()
        .filter(|asked| metadata_error(groups, asked) == ErrorCode::None)
        .map(|asked| {
            let known = groups
                .topics()
                .topic(&asked.partition.topic)
                .map(|topic| topic.id);
            (known.unwrap_or(asked.topic_id), asked.partition.partition)
        })
}

/// About what the records of a commit take. Each has the group's name in its key, so a request of some
/// kilobytes can ask for gigabytes.
fn written_bytes<'a>(group_id: &str, offsets: impl Iterator<Item = &'a OffsetToCommit>) -> usize {
    /// Numbers, lengths and the record's own head.
    const OTHER: usize = 64;
    let texts = |asked: &OffsetToCommit| {
        asked.partition.topic.len() + asked.metadata.as_ref().map_or(0, String::len)
    };
    let each = offsets.map(|asked| OTHER + group_id.len() + texts(asked));
    each.sum()
}

fn write(
    groups: &Groups,
    waiter: Waiter,
    (group_id, producer): (&str, Option<ProducerIdentity>),
    offsets: &[OffsetToCommit],
    to_value: impl Fn(&OffsetToCommit) -> CommittedOffset,
) -> Decision<Groups> {
    let accepted = || {
        let all = offsets.iter();
        all.filter(|asked| metadata_error(groups, asked) == ErrorCode::None)
    };
    if written_bytes(group_id, accepted()) > groups.config().offsets_write_max_bytes {
        let error = ErrorCode::InvalidCommitOffsetSize;
        return Decision::reply(waiter, Reply::Offsets(Err(error)));
    }
    let mut decision = Decision::none();
    let mut results = OffsetResults::new();
    for asked in offsets {
        let error = metadata_error(groups, asked);
        if error == ErrorCode::None {
            decision.events.push(Event::OffsetCommitted {
                group_id: group_id.to_owned(),
                partition: asked.partition.clone(),
                offset: to_value(asked),
                producer,
            });
        }
        results.push((asked.partition.clone(), error));
    }
    decision.replies.push((waiter, Reply::Offsets(Ok(results))));
    decision
}

/// Kafka measures the text as Java does, in UTF-16 units.
fn metadata_error(groups: &Groups, asked: &OffsetToCommit) -> ErrorCode {
    let len = asked
        .metadata
        .as_ref()
        .map_or(0, |text| text.encode_utf16().count());
    if len > groups.config().offset_metadata_max_bytes {
        ErrorCode::OffsetMetadataTooLarge
    } else {
        ErrorCode::None
    }
}

/// A record with an expiry is written in the one version that has the field, and that one knows
/// neither leader epochs nor topic ids.
fn value(now: Millis, expire_timestamp: Option<Millis>, asked: &OffsetToCommit) -> CommittedOffset {
    let expires = expire_timestamp.is_some();
    CommittedOffset {
        offset: asked.offset,
        leader_epoch: if expires { -1 } else { asked.leader_epoch },
        metadata: asked.metadata.clone().unwrap_or_default(),
        commit_timestamp: now,
        expire_timestamp,
        topic_id: if expires { Uuid::ZERO } else { asked.topic_id },
    }
}
