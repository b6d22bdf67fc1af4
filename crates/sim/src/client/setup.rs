//! What every client does first: make sure that the topics are there.

use super::{KEYED, Port, TOPICS};
use crate::plan::Plan;
use once_check::history::{Kind, Op, Topic};
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use std::collections::BTreeMap;

/// How long a client waits for an answer that it expects soon.
pub(crate) const PATIENCE: u64 = 2_000_000;

/// The setting with which segments may be as small as a run needs them (Kafka: `TopicConfig`, for tests).
pub(crate) fn small_segments(bytes: i32) -> CreatableTopicConfig {
    setting("internal.segment.bytes", bytes.to_string())
}

fn setting(name: &str, value: String) -> CreatableTopicConfig {
    CreatableTopicConfig {
        name: name.to_owned(),
        value: Some(value),
        ..Default::default()
    }
}

/// The settings of a topic.
fn settings(topic: &str, segment_bytes: i32) -> Vec<CreatableTopicConfig> {
    let mut settings = vec![small_segments(segment_bytes)];
    if topic == KEYED {
        settings.push(setting("cleanup.policy", "compact,delete".to_owned()));
    }
    settings
}

/// Makes the topics, or finds that they exist.
pub(crate) async fn topics(port: &Port, plan: &Plan) {
    let request = CreateTopicsRequest {
        topics: TOPICS
            .iter()
            .map(|name| CreatableTopic {
                name: (*name).to_owned(),
                num_partitions: plan.partitions,
                replication_factor: 1,
                configs: settings(name, plan.segment_bytes),
                ..Default::default()
            })
            .collect(),
        timeout_ms: 1_000,
        ..Default::default()
    };
    // Before anybody writes to it, so that the judge knows what may be gone.
    let compacted = Topic {
        topic: KEYED.into(),
        generation: 0,
        deleted: false,
        compacted: true,
        expires: false,
        deleted_below: BTreeMap::new(),
    };
    port.note(Kind::Info, Op::Topic(compacted));
    loop {
        let link = port.connect().await;
        let Ok(response) = port.call(link, 5, &request, PATIENCE).await else {
            port.close(link);
            continue;
        };
        port.close(link);
        let there =
            |code| code == ErrorCode::None.code() || code == ErrorCode::TopicAlreadyExists.code();
        if response.topics.iter().all(|topic| there(topic.error_code)) {
            return;
        }
        for topic in &response.topics {
            port.say(format!("create {}: {}", topic.name, topic.error_code));
        }
        port.sleep(10_000).await;
    }
}

/// What a coordinator coordinates: the key types of FindCoordinator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coordinates {
    Group = 0,
    Transactions = 1,
}

/// Asks for the coordinator, as every client does before it asks the coordinator. There is one broker, so that who
/// gets no answer goes to it all the same.
pub(crate) async fn find_coordinator(port: &Port, of: Coordinates, key: &str) {
    let link = port.connect().await;
    let request = FindCoordinatorRequest {
        key_type: of as i8,
        coordinator_keys: vec![key.to_owned()],
        ..Default::default()
    };
    let answer = port.call(link, 4, &request, PATIENCE).await;
    port.close(link);
    let found = answer
        .ok()
        .and_then(|answer| answer.coordinators.into_iter().next());
    let code = found.map_or(0, |found| found.error_code);
    let code = ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError);
    if code != ErrorCode::None && !code.is_retriable() {
        port.found(format!("the coordinator of {key}: {code}"));
    }
}
