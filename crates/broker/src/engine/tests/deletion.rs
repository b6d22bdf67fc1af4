//! Records that go: nobody hears of it before it is durable, and who reads meanwhile gets no wrong bytes.

use super::rig::{Rig, Sent};
use crate::engine::ConnectionId;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::fetch_response::PartitionData;
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const T0: i64 = 1_700_000_000_000;

/// A topic of one partition, a segment for every two records, each a second younger than the one
/// before it.
fn filled(mut rig: Rig, records: i64, configs: &[(&str, &str)]) -> (Rig, ConnectionId) {
    let client = rig.connect();
    let segment = ("internal.segment.bytes", "160");
    let configs = configs.iter().chain([&segment]);
    let topic = CreatableTopic {
        name: "t".into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs
            .map(|(name, value)| CreatableTopicConfig {
                name: (*name).into(),
                value: Some((*value).into()),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    let made = rig.call(client, 7, &request);
    assert_eq!(made.topics[0].error_code, 0);
    for n in 0..records {
        produce(&mut rig, client, n);
    }
    (rig, client)
}

fn produce(rig: &mut Rig, client: ConnectionId, n: i64) {
    let batch = BatchBuilder::new().push(T0 + n * 1_000, Some(b"k"), Some(b"value"), &[]);
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch.build().as_bytes().clone()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = rig.call(client, 9, &request);
    let answer = &answer.responses[0].partition_responses[0];
    assert_eq!((answer.error_code, answer.base_offset), (0, n));
}

fn delete(topic: &str, offset: i64) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.into(),
            partitions: vec![DeleteRecordsPartition {
                offset,
                ..Default::default()
            }],
            ..Default::default()
        }],
        timeout_ms: 500,
        ..Default::default()
    }
}

/// The error and the low watermark, if there is an answer.
fn deleted(rig: &mut Rig, sent: Sent, version: i16) -> Option<(ErrorCode, i64)> {
    let answer = rig.answer::<DeleteRecordsRequest>(sent, version)?;
    let partition = &answer.topics[0].partitions[0];
    let code = ErrorCode::from_code(partition.error_code).expect("known");
    Some((code, partition.low_watermark))
}

