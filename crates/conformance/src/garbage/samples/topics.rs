//! Valid requests about topics and their settings.

use once_wire::Uuid;
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::message::create_partitions_request::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use once_wire::message::describe_acls_request::DescribeAclsRequest;
use once_wire::message::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use once_wire::message::describe_topic_partitions_request::{
    DescribeTopicPartitionsRequest, TopicRequest,
};
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};

use super::Scene;

/// The resource type of a topic in Kafka's config requests (`ConfigResource.Type.TOPIC`).
const TOPIC: i8 = 2;
/// A topic that nobody makes.
const ABSENT: &str = "garbage-absent";

pub(super) fn api_versions(_: &Scene, _: i16) -> ApiVersionsRequest {
    crate::link::api_versions()
}

pub(super) fn metadata(scene: &Scene, version: i16) -> MetadataRequest {
    let topic = MetadataRequestTopic {
        name: Some(scene.topic.clone()),
        ..MetadataRequestTopic::default()
    };
    MetadataRequest {
        topics: Some(vec![topic]),
        // Before version 4 every request may create.
        allow_auto_topic_creation: version < 4,
        ..MetadataRequest::default()
    }
}

pub(super) fn create_topics(_: &Scene, _: i16) -> CreateTopicsRequest {
    let config = CreatableTopicConfig {
        name: "retention.ms".to_owned(),
        value: Some("1000000".to_owned()),
        ..CreatableTopicConfig::default()
    };
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: ABSENT.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            configs: vec![config],
            ..CreatableTopic::default()
        }],
        timeout_ms: 1_000,
        validate_only: true,
        ..CreateTopicsRequest::default()
    }
}

pub(super) fn delete_topics(_: &Scene, version: i16) -> DeleteTopicsRequest {
    let mut request = DeleteTopicsRequest {
        timeout_ms: 1_000,
        ..DeleteTopicsRequest::default()
    };
    if version < 6 {
        request.topic_names = vec![ABSENT.to_owned()];
    } else {
        request.topics = vec![DeleteTopicState {
            name: None,
            topic_id: Uuid([9; 16]),
            ..DeleteTopicState::default()
        }];
    }
    request
}

pub(super) fn create_partitions(scene: &Scene, _: i16) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: scene.topic.clone(),
            count: 2,
            assignments: None,
            ..CreatePartitionsTopic::default()
        }],
        timeout_ms: 1_000,
        validate_only: true,
        ..CreatePartitionsRequest::default()
    }
}

pub(super) fn describe_configs(scene: &Scene, _: i16) -> DescribeConfigsRequest {
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: TOPIC,
            resource_name: scene.topic.clone(),
            configuration_keys: None,
            ..DescribeConfigsResource::default()
        }],
        ..DescribeConfigsRequest::default()
    }
}

pub(super) fn alter_configs(scene: &Scene, _: i16) -> IncrementalAlterConfigsRequest {
    let config = AlterableConfig {
        name: "retention.ms".to_owned(),
        config_operation: 0,
        value: Some("2000000".to_owned()),
        ..AlterableConfig::default()
    };
    IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: scene.topic.clone(),
            configs: vec![config],
            ..AlterConfigsResource::default()
        }],
        validate_only: true,
        ..IncrementalAlterConfigsRequest::default()
    }
}

pub(super) fn describe_partitions(scene: &Scene, _: i16) -> DescribeTopicPartitionsRequest {
    let topic = TopicRequest {
        name: scene.topic.clone(),
        ..TopicRequest::default()
    };
    DescribeTopicPartitionsRequest {
        topics: vec![topic],
        ..DescribeTopicPartitionsRequest::default()
    }
}

/// Any access list at all: 1 is "any" in each of Kafka's enumerations of them.
pub(super) fn describe_acls(_: &Scene, _: i16) -> DescribeAclsRequest {
    DescribeAclsRequest {
        resource_type_filter: 1,
        pattern_type_filter: 1,
        operation: 1,
        permission_type: 1,
        ..DescribeAclsRequest::default()
    }
}
