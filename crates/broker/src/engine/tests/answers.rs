//! Answers whose size follows from what there is, not from how often it is asked for; and what is
//! nobody's to ask for.

use super::rig::Rig;
use crate::engine::ConnectionId;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use once_wire::message::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use once_wire::message::describe_groups_request::DescribeGroupsRequest;
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use once_wire::message::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use once_wire::message::offset_fetch_response::OffsetFetchResponseTopics;
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

fn rig() -> (Rig, ConnectionId) {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.make_topic(client, "t", 2);
    (rig, client)
}

#[test]
fn what_is_asked_many_times_is_answered_once() {
    const TIMES: usize = 50;
    let (mut rig, client) = rig();
    let topic = MetadataRequestTopic {
        name: Some("t".into()),
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic; TIMES]),
        ..Default::default()
    };
    assert_eq!(rig.call(client, 12, &request).topics.len(), 1);

    let resource = DescribeConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        ..Default::default()
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource; TIMES],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 4, &request).results.len(), 1);

    let topics = vec![OffsetFetchRequestTopic {
        name: "t".into(),
        partition_indexes: vec![0; TIMES],
        ..Default::default()
    }];
    let request = OffsetFetchRequest {
        group_id: "g".into(),
        topics: Some(topics),
        ..Default::default()
    };
    assert_eq!(rig.call(client, 7, &request).topics[0].partitions.len(), 1);
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec!["g".into(); TIMES],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 1, &request).groups.len(), 1);
    let request = DescribeGroupsRequest {
        groups: vec!["g".into(); TIMES],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 5, &request).groups.len(), 1);
}

#[test]
fn each_entry_of_a_group_is_answered_while_those_that_ask_again_bring_little() {
    const TIMES: usize = 400;
    let (mut rig, client) = rig();
    let partition = |partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: 7,
        committed_metadata: Some("m".repeat(4_000)),
        ..Default::default()
    };
    let commit = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition(0), partition(1)],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = rig.call(client, 8, &commit);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let of = |group_id: &str, partitions: Option<Vec<i32>>| OffsetFetchRequestGroup {
        group_id: group_id.into(),
        member_epoch: -1,
        topics: partitions.map(|partition_indexes| {
            vec![OffsetFetchRequestTopics {
                name: "t".into(),
                partition_indexes,
                ..Default::default()
            }]
        }),
        ..Default::default()
    };
    let mut groups = vec![of("g", Some(vec![0])), of("g", Some(vec![1]))];
    groups.extend(vec![of("g", None); TIMES]);
    groups.push(of("h", Some(vec![0])));
    let request = OffsetFetchRequest {
        groups,
        ..Default::default()
    };
    let answer = rig.call(client, 8, &request);
    let partitions = |at: usize| {
        let topics: &Vec<OffsetFetchResponseTopics> = &answer.groups[at].topics;
        let of_topics = topics.iter().flat_map(|topic| &topic.partitions);
        of_topics.map(|p| p.partition_index).collect::<Vec<_>>()
    };
    assert_eq!(answer.groups.len(), TIMES + 3);
    assert_eq!([0, 1, 2].map(partitions), [vec![0], vec![1], vec![0, 1]]);
    assert_eq!(partitions(TIMES + 2), [0]);
    let refused = ErrorCode::InvalidRequest.code();
    let codes = answer.groups.iter().map(|group| group.error_code);
    let served = codes.filter(|code| *code != refused).count();
    assert!((100..150).contains(&served), "{served} of {TIMES}");
}