fn fetch_request(offset: i64) -> FetchRequest {
    FetchRequest {
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![FetchPartition {
                fetch_offset: offset,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// The error, the log start, and the offset of the first batch, if there is one.
fn told(data: &PartitionData) -> (ErrorCode, i64, Option<i64>) {
    let code = ErrorCode::from_code(data.error_code).expect("known");
    let records = data.records.clone().unwrap_or_default();
    let first = records
        .first_chunk()
        .map(|eight| i64::from_be_bytes(*eight));
    (code, data.log_start_offset, first)
}

fn fetch(rig: &mut Rig, client: ConnectionId, offset: i64) -> (ErrorCode, i64, Option<i64>) {
    let answer = rig.call(client, 12, &fetch_request(offset));
    told(&answer.responses[0].partitions[0])
}

/// What ListOffsets answers for a timestamp, or for −2, the start.
fn listed(rig: &mut Rig, client: ConnectionId, timestamp: i64) -> i64 {
    let answer = rig.call(client, 4, &list_request(timestamp));
    answer.topics[0].partitions[0].offset
}

fn list_request(timestamp: i64) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                current_leader_epoch: -1,
                timestamp,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn nobody_hears_of_a_deletion_before_it_is_durable() {
    for version in 0..=2 {
        let (mut rig, client) = filled(Rig::with_files(), 9, &[]);
        rig.flush_at_once = false;
        let sent = rig.send(client, version, &delete("t", 5));
        assert_eq!(deleted(&mut rig, sent, version), None);
        let other = rig.connect();
        assert_eq!(fetch(&mut rig, other, 0), (ErrorCode::None, 0, Some(0)));
        assert_eq!(listed(&mut rig, other, -2), 0);
        assert!(rig.start_logs());
        let done = deleted(&mut rig, sent, version);
        assert_eq!(done, Some((ErrorCode::None, 5)));
        let out_of_range = (ErrorCode::OffsetOutOfRange, -1, None);
        assert_eq!(fetch(&mut rig, other, 4), out_of_range);
        assert_eq!(fetch(&mut rig, other, 5), (ErrorCode::None, 5, Some(5)));
        assert_eq!(listed(&mut rig, other, -2), 5);
    }
}

#[test]
fn what_cannot_be_deleted_is_refused_as_kafka_refuses_it() {
    let (mut rig, client) = filled(Rig::with_files(), 3, &[]);
    let mut refused = |topic, offset| {
        let sent = rig.send(client, 2, &delete(topic, offset));
        deleted(&mut rig, sent, 2).expect("an answer at once")
    };
    for offset in [4, -2] {
        assert_eq!(refused("t", offset), (ErrorCode::OffsetOutOfRange, -1));
    }
    let unknown = (ErrorCode::UnknownTopicOrPartition, -1);
    assert_eq!(refused("u", 0), unknown);
    assert_eq!(refused("__consumer_offsets", 0), unknown, "is not there");
    assert_eq!(refused("t", -1), (ErrorCode::None, 3));
    assert_eq!(refused("t", 1), (ErrorCode::None, 3), "is below the start");
    let (mut rig, client) = filled(Rig::with_files(), 3, &[("cleanup.policy", "compact")]);
    let sent = rig.send(client, 2, &delete("t", 1));
    let refused = deleted(&mut rig, sent, 2);
    assert_eq!(refused, Some((ErrorCode::PolicyViolation, -1)));
}

#[test]
fn a_deletion_that_takes_too_long_is_said_to_and_happens_nevertheless() {
    let (mut rig, client) = filled(Rig::with_files(), 3, &[]);
    rig.flush_at_once = false;
    let sent = rig.send(client, 2, &delete("t", 2));
    rig.sleep(499);
    assert_eq!(deleted(&mut rig, sent, 2), None);
    rig.sleep(1);
    let late = deleted(&mut rig, sent, 2);
    assert_eq!(late, Some((ErrorCode::RequestTimedOut, 0)));
    rig.start_logs();
    assert_eq!(listed(&mut rig, client, -2), 2);
}

#[test]
fn a_read_that_meets_a_removed_file_is_out_of_range() {
    // After a start nothing is in memory: all is read from files.
    let (rig, _) = filled(Rig::with_files(), 9, &[]);
    let mut rig = rig.crash();
    let (reader, lister, client) = (rig.connect(), rig.connect(), rig.connect());
    rig.reads_wait = true;
    let fetching = rig.send(reader, 12, &fetch_request(1));
    let listing = rig.send(lister, 4, &list_request(T0 + 1_000));
    let sent = rig.send(client, 2, &delete("t", 7));
    let done = deleted(&mut rig, sent, 2);
    assert_eq!(done, Some((ErrorCode::None, 7)));
    rig.read();
    let fetched = rig.answer::<FetchRequest>(fetching, 12).expect("done");
    let fetched = told(&fetched.responses[0].partitions[0]);
    assert_eq!(fetched, (ErrorCode::OffsetOutOfRange, -1, None));
    let listed = rig.answer::<ListOffsetsRequest>(listing, 4).expect("done");
    let listed = &listed.topics[0].partitions[0];
    assert_eq!((listed.error_code, listed.offset), (0, 7));
    assert_eq!(fetch(&mut rig, reader, 7), (ErrorCode::None, 7, Some(7)));
}

#[test]
fn a_search_by_time_goes_on_behind_what_was_deleted() {
    let (rig, _) = filled(Rig::with_files(), 9, &[]);
    let mut rig = rig.crash();
    let client = rig.connect();
    // The segment of offsets 2 and 3 stays, and its largest timestamp is that of offset 3.
    let sent = rig.send(client, 2, &delete("t", 3));
    deleted(&mut rig, sent, 2).expect("an answer at once");
    assert_eq!(listed(&mut rig, client, T0 + 2_000), 3);
    let sent = rig.send(client, 2, &delete("t", 4));
    deleted(&mut rig, sent, 2).expect("an answer at once");
    assert_eq!(listed(&mut rig, client, T0 + 3_000), 4);
}

#[test]
fn old_records_go_by_themselves() {
    // The youngest record is eight seconds younger than the clock's first moment.
    let retention = [("retention.ms", "1000")];
    let (mut rig, client) = filled(Rig::with_files(), 9, &retention);
    rig.sleep(5_000);
    assert_eq!(listed(&mut rig, client, -2), 0, "nobody has looked");
    rig.sleep(25_000);
    assert_eq!(listed(&mut rig, client, -2), 9);
    assert_eq!(listed(&mut rig, client, T0), -1);
    produce(&mut rig, client, 9);
    assert_eq!(fetch(&mut rig, client, 9), (ErrorCode::None, 9, Some(9)));
    let (mut rig, client) = filled(Rig::with_files(), 9, &[("retention.bytes", "300")]);
    rig.sleep(30_000);
    assert_eq!(listed(&mut rig, client, -2), 4);
}
