//! ConsumerGroupHeartbeat (key 68), versions 0–1: membership of KIP-848 groups, all in one request.
//!
//! * 1 subscription by pattern, and the member makes its own id (before, the broker made it).
//! * Left out: a few patterns that RE2/J takes, above all those that may match in very many ways
//!   (INVALID_REGULAR_EXPRESSION; the head of the coordinator's `pattern.rs` lists them).

use super::group_reply::{decide, misdirected, origin};
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, ConsumerHeartbeat, Partitions, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use once_wire::message::consumer_group_heartbeat_response::{
    Assignment, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

/// See the module.
pub(crate) struct ConsumerGroupHeartbeat;

impl Api for ConsumerGroupHeartbeat {
    type Request = ConsumerGroupHeartbeatRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 1);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<ConsumerGroupHeartbeatResponse>, ErrorCode> {
        let command = Command::ConsumerHeartbeat(command(cx, request));
        decide(cx, &request.group_id, &command, |reply| match reply {
            Reply::ConsumerHeartbeat(Ok(reply)) => Ok(ConsumerGroupHeartbeatResponse {
                member_id: Some(reply.member_id),
                member_epoch: reply.member_epoch,
                heartbeat_interval_ms: reply.heartbeat_interval_ms,
                assignment: reply.assignment.as_ref().map(assignment),
                ..Default::default()
            }),
            Reply::ConsumerHeartbeat(Err((error, text))) => {
                let error_message = Some(text);
                Ok(ConsumerGroupHeartbeatResponse {
                    error_code: error.code(),
                    error_message,
                    ..Default::default()
                })
            }
            other => Err(misdirected(&other)),
        })
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn command(cx: &mut Context<'_>, request: &ConsumerGroupHeartbeatRequest) -> ConsumerHeartbeat {
    let asks_for_id = cx.version == 0 && request.member_id.is_empty() && request.member_epoch == 0;
    let owned = request.topic_partitions.as_ref().map(|topics| {
        let mut owned = Partitions::new();
        for topic in topics {
            owned
                .entry(topic.topic_id)
                .or_default()
                .extend(&topic.partitions);
        }
        owned
    });
    ConsumerHeartbeat {
        group_id: request.group_id.clone(),
        member_id: if asks_for_id {
            cx.fresh_uuid().to_string()
        } else {
            request.member_id.clone()
        },
        member_epoch: request.member_epoch,
        instance_id: request.instance_id.clone(),
        rack_id: request.rack_id.clone(),
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|timeout| *timeout != -1),
        subscribed_topics: request
            .subscribed_topic_names
            .as_ref()
            .map(|names| names.iter().cloned().collect()),
        subscribed_regex: request.subscribed_topic_regex.clone(),
        server_assignor: request.server_assignor.clone(),
        owned,
        origin: origin(cx),
    }
}

fn assignment(partitions: &Partitions) -> Assignment {
    let topic = |(topic_id, partitions): (&_, &std::collections::BTreeSet<i32>)| TopicPartitions {
        topic_id: *topic_id,
        partitions: partitions.iter().copied().collect(),
        ..Default::default()
    };
    Assignment {
        topic_partitions: partitions.iter().map(topic).collect(),
        ..Default::default()
    }
}
