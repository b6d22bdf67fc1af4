//! Requests over many partitions, or over one many times.

use super::rig::Rig;
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const T0: i64 = 1_700_000_000_000;
const MANY: i32 = 30;

/// The topics "t" and "u", with two segments of records in each partition, all in files.
fn filled(partitions: i32) -> (Rig, ConnectionId) {
    let mut rig = Rig::with_files();
    let client = rig.connect();
    let topic = |name: &str| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: vec![CreatableTopicConfig {
            name: "internal.segment.bytes".into(),
            value: Some("160".into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic("t"), topic("u")],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 7, &request).topics[0].error_code, 0);
    for n in 0..3 {
        let batch = BatchBuilder::new().push(T0 + n * 1_000, Some(b"k"), Some(b"value"), &[]);
        let records = batch.build().as_bytes().clone();
        let topic = |name: &str| TopicProduceData {
            name: name.into(),
            partition_data: (0..partitions)
                .map(|index| data(index, records.clone()))
                .collect(),
            ..Default::default()
        };
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 1000,
            topic_data: vec![topic("t"), topic("u")],
            ..Default::default()
        };
        rig.call(client, 9, &request);
    }
    // After a start nothing is in memory: all is read from files.
    let mut rig = rig.crash();
    let client = rig.connect();
    (rig, client)
}

fn data(index: i32, records: Bytes) -> PartitionProduceData {
    PartitionProduceData {
        index,
        records: Some(records),
        ..Default::default()
    }
}

fn list(topics: &[(&str, &[(i32, i64)])]) -> ListOffsetsRequest {
    let partition = |(partition_index, timestamp): &(i32, i64)| ListOffsetsPartition {
        partition_index: *partition_index,
        current_leader_epoch: -1,
        timestamp: *timestamp,
        ..Default::default()
    };
    let topics = topics.iter().map(|(name, partitions)| ListOffsetsTopic {
        name: (*name).into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    });
    ListOffsetsRequest {
        replica_id: -1,
        topics: topics.collect(),
        ..Default::default()
    }
}

fn fetch(topics: &[(&str, &[(i32, i64)])]) -> FetchRequest {
    let partition = |(partition, fetch_offset): &(i32, i64)| FetchPartition {
        partition: *partition,
        fetch_offset: *fetch_offset,
        partition_max_bytes: 1 << 10,
        ..Default::default()
    };
    let topics = topics.iter().map(|(topic, partitions)| FetchTopic {
        topic: (*topic).into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    });
    FetchRequest {
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: topics.collect(),
        ..Default::default()
    }
}

/// Each partition of the answer: its topic, its index, and the offset of its first batch.
fn fetched(rig: &mut Rig, client: ConnectionId, request: &FetchRequest) -> Vec<(String, i32, i64)> {
    let answer = rig.call(client, 12, request);
    let topics = answer.responses.into_iter();
    let each = topics.flat_map(|topic| {
        topic.partitions.into_iter().map(move |partition| {
            let records = partition.records.unwrap_or_default();
            let first = records.first_chunk().expect("a batch");
            let offset = i64::from_be_bytes(*first);
            (topic.topic.clone(), partition.partition_index, offset)
        })
    });
    each.collect()
}

#[test]
fn a_partition_whose_offset_is_asked_for_twice_is_refused_once() {
    let (mut rig, client) = filled(2);
    let request = list(&[
        ("t", &[(0, -1), (1, -1), (0, -2)]),
        ("u", &[(0, -1)]),
        ("t", &[(0, T0), (7, -1)]),
    ]);
    let answer = rig.call(client, 7, &request);
    let told = answer.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|p| (&*topic.name, p.partition_index, p.error_code, p.offset))
    });
    let (invalid, unknown) = (
        ErrorCode::InvalidRequest.code(),
        ErrorCode::UnknownTopicOrPartition.code(),
    );
    let expected = [
        ("t", 0, invalid, -1),
        ("t", 1, 0, 3),
        ("t", 7, unknown, -1),
        ("u", 0, 0, 3),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn lookups_by_time_in_many_files_are_answered_when_the_last_file_was_read() {
    let (mut rig, client) = filled(MANY);
    rig.reads_wait = true;
    let wanted: Vec<_> = (0..MANY).map(|index| (index, T0 + 1_000)).collect();
    let sent = rig.send(client, 7, &list(&[("t", &wanted), ("u", &wanted)]));
    assert!(rig.answer::<ListOffsetsRequest>(sent, 7).is_none());
    rig.read();
    let answer = rig.answer::<ListOffsetsRequest>(sent, 7).expect("all read");
    for topic in &answer.topics {
        let offsets = topic.partitions.iter().map(|p| (p.error_code, p.offset));
        assert_eq!(offsets.collect::<Vec<_>>(), [(0, 1); MANY as usize]);
    }
}

#[test]
fn a_partition_that_a_fetch_names_twice_is_read_once_from_where_it_says_last() {
    let (mut rig, client) = filled(2);
    let request = fetch(&[
        ("t", &[(0, 0), (1, 0), (0, 1)]),
        ("u", &[(0, 0)]),
        ("t", &[(0, 2)]),
    ]);
    let expected = [("t", 0, 2), ("t", 1, 0), ("u", 0, 0)];
    let expected = expected.map(|(topic, index, offset)| (topic.to_owned(), index, offset));
    assert_eq!(fetched(&mut rig, client, &request), expected);
}

#[test]
fn a_fetch_from_many_files_brings_each_partition_its_own() {
    let (mut rig, client) = filled(MANY);
    let wanted: Vec<_> = (0..MANY)
        .map(|index| (index, i64::from(index % 3)))
        .collect();
    let all = fetched(&mut rig, client, &fetch(&[("t", &wanted)]));
    let found: Vec<_> = all.into_iter().map(|(_, index, at)| (index, at)).collect();
    assert_eq!(found, wanted);
}