#[test]
fn a_resources_settings_are_told_once_for_each_set_of_keys_however_its_name_is_written() {
    let (mut rig, client) = rig();
    let of = |resource_type, name: &str, keys: Option<&[&str]>| DescribeConfigsResource {
        resource_type,
        resource_name: name.into(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).into()).collect()),
        ..Default::default()
    };
    let (broker, topic) = (4, 2);
    let resources = vec![
        of(topic, "t", Some(&["retention.ms"])),
        of(
            topic,
            "t",
            Some(&["segment.bytes", "cleanup.policy", "none such"]),
        ),
        of(topic, "t", Some(&["retention.ms", "retention.ms"])),
        of(broker, "1", None),
        of(broker, "01", None),
        of(broker, "+001", Some(&[])),
        of(broker, "01", Some(&["log.retention.ms"])),
        of(broker, "2", None),
        of(broker, "002", None),
        of(topic, "1", None),
        of(topic, "01", None),
    ];
    let request = DescribeConfigsRequest {
        resources,
        ..Default::default()
    };
    let answer = rig.call(client, 4, &request);
    let told = answer.results.iter().map(|result| {
        let count = result.configs.len();
        (&*result.resource_name, result.error_code, count.min(3))
    });
    let (invalid, unknown) = (
        ErrorCode::InvalidRequest.code(),
        ErrorCode::UnknownTopicOrPartition.code(),
    );
    let expected = [
        ("t", 0, 1),
        ("t", 0, 2),
        ("1", 0, 3),
        ("01", 0, 1),
        ("2", invalid, 0),
        ("1", unknown, 0),
        ("01", unknown, 0),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn one_name_with_many_topic_ids_is_asked_for_by_the_ids_alone() {
    const IDS: u8 = 50;
    let (mut rig, client) = rig();
    let known = rig.catalog().topic("t").expect("created").id;
    let with_id = |id| MetadataRequestTopic {
        name: Some("t".into()),
        topic_id: id,
        ..Default::default()
    };
    let mut topics: Vec<_> = (1..=IDS).map(|byte| with_id(Uuid([byte; 16]))).collect();
    topics.extend([with_id(known), with_id(known), with_id(Uuid::ZERO)]);
    let request = MetadataRequest {
        topics: Some(topics),
        ..Default::default()
    };
    let answer = rig.call(client, 12, &request);
    let described = answer.topics.iter().filter(|topic| topic.error_code == 0);
    let named: Vec<_> = described.map(|topic| topic.name.as_deref()).collect();
    assert_eq!(named, [Some("t")]);
    let unknown = answer
        .topics
        .iter()
        .filter(|topic| topic.name.is_none() && topic.partitions.is_empty());
    assert_eq!(unknown.count(), usize::from(IDS));
}

#[test]
fn before_topics_are_asked_for_by_id_an_id_or_a_missing_name_is_refused() {
    let (mut rig, client) = rig();
    let id = rig.catalog().topic("t").expect("created").id;
    for (name, topic_id) in [(Some("t".into()), id), (None, Uuid::ZERO), (None, id)] {
        let odd = MetadataRequestTopic {
            name,
            topic_id,
            ..Default::default()
        };
        let plain = MetadataRequestTopic {
            name: Some("t".into()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![plain, odd]),
            ..Default::default()
        };
        let answer = rig.call(client, 11, &request);
        let errors: Vec<_> = answer.topics.iter().map(|topic| topic.error_code).collect();
        assert_eq!(errors, [ErrorCode::InvalidRequest.code(); 2]);
    }
    let neither = MetadataRequestTopic {
        name: None,
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![neither; 3]),
        ..Default::default()
    };
    let answer = rig.call(client, 12, &request);
    let errors: Vec<_> = answer.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(errors, [ErrorCode::InvalidRequest.code()]);
}

#[test]
fn the_catalogs_log_is_no_topic() {
    let (mut rig, client) = rig();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let batch = BatchBuilder::new().push(0, None, Some(b"forged"), &[]);
    let data = PartitionProduceData {
        records: Some(batch.build().as_bytes().clone()),
        ..Default::default()
    };
    let topic = TopicProduceData {
        name: "__cluster_metadata".into(),
        partition_data: vec![data],
        ..Default::default()
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![topic],
        ..Default::default()
    };
    let answer = rig.call(client, 9, &request);
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        unknown
    );
    let topic = ListOffsetsTopic {
        name: "__cluster_metadata".into(),
        partitions: vec![ListOffsetsPartition {
            timestamp: -1,
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![topic],
        ..Default::default()
    };
    let answer = rig.call(client, 7, &request);
    assert_eq!(answer.topics[0].partitions[0].error_code, unknown);
}
