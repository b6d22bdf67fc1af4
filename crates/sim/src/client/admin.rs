//! An administrator of a topic of its own: makes it, changes it, deletes it, and looks. Nobody else
//! touches it, so every look must show one of the states that its own requests can have led to.

use super::Port;
use super::records::{Payload, batch};
use super::setup::{PATIENCE, small_segments};
use super::trimmer::delete_below;
use crate::invariant::{Fact, Made, SETTING};
use crate::net::LinkId;
use once_check::history::Partition;
use once_wire::error::ErrorCode;
use once_wire::message::create_partitions_request::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use once_wire::message::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use std::collections::BTreeSet;

const TOPIC: i8 = 2;

struct Admin {
    port: Port,
    topic: String,
    /// What the topic may be.
    possible: BTreeSet<Made>,
    link: LinkId,
    segment_bytes: i32,
}

/// What became of a request.
enum Told {
    Code(ErrorCode),
    Nothing,
}

impl Admin {
    /// What may be after a change that `Code(None)` says was made, and silence leaves open. What
    /// was refused changed nothing.
    async fn changed(&mut self, told: Told, change: impl Fn(Made) -> Made) {
        let after: BTreeSet<Made> = self.possible.iter().copied().map(change).collect();
        match told {
            Told::Code(ErrorCode::None) => {
                self.possible = after;
                self.tell();
            }
            Told::Code(code) => self.port.say(format!("{}: {code}", self.topic)),
            Told::Nothing => {
                self.possible.extend(after);
                self.port.close(self.link);
                // What is under way arrives or dies before the next request is made.
                self.port.sleep(1_000_000).await;
                self.link = self.port.connect().await;
            }
        }
    }

    /// What the topic may be now it may be after a crash.
    fn tell(&self) {
        self.port.told(Fact::Topic {
            name: self.topic.clone(),
            possible: self.possible.clone(),
        });
    }

    /// The topic is seen to be, or not to be, as `fits` says.
    fn seen(&mut self, what: &str, fits: impl Fn(&Made) -> bool) {
        let before = self.possible.clone();
        self.possible.retain(fits);
        if self.possible.is_empty() {
            let topic = &self.topic;
            self.port
                .found(format!("{topic} {what}, and it can only be {before:?}"));
            self.possible = before;
        }
        self.tell();
    }

