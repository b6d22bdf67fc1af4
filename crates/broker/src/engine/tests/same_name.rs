//! A topic is deleted and made again at once: whatever a crash leaves, it is one of the two, whole.

use super::reading::{batches, fetch};
use super::rig::{Rig, Sent};
use crate::engine::{ConnectionId, LogId};
use once_wire::batch::BatchBuilder;
use once_wire::ids::Uuid;
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

fn create(rig: &mut Rig, client: ConnectionId) -> Sent {
    let topic = CreatableTopic {
        name: "t".into(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    rig.send(client, 7, &request)
}

fn delete(rig: &mut Rig, client: ConnectionId) -> Sent {
    let request = DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        ..Default::default()
    };
    rig.send(client, 5, &request)
}

fn produce(rig: &mut Rig, client: ConnectionId, value: &str) -> Sent {
    let batch = BatchBuilder::new().push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
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
    rig.send(client, 9, &request)
}

fn produced(rig: &mut Rig, sent: Sent) -> (i16, i64) {
    let answer = rig.answer::<ProduceRequest>(sent, 9).expect("an answer");
    let partition = &answer.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

fn topic_id(rig: &mut Rig) -> Uuid {
    let topic = MetadataRequestTopic {
        name: Some("t".into()),
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        ..Default::default()
    };
    let client = rig.connect();
    let answer = rig.call(client, 12, &request);
    assert_eq!(answer.topics[0].error_code, 0);
    answer.topics[0].topic_id
}

/// The values of the topic, in order.
fn values(rig: &mut Rig) -> Vec<String> {
    let mut values = Vec::new();
    for batch in batches(fetch(rig, "t", 0).records) {
        for record in batch.records(1 << 20).expect("not compressed") {
            let value = record.expect("a sound record").value.expect("a value");
            values.push(String::from_utf8(value.to_vec()).expect("text"));
        }
    }
    values
}

/// A topic with one record, durable, and nothing flushed from then on.
fn with_a_record() -> (Rig, ConnectionId, Uuid) {
    let mut rig = Rig::with_files();
    let client = rig.connect();
    create(&mut rig, client);
    produce(&mut rig, client, "old");
    rig.forget_answers();
    let id = topic_id(&mut rig);
    rig.flush_at_once = false;
    (rig, client, id)
}

#[test]
fn a_crash_before_the_deletion_is_durable_leaves_the_old_topic_whole() {
    let (mut rig, client, id) = with_a_record();
    delete(&mut rig, client);
    create(&mut rig, client);
    produce(&mut rig, client, "new");
    rig.flush_all_but(LogId::METADATA);
    let mut rig = rig.crash();
    assert_eq!(topic_id(&mut rig), id);
    assert_eq!(values(&mut rig), ["old"]);
}

#[test]
fn a_crash_after_the_answers_leaves_the_new_topic_whole() {
    let (mut rig, client, id) = with_a_record();
    let deleted = delete(&mut rig, client);
    let created = create(&mut rig, client);
    let first = produce(&mut rig, client, "new");
    rig.flush();
    let answer = rig.answer::<DeleteTopicsRequest>(deleted, 5).expect("done");
    assert_eq!(answer.responses[0].error_code, 0);
    let answer = rig.answer::<CreateTopicsRequest>(created, 7).expect("done");
    assert_eq!(answer.topics[0].error_code, 0);
    assert_eq!(produced(&mut rig, first), (0, 0));
    let new_id = topic_id(&mut rig);
    assert_ne!(new_id, id);
    assert_eq!(values(&mut rig), ["new"]);
    let mut rig = rig.crash();
    assert_eq!(topic_id(&mut rig), new_id);
    assert_eq!(values(&mut rig), ["new"]);
}

#[test]
fn a_name_may_change_hands_many_times_before_anything_is_durable() {
    for lost in [true, false] {
        let (mut rig, client, id) = with_a_record();
        for value in ["a", "b", "c"] {
            delete(&mut rig, client);
            create(&mut rig, client);
            produce(&mut rig, client, value);
        }
        if lost {
            rig.flush_all_but(LogId::METADATA);
        } else {
            rig.flush();
            assert_eq!(values(&mut rig), ["c"]);
        }
        let mut rig = rig.crash();
        assert_eq!(topic_id(&mut rig) == id, lost);
        assert_eq!(values(&mut rig), [if lost { "old" } else { "c" }]);
    }
}

#[test]
fn a_record_is_not_acknowledged_because_its_topic_is_being_deleted() {
    let (mut rig, client, _) = with_a_record();
    let written = produce(&mut rig, client, "new");
    let other = rig.connect();
    delete(&mut rig, other);
    assert!(rig.answer::<ProduceRequest>(written, 9).is_none());

    // The record is on disk: a crash brings the topic back, and the record with it.
    rig.flush_all_but(LogId::METADATA);
    assert_eq!(produced(&mut rig, written), (0, 1));
    let mut rig = rig.crash();
    assert_eq!(values(&mut rig), ["old", "new"]);
}

#[test]
fn a_record_whose_topic_is_durably_deleted_waits_for_nothing() {
    let (mut rig, client, _) = with_a_record();
    let written = produce(&mut rig, client, "new");
    let log = rig.log_of("t");
    let other = rig.connect();
    delete(&mut rig, other);
    rig.flush_all_but(log);
    assert_eq!(produced(&mut rig, written), (0, 1));
}
