//! What every client does first: make sure that the topics are there.

use super::{Port, TOPICS};
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};

/// How long a client waits for an answer that it expects soon.
pub(crate) const PATIENCE: u64 = 2_000_000;

/// Makes the topics, or finds that they exist.
pub(crate) async fn topics(port: &Port, partitions: i32) {
    let request = CreateTopicsRequest {
        topics: TOPICS
            .iter()
            .map(|name| CreatableTopic {
                name: (*name).to_owned(),
                num_partitions: partitions,
                replication_factor: 1,
                ..Default::default()
            })
            .collect(),
        timeout_ms: 1_000,
        ..Default::default()
    };
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
