//! Topics and settings as an admin client sees them, in every version.

use super::rig::{DIRECTORY, Rig};
use crate::api::internal;
use once_wire::error::ErrorCode;
use once_wire::message::create_partitions_request::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use once_wire::message::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use once_wire::message::describe_configs_response::DescribeConfigsResult;
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use once_wire::message::init_producer_id_request::InitProducerIdRequest;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn create_request(name: &str) -> CreateTopicsRequest {
    let config = CreatableTopicConfig {
        name: "retention.ms".into(),
        value: Some("1000".into()),
        ..Default::default()
    };
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: 3,
        replication_factor: 3,
        configs: vec![config],
        ..Default::default()
    };
    CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    }
}

fn describe_request(kind: i8, name: &str, keys: &[&str]) -> DescribeConfigsRequest {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let resource = DescribeConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configuration_keys: Some(keys),
        ..Default::default()
    };
    DescribeConfigsRequest {
        resources: vec![resource],
        ..Default::default()
    }
}

fn described(rig: &mut Rig, kind: i8, name: &str, keys: &[&str]) -> DescribeConfigsResult {
    let client = rig.connect();
    let mut response = rig.call(client, 4, &describe_request(kind, name, keys));
    response.results.remove(0)
}

fn alter_request(kind: i8, name: &str, key: &str, value: &str) -> IncrementalAlterConfigsRequest {
    let config = AlterableConfig {
        name: key.into(),
        value: Some(value.into()),
        ..Default::default()
    };
    let resource = AlterConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configs: vec![config],
        ..Default::default()
    };
    IncrementalAlterConfigsRequest {
        resources: vec![resource],
        ..Default::default()
    }
}

#[test]
fn topics_are_made_and_deleted_in_every_version() {
    let mut rig = Rig::new();
    let client = rig.connect();
    for version in 2..=7 {
        let answer = rig.call(client, version, &create_request("t"));
        let topic = &answer.topics[0];
        assert_eq!((topic.name.as_str(), topic.error_code), ("t", 0));
        if version >= 5 {
            assert_eq!((topic.num_partitions, topic.replication_factor), (3, 1));
            let configs = topic.configs.as_ref().expect("told from version 5");
            let own: Vec<_> = configs.iter().filter(|c| c.config_source == 1).collect();
            assert_eq!(own.len(), 1);
            assert_eq!(own[0].value.as_deref(), Some("1000"));
        }
        assert_eq!(version >= 7, !topic.topic_id.is_zero());
        let again = rig.call(client, version, &create_request("t"));
        let exists = ErrorCode::TopicAlreadyExists.code();
        assert_eq!(again.topics[0].error_code, exists);
        let delete_version = version - 1;
        let by_name = DeleteTopicState {
            name: Some("t".into()),
            ..Default::default()
        };
        let request = if delete_version < 6 {
            DeleteTopicsRequest {
                topic_names: vec!["t".into()],
                ..Default::default()
            }
        } else {
            DeleteTopicsRequest {
                topics: vec![by_name],
                ..Default::default()
            }
        };
        let gone = rig.call(client, delete_version, &request);
        assert_eq!(gone.responses[0].error_code, 0);
        let missing = rig.call(client, delete_version, &request);
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(missing.responses[0].error_code, unknown);
    }
}

#[test]
fn topics_grow_in_every_version() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.call(client, 7, &create_request("t"));
    for version in 0..=3 {
        let request = |count| CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: "t".into(),
                count,
                assignments: None,
                ..Default::default()
            }],
            ..Default::default()
        };
        let count = 4 + i32::from(version);
        let grown = rig.call(client, version, &request(count));
        assert_eq!(grown.results[0].error_code, 0);
        let refused = rig.call(client, version, &request(count));
        let message = format!("Topic already has {count} partition(s).");
        assert_eq!(refused.results[0].error_message, Some(message));
    }
}

#[test]
fn partitions_are_recorded_in_the_brokers_log_directory() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.call(client, 7, &create_request("t"));
    let partition = rig.catalog().partition("t", 0).expect("made");
    assert_eq!(partition.directories, [DIRECTORY]);
}

#[test]
fn settings_are_described_in_every_version() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.call(client, 7, &create_request("t"));
    for version in 1..=4 {
        let mut request = describe_request(TOPIC, "t", &["retention.ms"]);
        request.include_synonyms = true;
        request.include_documentation = version >= 3;
        let answer = rig.call(client, version, &request);
        let config = &answer.results[0].configs[0];
        assert_eq!(
            (config.name.as_str(), config.value.as_deref()),
            ("retention.ms", Some("1000"))
        );
        assert_eq!((config.config_source, config.read_only), (1, false));
        assert_eq!(config.synonyms[0].name, "retention.ms");
        if version >= 3 {
            assert_eq!(config.config_type, 5);
            assert!(
                config
                    .documentation
                    .as_ref()
                    .is_some_and(|text| !text.is_empty())
            );
        }
        let all = rig.call(client, version, &describe_request(TOPIC, "t", &[]));
        assert_eq!(all.results[0].configs.len(), 33);
        assert!(
            all.results[0]
                .configs
                .iter()
                .all(|config| config.synonyms.is_empty())
        );
    }
}

