//! What a ConsumerGroupHeartbeat must look like before any group is looked at.

use super::draft::Refusal;
use super::state::{JOIN, LEAVE, LEAVE_STATIC};
use crate::group::command::ConsumerHeartbeat;
use crate::group::config::{Assignor, GroupConfig};
use once_wire::ErrorCode;

/// Kafka's checks, in its order.
pub(super) fn validate(config: &GroupConfig, command: &ConsumerHeartbeat) -> Result<(), Refusal> {
    require(!command.member_id.is_empty(), "member id must not be empty")?;
    require(!command.group_id.is_empty(), "group id must not be empty")?;
    require(
        command.instance_id.as_deref() != Some(""),
        "instance id must not be empty",
    )?;
    require(
        command.rack_id.as_deref() != Some(""),
        "rack id must not be empty",
    )?;
    match command.member_epoch {
        JOIN => {
            let owns_nothing = command.owned.as_ref().is_some_and(|owned| owned.is_empty());
            let subscribes =
                command.subscribed_topics.is_some() || command.subscribed_regex.is_some();
            require(
                command.rebalance_timeout_ms.is_some(),
                "a member joins with its rebalance timeout",
            )?;
            require(
                owns_nothing,
                "a member joins with an empty list of partitions",
            )?;
            require(
                subscribes,
                "a member joins with topics or a pattern to subscribe to",
            )?;
        }
        LEAVE_STATIC => {
            require(
                command.instance_id.is_some(),
                "epoch -2 is for members with an instance id",
            )?;
        }
        LEAVE => {}
        epoch => require(epoch > 0, "no such member epoch")?,
    }
    let wanted = command.server_assignor.as_deref();
    match wanted.filter(|name| !is_offered(config, name)) {
        None => Ok(()),
        Some(name) => {
            let offered: Vec<_> = config.consumer_assignors.iter().map(|a| a.name()).collect();
            let text = format!("assignor {name} is not one of: {}", offered.join(", "));
            Err((ErrorCode::UnsupportedAssignor, text))
        }
    }
}

fn is_offered(config: &GroupConfig, name: &str) -> bool {
    Assignor::from_name(name).is_some_and(|assignor| config.consumer_assignors.contains(&assignor))
}

fn require(holds: bool, text: &str) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err((ErrorCode::InvalidRequest, text.to_owned()))
    }
}
