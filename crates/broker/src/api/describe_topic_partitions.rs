//! DescribeTopicPartitions (key 75), version 0 (KIP-966).
//!
//! Topics by name, sorted, a page at a time: at most the asked number of partitions and at most
//! 2,000, with a cursor to go on from. No topics named means all of them.

use super::{Answer, Api, authorized, internal};
use crate::engine::Context;
use once_coordinator::catalog::{Partition, Topic};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::describe_topic_partitions_request::DescribeTopicPartitionsRequest;
use once_wire::message::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use std::collections::BTreeSet;

/// Kafka's `max.request.partition.size.limit`.
const MOST_PARTITIONS: i32 = 2_000;

/// See the module.
pub(crate) struct DescribeTopicPartitions;

impl Api for DescribeTopicPartitions {
    type Request = DescribeTopicPartitionsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 0);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DescribeTopicPartitionsResponse>, ErrorCode> {
        let catalog = cx.catalog();
        let names: BTreeSet<&str> = if request.topics.is_empty() {
            catalog.topics().map(|topic| topic.name.as_str()).collect()
        } else {
            request
                .topics
                .iter()
                .map(|topic| topic.name.as_str())
                .collect()
        };
        let (from, mut first) = match &request.cursor {
            None => ("", 0),
            Some(cursor) if cursor.partition_index < 0 => return Err(ErrorCode::InvalidRequest),
            Some(cursor) => (cursor.topic_name.as_str(), cursor.partition_index),
        };
        let mut left = request.response_partition_limit.clamp(1, MOST_PARTITIONS);
        let mut response = DescribeTopicPartitionsResponse::default();
        for name in names.range(from..) {
            if *name != from {
                first = 0;
            }
            let Some(topic) = catalog.topic(name) else {
                response
                    .topics
                    .push(failed(name, ErrorCode::UnknownTopicOrPartition));
                continue;
            };
            let (described, next) = page(topic, first, &mut left);
            response.topics.push(described);
            if let Some(partition_index) = next {
                let topic_name = topic.name.clone();
                response.next_cursor = Some(Cursor {
                    topic_name,
                    partition_index,
                    ..Default::default()
                });
                break;
            }
        }
        Ok(Answer::Now(response))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> DescribeTopicPartitionsResponse {
        let topics = request
            .topics
            .iter()
            .map(|topic| failed(&topic.name, error))
            .collect();
        DescribeTopicPartitionsResponse {
            topics,
            ..Default::default()
        }
    }
}

/// A topic's partitions from `first` on, as many as are `left`; and where the next page begins.
fn page(
    topic: &Topic,
    first: i32,
    left: &mut i32,
) -> (DescribeTopicPartitionsResponseTopic, Option<i32>) {
    let mut next = None;
    let mut partitions = Vec::new();
    for (index, partition) in topic.partitions.range(first..) {
        if *left == 0 {
            next = Some(*index);
            break;
        }
        *left -= 1;
        partitions.push(described(*index, partition));
    }
    let described = DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: internal::is_internal(&topic.name),
        partitions,
        topic_authorized_operations: authorized::TOPIC,
        ..Default::default()
    };
    (described, next)
}

fn described(index: i32, partition: &Partition) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition {
        partition_index: index,
        leader_id: partition.leader,
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.clone(),
        isr_nodes: partition.isr.clone(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..Default::default()
    }
}

fn failed(name: &str, error: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(name.to_owned()),
        error_code: error.code(),
        ..Default::default()
    }
}
