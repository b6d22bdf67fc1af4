//! Metadata (key 3), versions 0–13.
//!
//! The node, and topics with their partitions. A topic that does not exist is created if both
//! the request and `auto.create.topics.enable` allow it.
//!
//! * 1 null means all topics; 4 the client decides on creation; 8 authorized operations; 9
//!   flexible; 10 topic ids; 12 asking by id; 13 a top-level error (rebootstrap), never set.
//!
//! A request that names any id is answered by its ids alone (Kafka: `handleTopicMetadataRequest`).
//! Before 12 an id or a missing name makes all of it an INVALID_REQUEST; since then a topic with
//! neither is answered so by itself, where Kafka has no answer.

use super::distinct::distinct;
use super::{Answer, Api, authorized, internal};
use crate::engine::Context;
use once_coordinator::catalog::Topic;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};

/// The first version that asks by topic id.
const BY_ID: i16 = 12;

/// See the module.
pub(crate) struct Metadata;

impl Api for Metadata {
    type Request = MetadataRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 13);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<MetadataResponse>, ErrorCode> {
        let version = cx.version;
        let wanted = request.topics.as_deref().unwrap_or_default();
        if version < BY_ID && wanted.iter().any(only_by_id_says) {
            return Err(ErrorCode::InvalidRequest);
        }
        let all = match &request.topics {
            None => true,
            Some(topics) => version == 0 && topics.is_empty(),
        };
        let operations = authorized::if_asked(
            request.include_topic_authorized_operations,
            authorized::TOPIC,
        );
        let topics = if all {
            cx.catalog()
                .topics()
                .map(|topic| describe(topic, operations))
                .collect()
        } else {
            let create = version < 4 || request.allow_auto_topic_creation;
            some(cx, wanted, create, operations)
        };
        let node = cx.node();
        let asked = request.include_cluster_authorized_operations;
        Ok(Answer::Now(MetadataResponse {
            brokers: vec![MetadataResponseBroker {
                node_id: node.id,
                host: node.host,
                port: i32::from(node.port),
                ..Default::default()
            }],
            cluster_id: Some(cx.cluster_id()),
            controller_id: node.id,
            topics,
            cluster_authorized_operations: authorized::if_asked(asked, authorized::CLUSTER),
            ..Default::default()
        }))
    }

    /// The answer of most versions cannot leave a name out: it is empty where there is none.
    fn refuse(request: &Self::Request, error: ErrorCode) -> MetadataResponse {
        let topics = request.topics.iter().flatten();
        let name = |topic: &MetadataRequestTopic| topic.name.clone().unwrap_or_default();
        let topics = topics
            .map(|topic| failed(Some(name(topic)), topic.topic_id, error))
            .collect();
        MetadataResponse {
            topics,
            ..Default::default()
        }
    }
}

/// Whether a topic is asked for as only later versions can: without a name, or with an id.
fn only_by_id_says(topic: &MetadataRequestTopic) -> bool {
    topic.name.is_none() || !topic.topic_id.is_zero()
}

/// Each of the topics asked for, once. If any is asked for by id, names do not count: were both to
/// count, one name with many ids would be described for each of them.
fn some(
    cx: &mut Context<'_>,
    wanted: &[MetadataRequestTopic],
    create: bool,
    operations: i32,
) -> Vec<MetadataResponseTopic> {
    let ids = wanted.iter().map(|topic| topic.topic_id);
    let ids = distinct(ids.filter(|id| !id.is_zero()), |id| *id);
    let by_id: Vec<_> = ids.map(|id| by_id(cx, id, operations)).collect();
    if !by_id.is_empty() {
        return by_id;
    }
    distinct(wanted, |topic| &topic.name)
        .map(|topic| match &topic.name {
            Some(name) => by_name(cx, name, create, operations),
            None => failed(None, Uuid::ZERO, ErrorCode::InvalidRequest),
        })
        .collect()
}

fn by_name(
    cx: &mut Context<'_>,
    name: &str,
    create: bool,
    operations: i32,
) -> MetadataResponseTopic {
    if let Some(topic) = cx.catalog().topic(name) {
        return describe(topic, operations);
    }
    if !create || !cx.config().auto_create_topics {
        let error = if once_coordinator::catalog::is_valid_topic_name(name) {
            ErrorCode::UnknownTopicOrPartition
        } else {
            ErrorCode::InvalidTopicException
        };
        return failed(Some(name.to_owned()), Uuid::ZERO, error);
    }
    match cx.auto_create_topic(name) {
        Err(error) => failed(Some(name.to_owned()), Uuid::ZERO, error),
        Ok(()) => match cx.catalog().topic(name) {
            Some(topic) => describe(topic, operations),
            None => failed(
                Some(name.to_owned()),
                Uuid::ZERO,
                ErrorCode::UnknownTopicOrPartition,
            ),
        },
    }
}

fn by_id(cx: &mut Context<'_>, id: Uuid, operations: i32) -> MetadataResponseTopic {
    match cx.catalog().topic_by_id(id) {
        Some(topic) => describe(topic, operations),
        None => failed(None, id, ErrorCode::UnknownTopicId),
    }
}

fn describe(topic: &Topic, operations: i32) -> MetadataResponseTopic {
    let partitions = topic
        .partitions
        .iter()
        .map(|(index, partition)| MetadataResponsePartition {
            partition_index: *index,
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
            replica_nodes: partition.replicas.clone(),
            isr_nodes: partition.isr.clone(),
            ..Default::default()
        })
        .collect();
    MetadataResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: internal::is_internal(&topic.name),
        partitions,
        topic_authorized_operations: operations,
        ..Default::default()
    }
}

fn failed(name: Option<String>, topic_id: Uuid, error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name,
        topic_id,
        error_code: error.code(),
        ..Default::default()
    }
}
