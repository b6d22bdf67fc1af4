//! ConsumerGroupHeartbeat.

use super::state::ConsumerGroup;
use crate::group::command::ConsumerHeartbeat;
use crate::group::config::{Assignor, GroupConfig};
use crate::group::groups::Groups;
use crate::group::reply::Reply;
use crate::machine::{Decision, Millis, Waiter};
use once_wire::ErrorCode;

/// Refused for now, as a Kafka broker does whose consumer protocol is off.
pub(in crate::group) fn heartbeat(
    _groups: &Groups,
    _now: Millis,
    waiter: Waiter,
    _command: &ConsumerHeartbeat,
) -> Decision<Groups> {
    let error = (ErrorCode::UnsupportedVersion, String::new());
    Decision::reply(waiter, Reply::ConsumerHeartbeat(Err(error)))
}

/// Nothing yet.
pub(in crate::group) fn tick(
    _groups: &Groups,
    _now: Millis,
    _group_id: &str,
    _group: &ConsumerGroup,
) -> Decision<Groups> {
    Decision::none()
}

impl ConsumerGroup {
    pub(super) fn preferred_assignor(&self, config: &GroupConfig) -> Assignor {
        config
            .consumer_assignors
            .first()
            .copied()
            .unwrap_or(Assignor::Uniform)
    }
}
