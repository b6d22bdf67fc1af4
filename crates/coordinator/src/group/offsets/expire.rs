//! Offsets that nobody needs any more (KIP-211; Kafka: `cleanupExpiredOffsets`).
//!
//! Looked for every `offsets.retention.check.interval.ms`. A group whose last offset goes, and that
//! has no members, goes with it. What an open transaction touches stays.

use super::MOST_EVENTS;
use super::store::CommittedOffset;
use crate::group::event::Event;
use crate::group::groups::{Group, Groups};
use crate::ids::TopicPartition;
use crate::machine::Millis;

/// From when on an offset's retention counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::group) enum RetentionStart {
    /// From the commit.
    Commit,
    /// From a moment of the group, such as when it became empty.
    At(Millis),
    /// Never: the group is in use.
    Never,
}

/// Tombstones for what is past its time, and whether that is all: one decision does not remove more
/// than a bounded number.
pub(in crate::group) fn expire(groups: &Groups, now: Millis) -> (Vec<Event>, bool) {
    let mut events = Vec::new();
    for (group_id, group) in groups.iter() {
        if events.len() >= MOST_EVENTS {
            return (events, false);
        }
        if expire_group(groups, now, group_id, group, &mut events) && group.is_empty() {
            events.extend(group.tombstones(group_id));
        }
    }
    let all = events.len() < MOST_EVENTS;
    (events, all)
}

/// True if the group has no offsets left, nor pending ones.
fn expire_group(
    groups: &Groups,
    now: Millis,
    group_id: &str,
    group: &Group,
    events: &mut Vec<Event>,
) -> bool {
    let Some(offsets) = groups.offsets().committed.get(group_id) else {
        return !groups.offsets().pending.has_group(group_id);
    };
    let start = group.retention_start();
    let mut all_gone = !groups.offsets().pending.has_group(group_id);
    for (topic, partition, stored) in offsets.iter() {
        let kept = group.is_subscribed_to(topic)
            || groups.offsets().pending.has(group_id, topic, partition)
            || !is_expired(
                &stored.value,
                start,
                now,
                groups.config().offsets_retention_ms,
            );
        if kept || events.len() >= MOST_EVENTS {
            all_gone = false;
        } else {
            let partition = TopicPartition::new(topic, partition);
            events.push(Event::OffsetRemoved {
                group_id: group_id.to_owned(),
                partition,
            });
        }
    }
    all_gone
}

fn is_expired(
    offset: &CommittedOffset,
    start: RetentionStart,
    now: Millis,
    retention: Millis,
) -> bool {
    let base = match start {
        RetentionStart::Never => return false,
        RetentionStart::Commit => offset.commit_timestamp,
        RetentionStart::At(at) => at,
    };
    match offset.expire_timestamp {
        Some(expire) => now >= expire,
        None => now.saturating_sub(base) >= retention,
    }
}
