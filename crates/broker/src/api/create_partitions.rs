//! CreatePartitions (key 37), versions 0–3.
//!
//! Makes topics larger, each by itself.
//!
//! * 2 flexible; 3 quotas, of which there are none.
//!
//! Unlike on Kafka, the topics that the broker keeps for itself cannot grow: groups and
//! transactional ids are assigned to their partitions by number. Left out: the timeout.

use super::{Answer, Api, errors};
use crate::engine::Context;
use once_coordinator::catalog::{Command, MorePartitions, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::create_partitions_request::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use once_wire::message::create_partitions_response::{
    CreatePartitionsResponse, CreatePartitionsTopicResult,
};

/// See the module.
pub(crate) struct CreatePartitions;

impl Api for CreatePartitions {
    type Request = CreatePartitionsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 3);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<CreatePartitionsResponse>, ErrorCode> {
        let mut topics = Vec::new();
        let mut kept = Vec::new();
        for topic in &request.topics {
            match errors::kept(&topic.name) {
                None => topics.push(wanted(topic)),
                Some(refusal) => kept.push((topic.name.clone(), Err(refusal))),
            }
        }
        let validate_only = request.validate_only;
        let reply = cx.decide_catalog(&Command::CreatePartitions {
            topics,
            validate_only,
        })?;
        let Reply::CreatePartitions(results) = reply else {
            return Err(ErrorCode::UnknownServerError);
        };
        let results = results.into_iter().chain(kept).map(|(name, result)| {
            let (code, message) = match result {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal.code, refusal.message),
            };
            told(name, code, message)
        });
        Ok(Answer::Now(CreatePartitionsResponse {
            results: results.collect(),
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> CreatePartitionsResponse {
        let results = request
            .topics
            .iter()
            .map(|topic| told(topic.name.clone(), error, None));
        CreatePartitionsResponse {
            results: results.collect(),
            ..Default::default()
        }
    }
}

fn wanted(topic: &CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic.assignments.as_ref().map(|assignments| {
        assignments
            .iter()
            .map(|assignment| assignment.broker_ids.clone())
            .collect()
    });
    MorePartitions {
        name: topic.name.clone(),
        count: topic.count,
        assignments,
    }
}

fn told(name: String, code: ErrorCode, message: Option<String>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name,
        error_code: code.code(),
        error_message: message,
        ..Default::default()
    }
}
