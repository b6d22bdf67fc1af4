//! CreateTopics (key 19), versions 2–7.
//!
//! Makes topics, each by itself. A replication factor above the number of nodes is accepted: the
//! topic gets one replica, the answer says so, and the operator is warned.
//!
//! * 4 −1 for the broker's numbers; 5 flexible, and the answer tells partitions, replicas and all
//!   settings; 6 quotas, of which there are none; 7 topic ids.
//!
//! Left out: the timeout. The answer comes when the topics are durable.

use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::catalog::{
    Assignment, Command, CreatedTopic, DescribedConfig, NewTopic, Refusal, Reply,
};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};

/// See the module.
pub(crate) struct CreateTopics;

impl Api for CreateTopics {
    type Request = CreateTopicsRequest;
    const VERSIONS: VersionRange = VersionRange::new(2, 7);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<CreateTopicsResponse>, ErrorCode> {
        let topics = request
            .topics
            .iter()
            .map(|topic| wanted(topic, cx.fresh_uuid()))
            .collect();
        let validate_only = request.validate_only;
        let reply = cx.decide_catalog(&Command::CreateTopics {
            topics,
            validate_only,
        })?;
        let Reply::CreateTopics(results) = reply else {
            return Err(ErrorCode::UnknownServerError);
        };
        let made = results
            .iter()
            .filter_map(|(name, result)| Some((name, result.as_ref().ok()?)));
        for (name, topic) in made.filter(|_| !validate_only) {
            warn_of_one_replica(cx, name, topic);
        }
        let topics = results.into_iter().map(|(name, result)| match result {
            Ok(topic) => created(name, topic),
            Err(refusal) => refused(name, refusal),
        });
        Ok(Answer::Now(CreateTopicsResponse {
            topics: topics.collect(),
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> CreateTopicsResponse {
        let topics = request.topics.iter().map(|topic| {
            refused(
                topic.name.clone(),
                Refusal {
                    code: error,
                    message: None,
                },
            )
        });
        CreateTopicsResponse {
            topics: topics.collect(),
            ..Default::default()
        }
    }
}

fn wanted(topic: &CreatableTopic, id: Uuid) -> NewTopic {
    let assignments = topic.assignments.iter().map(|assignment| Assignment {
        partition: assignment.partition_index,
        nodes: assignment.broker_ids.clone(),
    });
    let configs = topic
        .configs
        .iter()
        .map(|config| (config.name.clone(), config.value.clone()));
    NewTopic {
        name: topic.name.clone(),
        id,
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: configs.collect(),
        is_internal: false,
    }
}

fn warn_of_one_replica(cx: &mut Context<'_>, name: &str, topic: &CreatedTopic) {
    let wished = topic.wished_replication_factor;
    if wished > topic.replication_factor {
        cx.warn(format!(
            "topic {name} was asked for with {wished} replicas and has one: this broker does not \
             replicate"
        ));
    }
}

fn created(name: String, topic: CreatedTopic) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        topic_id: topic.id,
        error_message: None,
        num_partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        configs: Some(topic.configs.into_iter().map(setting).collect()),
        ..Default::default()
    }
}

fn setting(config: DescribedConfig) -> CreatableTopicConfigs {
    CreatableTopicConfigs {
        name: config.name,
        value: config.value,
        config_source: config.source.id(),
        ..Default::default()
    }
}

fn refused(name: String, refusal: Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: refusal.code.code(),
        error_message: refusal.message,
        ..Default::default()
    }
}