    async fn create(&mut self) {
        let partitions = i32::try_from(self.port.random().between(1, 3)).expect("small");
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: self.topic.clone(),
                num_partitions: partitions,
                replication_factor: 1,
                configs: vec![small_segments(self.segment_bytes)],
                ..Default::default()
            }],
            timeout_ms: 1_000,
            ..Default::default()
        };
        let answer = self.port.call(self.link, 5, &request, PATIENCE).await;
        let told = told(answer.ok().and_then(|a| Some(a.topics.first()?.error_code)));
        if let Told::Code(ErrorCode::TopicAlreadyExists) = told {
            self.seen("is said to exist", Option::is_some);
        }
        self.changed(told, |state| state.or(Some((partitions, None))))
            .await;
    }

    async fn delete(&mut self) {
        let request = DeleteTopicsRequest {
            topic_names: vec![self.topic.clone()],
            timeout_ms: 1_000,
            ..Default::default()
        };
        let answer = self.port.call(self.link, 4, &request, PATIENCE).await;
        let told = told(
            answer
                .ok()
                .and_then(|a| Some(a.responses.first()?.error_code)),
        );
        if let Told::Code(ErrorCode::UnknownTopicOrPartition) = told {
            self.seen("is said to be unknown", Option::is_none);
        }
        self.changed(told, |_| None).await;
    }

    async fn grow(&mut self) {
        let count = i32::try_from(self.port.random().between(2, 5)).expect("small");
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: self.topic.clone(),
                count,
                ..Default::default()
            }],
            timeout_ms: 1_000,
            ..Default::default()
        };
        let answer = self.port.call(self.link, 2, &request, PATIENCE).await;
        let told = told(
            answer
                .ok()
                .and_then(|a| Some(a.results.first()?.error_code)),
        );
        let grown = |state: Made| state.map(|(before, set)| (before.max(count), set));
        self.changed(told, grown).await;
    }

    async fn alter(&mut self) {
        // Now and then so short that records go while the run lasts.
        let unit = *self.port.random().pick(&[10, 100_000_000]);
        let value = i64::try_from(self.port.random().between(1, 9)).expect("small") * unit;
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: TOPIC,
                resource_name: self.topic.clone(),
                configs: vec![AlterableConfig {
                    name: SETTING.to_owned(),
                    config_operation: 0,
                    value: Some(value.to_string()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.port.call(self.link, 1, &request, PATIENCE).await;
        let told = told(
            answer
                .ok()
                .and_then(|a| Some(a.responses.first()?.error_code)),
        );
        let altered = |state: Made| state.map(|(partitions, _)| (partitions, Some(value)));
        self.changed(told, altered).await;
    }

    async fn describe(&mut self) {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: TOPIC,
                resource_name: self.topic.clone(),
                configuration_keys: Some(vec![SETTING.to_owned()]),
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.port.call(self.link, 4, &request, PATIENCE).await;
        let result = answer.ok().and_then(|a| a.results.into_iter().next());
        let Some(result) = result else {
            return self.changed(Told::Nothing, |state| state).await;
        };
        match ErrorCode::from_code(result.error_code).unwrap_or_default() {
            ErrorCode::None => {
                let set = result
                    .configs
                    .iter()
                    .find(|config| config.config_source == 1);
                let set = set.and_then(|config| config.value.as_deref()?.parse().ok());
                let what = format!("has the setting {set:?}");
                self.seen(&what, |state| state.is_some_and(|(_, value)| value == set));
            }
            code => self.port.say(format!("{}: {code}", self.topic)),
        }
    }

    async fn look(&mut self) {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(self.topic.clone()),
                ..Default::default()
            }]),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let answer = self.port.call(self.link, 9, &request, PATIENCE).await;
        let topic = answer.ok().and_then(|a| a.topics.into_iter().next());
        let Some(topic) = topic else {
            return self.changed(Told::Nothing, |state| state).await;
        };
        let count = i32::try_from(topic.partitions.len()).expect("a few");
        match ErrorCode::from_code(topic.error_code).unwrap_or_default() {
            ErrorCode::None => {
                let what = format!("has {count} partitions");
                self.seen(&what, |state| state.is_some_and(|(p, _)| p == count));
            }
            ErrorCode::UnknownTopicOrPartition => self.seen("is not there", Option::is_none),
            code => self.port.say(format!("{}: {code}", self.topic)),
        }
    }

    /// All records of one partition go.
    async fn trim(&mut self) {
        let partition = Partition::new(self.topic.as_str(), 0);
        let port = self.port.clone();
        match delete_below(&port, self.link, &partition, -1).await {
            Some((ErrorCode::None, _)) => self.seen("has its records deleted", Option::is_some),
            Some((code, _)) => self.changed(Told::Code(code), |state| state).await,
            None => self.changed(Told::Nothing, |state| state).await,
        }
    }

    /// A record, so that deletion has something to take away.
    async fn write(&mut self) {
        let payload = Payload {
            value: 0,
            weight: 50,
            input: None,
            key: None,
            tombstone: false,
        };
        let records = batch(&[payload], self.port.now_ms(), (-1, -1), -1, false);
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 1_000,
            topic_data: vec![TopicProduceData {
                name: self.topic.clone(),
                partition_data: vec![PartitionProduceData {
                    index: 0,
                    records: Some(records.as_bytes().clone()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.port.call(self.link, 8, &request, PATIENCE).await;
        let part = answer.ok().and_then(|a| {
            let topic = a.responses.first()?;
            Some(topic.partition_responses.first()?.error_code)
        });
        match told(part) {
            Told::Code(ErrorCode::None) => self.seen("takes records", Option::is_some),
            told => self.changed(told, |state| state).await,
        }
    }
}

fn told(code: Option<i16>) -> Told {
    code.and_then(ErrorCode::from_code)
        .map_or(Told::Nothing, Told::Code)
}

/// Administers a topic for so many requests.
pub(crate) async fn admin(port: Port, operations: u32, segment_bytes: i32) {
    let mut own = Admin {
        topic: format!("own-{}", port.client()),
        possible: BTreeSet::from([None]),
        link: port.connect().await,
        port: port.clone(),
        segment_bytes,
    };
    for _ in 0..operations {
        if port.is_ending() {
            break;
        }
        let choice = port.random().below(18);
        match choice {
            0 | 1 => own.create().await,
            2 => own.delete().await,
            3 | 4 => own.grow().await,
            5..=7 => own.alter().await,
            8..=12 => own.describe().await,
            13 | 14 => own.look().await,
            15 => own.trim().await,
            _ => own.write().await,
        }
        let pause = port.random().below(10_000);
        port.sleep(pause).await;
    }
    own.look().await;
    own.describe().await;
}