#[test]
fn what_has_no_settings_says_why() {
    let mut rig = Rig::new();
    for (kind, name, error) in [
        (TOPIC, "nope", ErrorCode::UnknownTopicOrPartition),
        (TOPIC, "a b", ErrorCode::InvalidTopicException),
        (BROKER, "9", ErrorCode::InvalidRequest),
        (BROKER, "x", ErrorCode::InvalidRequest),
        (8, "1", ErrorCode::InvalidRequest),
        (99, "1", ErrorCode::InvalidRequest),
    ] {
        let result = described(&mut rig, kind, name, &[]);
        assert_eq!(
            (result.error_code, result.configs.len()),
            (error.code(), 0),
            "{kind} {name}"
        );
        assert_eq!(
            (result.resource_type, result.resource_name.as_str()),
            (kind, name)
        );
    }
}

#[test]
fn settings_change_in_every_version_and_are_in_force() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.call(client, 7, &create_request("t"));
    for version in 0..=1 {
        let value = (2_000_000 + i32::from(version)).to_string();
        let request = alter_request(TOPIC, "t", "segment.bytes", &value);
        assert_eq!(
            rig.call(client, version, &request).responses[0].error_code,
            0
        );
        let result = described(&mut rig, TOPIC, "t", &["segment.bytes"]);
        assert_eq!(result.configs[0].value, Some(value));
        let request = alter_request(TOPIC, "t", "segment.bytes", "1");
        let refused = &rig.call(client, version, &request).responses[0];
        assert_eq!(refused.error_code, ErrorCode::InvalidConfig.code());
    }
    let mut mixed = alter_request(99, "t", "segment.bytes", "1");
    let good = alter_request(TOPIC, "t", "segment.bytes", "3000000");
    mixed.resources.extend(good.resources);
    let answer = rig.call(client, 1, &mixed);
    let codes: Vec<i16> = answer
        .responses
        .iter()
        .map(|response| response.error_code)
        .collect();
    assert_eq!(codes, [ErrorCode::InvalidRequest.code(), 0]);
}

#[test]
fn the_nodes_settings_are_described_and_some_change_for_all_topics() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.call(client, 7, &create_request("t"));
    let result = described(&mut rig, BROKER, "1", &["transaction.max.timeout.ms"]);
    let config = &result.configs[0];
    assert_eq!(
        (config.value.as_deref(), config.read_only),
        (Some("900000"), true)
    );
    let request = alter_request(BROKER, "", "message.max.bytes", "5000");
    assert_eq!(rig.call(client, 1, &request).responses[0].error_code, 0);
    let result = described(&mut rig, TOPIC, "t", &["max.message.bytes"]);
    assert_eq!(result.configs[0].value.as_deref(), Some("5000"));
    assert_eq!(result.configs[0].config_source, 3);
    let result = described(&mut rig, BROKER, "", &[]);
    assert_eq!(result.configs.len(), 1);
    let fixed = alter_request(BROKER, "1", "num.partitions", "5");
    let refused = &rig.call(client, 1, &fixed).responses[0];
    assert_eq!(refused.error_code, ErrorCode::InvalidRequest.code());
}

/// As Kafka: a given value is listed even if it says what the default says, and of several keys
/// for one setting only the strongest can change.
#[test]
fn a_nodes_settings_say_who_set_them_and_which_can_change() {
    let mut rig = Rig::with(|config| {
        config.set("num.partitions", "1").expect("a setting");
    });
    let client = rig.connect();
    let mut request = describe_request(BROKER, "1", &[]);
    request.include_synonyms = true;
    let all = rig.call(client, 4, &request).results.remove(0).configs;
    assert!(all.is_sorted_by(|a, b| a.name < b.name));
    let told = |name: &str| {
        let config = all.iter().find(|config| config.name == name);
        let config = config.expect("listed");
        let sources = config.synonyms.iter().map(|synonym| synonym.source);
        (
            config.value.as_deref(),
            config.config_source,
            config.read_only,
            sources.collect::<Vec<_>>(),
        )
    };
    assert_eq!(told("num.partitions"), (Some("1"), 4, true, vec![4, 5]));
    assert_eq!(told("fetch.max.bytes").1, 5);
    assert_eq!(told("log.retention.ms"), (None, 5, false, vec![]));
    assert_eq!(told("log.retention.hours"), (Some("168"), 5, true, vec![5]));
}

#[test]
fn the_brokers_own_topics_are_neither_deleted_nor_grown() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let init = InitProducerIdRequest {
        transactional_id: Some("app".into()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    assert_eq!(rig.call(client, 4, &init).error_code, 0);
    let name = internal::TRANSACTION_STATE;
    let kept = ErrorCode::PolicyViolation.code();
    let request = DeleteTopicsRequest {
        topic_names: vec![name.into()],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 5, &request).responses[0].error_code, kept);
    let topic = CreatePartitionsTopic {
        name: name.into(),
        count: 60,
        assignments: None,
        ..Default::default()
    };
    let request = CreatePartitionsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 3, &request).results[0].error_code, kept);
    assert_eq!(rig.call(client, 4, &init).producer_epoch, 1);
}
