//! DeleteTopics (key 20), versions 1–6.
//!
//! Deletes topics, each by itself, by name or (6) by id. With `delete.topic.enable=false` all are
//! refused: TOPIC_DELETION_DISABLED, which versions below 3 see as INVALID_REQUEST.
//!
//! * 4 flexible; 5 error messages; 6 topic ids.
//!
//! Unlike on Kafka, the topics that the broker keeps for itself cannot be deleted: offsets and
//! transactions would be lost with them. Left out: the timeout.

use super::{Answer, Api, errors};
use crate::engine::Context;
use once_coordinator::catalog::{Command, DeletedTopic, Refusal, Reply, TopicRef};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use once_wire::message::delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse};

/// See the module.
pub(crate) struct DeleteTopics;

impl Api for DeleteTopics {
    type Request = DeleteTopicsRequest;
    const VERSIONS: VersionRange = VersionRange::new(1, 6);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DeleteTopicsResponse>, ErrorCode> {
        let catalog = cx.catalog();
        let name_of = |wanted: &TopicRef| {
            let by_id = catalog
                .topic_by_id(wanted.id)
                .map(|topic| topic.name.clone());
            wanted.name.clone().or(by_id)
        };
        let mut topics = Vec::new();
        let mut kept = Vec::new();
        for topic in wanted(request) {
            match name_of(&topic).and_then(|name| errors::kept(&name)) {
                None => topics.push(topic),
                Some(refusal) => {
                    let TopicRef { name, id } = topic;
                    kept.push(DeletedTopic {
                        name,
                        id,
                        result: Err(refusal),
                    });
                }
            }
        }
        let reply = cx.decide_catalog(&Command::DeleteTopics { topics })?;
        let Reply::DeleteTopics(results) = reply else {
            return Err(ErrorCode::UnknownServerError);
        };
        let version = cx.version;
        let responses = results
            .into_iter()
            .chain(kept)
            .map(|topic| told(topic, version));
        Ok(Answer::Now(DeleteTopicsResponse {
            responses: responses.collect(),
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> DeleteTopicsResponse {
        let responses = wanted(request)
            .into_iter()
            .map(|topic| DeletableTopicResult {
                name: topic.name,
                topic_id: topic.id,
                error_code: error.code(),
                ..Default::default()
            });
        DeleteTopicsResponse {
            responses: responses.collect(),
            ..Default::default()
        }
    }
}

fn wanted(request: &DeleteTopicsRequest) -> Vec<TopicRef> {
    let names = request.topic_names.iter();
    let old = names.map(|name| TopicRef {
        name: Some(name.clone()),
        id: Uuid::ZERO,
    });
    let topics = request.topics.iter();
    let new = topics.map(|topic| TopicRef {
        name: topic.name.clone(),
        id: topic.topic_id,
    });
    old.chain(new).collect()
}

fn told(topic: DeletedTopic, version: i16) -> DeletableTopicResult {
    let (code, message) = match topic.result {
        Ok(()) => (ErrorCode::None, None),
        Err(Refusal {
            code: ErrorCode::TopicDeletionDisabled,
            message,
        }) if version < 3 => (ErrorCode::InvalidRequest, message),
        Err(refusal) => (refusal.code, refusal.message),
    };
    DeletableTopicResult {
        name: topic.name,
        topic_id: topic.id,
        error_code: code.code(),
        error_message: message,
        ..Default::default()
    }
}
