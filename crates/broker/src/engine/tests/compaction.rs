//! Which log is compacted when, and who reads meanwhile.

use super::rig::{Rig, Sent};
use crate::engine::ConnectionId;
use once_wire::batch::{Batch, BatchBuilder};
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const T0: i64 = 1_700_000_000_000;
/// `log.cleaner.backoff.ms`, as it is if nobody says otherwise.
const BACKOFF_MS: i64 = 15_000;

fn create(rig: &mut Rig, topic: &str, policy: &str) {
    let client = rig.connect();
    let configs = [
        ("internal.segment.bytes", "260"),
        ("cleanup.policy", policy),
    ];
    let config = |(name, value): (&str, &str)| CreatableTopicConfig {
        name: name.into(),
        value: Some(value.into()),
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.into(),
            num_partitions: 1,
            replication_factor: 1,
            configs: configs.map(config).into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let made = rig.call(client, 7, &request);
    assert_eq!(made.topics[0].error_code, 0);
}

/// A record of one of two keys, a second younger than the one before it.
fn produce(rig: &mut Rig, topic: &str, n: i64) {
    let client = rig.connect();
    let (key, value) = ([(n % 2) as u8], n.to_string());
    let batch = BatchBuilder::new().push(T0 + n * 1_000, Some(&key), Some(value.as_bytes()), &[]);
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
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
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

/// A rig with a compacted topic of so many records, all in files alone.
fn dirty(topics: &[(&str, i64)], policy: &str) -> (Rig, ConnectionId) {
    let mut rig = Rig::with_files();
    for (topic, records) in topics {
        create(&mut rig, topic, policy);
        for n in 0..*records {
            produce(&mut rig, topic, n);
        }
    }
    let mut rig = rig.crash();
    let client = rig.connect();
    (rig, client)
}

fn fetch(rig: &mut Rig, client: ConnectionId, topic: &str) -> Sent {
    let request = FetchRequest {
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: vec![FetchPartition {
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    rig.send(client, 12, &request)
}

/// The error, and of each batch that came the last offset and how many records are in it.
fn fetched(rig: &mut Rig, sent: Sent) -> Option<(ErrorCode, Vec<(i64, i32)>)> {
    let answer = rig.answer::<FetchRequest>(sent, 12)?;
    let data = &answer.responses[0].partitions[0];
    let mut records = data.records.clone().unwrap_or_default();
    let mut batches = Vec::new();
    while !records.is_empty() {
        let batch = Batch::split_first(&mut records).expect("a sound batch");
        batches.push((batch.last_offset(), batch.records_count()));
    }
    Some((
        ErrorCode::from_code(data.error_code).expect("known"),
        batches,
    ))
}

#[test]
fn the_dirtiest_log_is_compacted_first_and_one_at_a_time() {
    let (mut rig, _) = dirty(&[("half", 20), ("all", 20)], "compact");
    // Half of one is compacted already.
    rig.sleep(BACKOFF_MS);
    let first = rig.compacting()[0].to_owned();
    let done = rig.swap();
    rig.tell_compacted(done);
    let done = rig.swap();
    rig.tell_compacted(done);
    for n in 20..60 {
        produce(&mut rig, "half", n);
        if n < 50 {
            produce(&mut rig, "all", n);
        }
    }
    assert_eq!(rig.compacting(), Vec::<&str>::new());
    rig.sleep(BACKOFF_MS);
    assert_eq!(
        rig.compacting(),
        ["half"],
        "it has more that is new than {first}"
    );
    rig.sleep(5 * BACKOFF_MS);
    assert_eq!(rig.compacting(), ["half"]);
    let done = rig.swap();
    rig.tell_compacted(done);
    assert_eq!(rig.compacting(), ["all"], "the next one follows at once");
    let done = rig.swap();
    rig.tell_compacted(done);
    rig.sleep(BACKOFF_MS);
    assert_eq!(rig.compacting(), Vec::<&str>::new());
}

#[test]
fn a_clean_log_and_one_that_is_not_compacted_are_left_alone() {
    let (mut rig, _) = dirty(&[("t", 20)], "delete");
    rig.sleep(3 * BACKOFF_MS);
    assert_eq!(rig.compacting(), Vec::<&str>::new());
    let (rig, _) = dirty(&[("t", 20)], "compact");
    let mut rig = rig.crash_with(|config| config.log_cleaner_enable = false);
    rig.sleep(3 * BACKOFF_MS);
    assert_eq!(rig.compacting(), Vec::<&str>::new());
}

#[test]
fn a_fetch_whose_segment_moved_is_planned_again_when_the_log_knows_the_new_one() {
    let (mut rig, client) = dirty(&[("t", 20)], "compact");
    rig.sleep(BACKOFF_MS);
    rig.reads_wait = true;
    let sent = fetch(&mut rig, client, "t");
    let done = rig.swap();
    rig.read();
    assert_eq!(fetched(&mut rig, sent), None, "the log does not know yet");
    rig.tell_compacted(done);
    // Of the first segment only its end is left, and what stands for the rest.
    let first = Some((ErrorCode::None, vec![(1, 0), (2, 0)]));
    assert_eq!(fetched(&mut rig, sent), first);
    let sent = fetch(&mut rig, client, "t");
    assert_eq!(fetched(&mut rig, sent), first);
}

#[test]
fn a_fetch_that_was_planned_before_and_read_after_the_log_was_told_is_planned_again() {
    let (mut rig, client) = dirty(&[("t", 20)], "compact");
    rig.sleep(BACKOFF_MS);
    rig.reads_wait = true;
    let sent = fetch(&mut rig, client, "t");
    let done = rig.swap();
    rig.tell_compacted(done);
    assert_eq!(fetched(&mut rig, sent), None, "nothing was read yet");
    rig.read();
    let first = Some((ErrorCode::None, vec![(1, 0), (2, 0)]));
    assert_eq!(fetched(&mut rig, sent), first);
}

#[test]
fn a_search_by_time_whose_segment_moved_is_made_again() {
    let (mut rig, client) = dirty(&[("t", 20)], "compact");
    rig.sleep(BACKOFF_MS);
    rig.reads_wait = true;
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                timestamp: T0 + 1_000,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let sent = rig.send(client, 4, &request);
    let done = rig.swap();
    rig.read();
    assert!(rig.answer::<ListOffsetsRequest>(sent, 4).is_none());
    rig.tell_compacted(done);
    let answer = rig
        .answer::<ListOffsetsRequest>(sent, 4)
        .expect("an answer");
    let found = &answer.topics[0].partitions[0];
    assert_eq!(found.error_code, 0);
    assert!(found.offset > 1, "record 1 is gone: {}", found.offset);
    assert_eq!(found.timestamp, T0 + found.offset * 1_000);
}

#[test]
fn a_topic_that_is_deleted_meanwhile_stands_in_nobodys_way() {
    let (mut rig, client) = dirty(&[("t", 20), ("u", 19)], "compact");
    rig.sleep(BACKOFF_MS);
    let first = rig.compacting()[0].to_owned();
    rig.reads_wait = true;
    let reading = fetch(&mut rig, client, &first);
    let done = rig.swap();
    rig.read();
    let admin = rig.connect();
    let request = DeleteTopicsRequest {
        topic_names: vec![first.clone()],
        ..Default::default()
    };
    let deleted = rig.call(admin, 5, &request);
    assert_eq!(deleted.responses[0].error_code, 0);
    let (error, _) = fetched(&mut rig, reading).expect("an answer");
    assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
    rig.tell_compacted(done);
    rig.sleep(BACKOFF_MS);
    let other = if first == "t" { "u" } else { "t" };
    assert_eq!(rig.compacting(), [other]);
}

#[test]
fn a_log_that_cannot_be_read_is_told_of_once_and_left_alone() {
    let (mut rig, _) = dirty(&[("t", 20)], "compact");
    rig.sleep(BACKOFF_MS);
    rig.damage("t");
    let done = rig.swap();
    assert!(done.1.is_err());
    rig.warnings.clear();
    rig.tell_compacted(done);
    rig.sleep(3 * BACKOFF_MS);
    assert_eq!(rig.compacting(), Vec::<&str>::new());
    assert_eq!(rig.warnings.len(), 1, "{:?}", rig.warnings);
    assert!(rig.warnings[0].starts_with("t-0 is not compacted until the next start: "));
}

#[test]
fn records_that_are_deleted_meanwhile_take_their_segments_with_them_afterwards() {
    let (mut rig, client) = dirty(&[("t", 20)], "compact,delete");
    rig.sleep(BACKOFF_MS);
    let done = rig.swap();
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".into(),
            partitions: vec![DeleteRecordsPartition {
                offset: 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        timeout_ms: 500,
        ..Default::default()
    };
    let answer = rig.call(client, 1, &request);
    let partition = &answer.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.low_watermark), (0, 20));
    rig.tell_compacted(done);
    for n in 20..23 {
        produce(&mut rig, "t", n);
    }
    // What the rig's disk holds is what the log knows: a power loss changes nothing.
    let mut rig = rig.crash();
    let client = rig.connect();
    let sent = fetch(&mut rig, client, "t");
    let (error, batches) = fetched(&mut rig, sent).expect("an answer");
    assert_eq!(error, ErrorCode::OffsetOutOfRange, "{batches:?}");
}

#[test]
fn a_backoff_of_nothing_lets_others_go_on() {
    let mut rig = Rig::with(|config| config.log_cleaner_backoff_ms = 0);
    create(&mut rig, "compacted", "compact");
    produce(&mut rig, "compacted", 0);
}
