//! Transactions as a client sees them: InitProducerId, AddPartitionsToTxn, Produce, EndTxn.

use super::rig::{Rig, Sent};
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::fetch_response::PartitionData;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::init_producer_id_response::InitProducerIdResponse;
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const FENCED: i16 = 90;
const OLD_FENCED: i16 = 47;

/// A producer id and epoch.
type Producer = (i64, i16);

/// A rig with topic `t` of two partitions.
fn rig() -> (Rig, ConnectionId) {
    let mut rig = Rig::new();
    let client = rig.connect();
    let topic = CreatableTopic {
        name: "t".into(),
        num_partitions: 2,
        replication_factor: 3,
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 7, &request).topics[0].error_code, 0);
    (rig, client)
}

fn init_request(transactional_id: Option<&str>) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: transactional_id.map(str::to_owned),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    }
}

fn granted(response: &InitProducerIdResponse) -> Producer {
    assert_eq!(response.error_code, 0);
    (response.producer_id, response.producer_epoch)
}

fn init(rig: &mut Rig, client: ConnectionId) -> Producer {
    granted(&rig.call(client, 4, &init_request(Some("app"))))
}

fn add_request(producer: Producer, partitions: &[i32]) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: "app".into(),
        v3_and_below_producer_id: producer.0,
        v3_and_below_producer_epoch: producer.1,
        v3_and_below_topics: vec![AddPartitionsToTxnTopic {
            name: "t".into(),
            partitions: partitions.to_vec(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn add(rig: &mut Rig, client: ConnectionId, producer: Producer, partitions: &[i32]) -> Vec<i16> {
    let response = rig.call(client, 3, &add_request(producer, partitions));
    let results = &response.results_by_topic_v3_and_below[0].results_by_partition;
    results
        .iter()
        .map(|result| result.partition_error_code)
        .collect()
}

fn produce_request(producer: Producer, sequence: i32, value: &str) -> ProduceRequest {
    let batch = BatchBuilder::new()
        .producer(producer.0, producer.1, sequence)
        .transactional(true)
        .push(1_700_000_000_000, None, Some(value.as_bytes()), &[])
        .build();
    let data = PartitionProduceData {
        index: 0,
        records: Some(batch.as_bytes().clone()),
        ..Default::default()
    };
    ProduceRequest {
        transactional_id: Some("app".into()),
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![data],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn produce(rig: &mut Rig, client: ConnectionId, producer: Producer, sequence: i32) -> i16 {
    let response = rig.call(client, 9, &produce_request(producer, sequence, "a"));
    response.responses[0].partition_responses[0].error_code
}

fn end_request(producer: Producer, committed: bool) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: "app".into(),
        producer_id: producer.0,
        producer_epoch: producer.1,
        committed,
        ..Default::default()
    }
}

fn end(rig: &mut Rig, client: ConnectionId, producer: Producer, committed: bool) -> i16 {
    rig.call(client, 4, &end_request(producer, committed))
        .error_code
}

/// Partition 0 from its start at read_committed.
fn read_committed(rig: &mut Rig) -> PartitionData {
    let reader = rig.connect();
    let partition = FetchPartition {
        partition: 0,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let request = FetchRequest {
        max_bytes: 1 << 20,
        isolation_level: 1,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut response = rig.call(reader, 12, &request);
    response.responses.remove(0).partitions.remove(0)
}

#[test]
fn what_was_written_becomes_readable_with_the_commit_and_not_before() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    assert_eq!(add(&mut rig, client, producer, &[0, 1]), [0, 0]);
    assert_eq!(produce(&mut rig, client, producer, 0), 0);
    let before = read_committed(&mut rig);
    assert_eq!((before.high_watermark, before.last_stable_offset), (1, 0));
    assert_eq!(before.records, Some(Bytes::new()));
    assert_eq!(end(&mut rig, client, producer, true), 0);
    let after = read_committed(&mut rig);
    assert_eq!((after.high_watermark, after.last_stable_offset), (2, 2));
    assert!(after.records.is_some_and(|records| !records.is_empty()));
    assert_eq!(after.aborted_transactions, Some(Vec::new()));
}

#[test]
fn what_was_aborted_is_marked_so_for_readers() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    add(&mut rig, client, producer, &[0]);
    assert_eq!(produce(&mut rig, client, producer, 0), 0);
    assert_eq!(end(&mut rig, client, producer, false), 0);
    let data = read_committed(&mut rig);
    assert_eq!(data.last_stable_offset, 2);
    let aborted = data.aborted_transactions.expect("at read_committed");
    assert_eq!(
        (aborted[0].producer_id, aborted[0].first_offset),
        (producer.0, 0)
    );
}

#[test]
fn the_end_is_answered_when_all_is_durable_and_the_next_transaction_begins_at_once() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    add(&mut rig, client, producer, &[0, 1]);
    produce(&mut rig, client, producer, 0);
    rig.flush_at_once = false;
    let sent = rig.send(client, 3, &end_request(producer, true));
    assert_eq!(
        rig.answer::<EndTxnRequest>(sent, 3),
        None,
        "Prepare is not durable"
    );
    assert!(rig.flush_one(), "Prepare");
    assert_eq!(
        rig.answer::<EndTxnRequest>(sent, 3),
        None,
        "markers are owing"
    );
    assert!(rig.flush_one(), "one marker");
    assert_eq!(
        rig.answer::<EndTxnRequest>(sent, 3),
        None,
        "a marker is owing"
    );
    assert!(rig.flush_one(), "the other");
    let answer = rig.answer::<EndTxnRequest>(sent, 3).expect("complete");
    assert_eq!(answer.error_code, 0);
    rig.flush_at_once = true;
    rig.flush();
    assert_eq!(add(&mut rig, client, producer, &[0]), [0]);
    assert_eq!(end(&mut rig, client, producer, true), 0);
}

#[test]
fn a_retried_end_is_answered_alike() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    add(&mut rig, client, producer, &[0]);
    rig.flush_at_once = false;
    let again = rig.connect();
    let first = rig.send(client, 3, &end_request(producer, true));
    let second = rig.send(again, 3, &end_request(producer, true));
    rig.flush();
    for sent in [first, second] {
        let answer = rig.answer::<EndTxnRequest>(sent, 3).expect("complete");
        assert_eq!(answer.error_code, 0);
    }
    rig.flush_at_once = true;
    assert_eq!(end(&mut rig, client, producer, true), 0);
    let turned = end(&mut rig, client, producer, false);
    assert_eq!(turned, ErrorCode::InvalidTxnState.code());
}

fn init_later(rig: &mut Rig, client: ConnectionId) -> Sent {
    rig.send(client, 4, &init_request(Some("app")))
}

#[test]
fn a_new_instance_waits_for_the_abort_and_the_zombie_is_fenced_everywhere() {
    let (mut rig, zombie) = rig();
    let old = init(&mut rig, zombie);
    add(&mut rig, zombie, old, &[0]);
    produce(&mut rig, zombie, old, 0);
    rig.flush_at_once = false;
    let client = rig.connect();
    let sent = init_later(&mut rig, client);
    assert_eq!(rig.answer::<InitProducerIdRequest>(sent, 4), None);
    rig.flush();
    let answer = rig
        .answer::<InitProducerIdRequest>(sent, 4)
        .expect("aborted");
    let new = granted(&answer);
    assert_eq!((new.0, new.1), (old.0, 2));
    rig.flush_at_once = true;
    assert_eq!(add(&mut rig, zombie, old, &[0]), [FENCED]);
    assert_eq!(produce(&mut rig, zombie, old, 1), OLD_FENCED);
    assert_eq!(end(&mut rig, zombie, old, true), FENCED);
    let data = read_committed(&mut rig);
    assert_eq!(
        data.aborted_transactions.map(|aborted| aborted.len()),
        Some(1)
    );
    assert_eq!(add(&mut rig, client, new, &[0]), [0]);
    assert_eq!(produce(&mut rig, client, new, 0), 0);
    assert_eq!(end(&mut rig, client, new, true), 0);
}

#[test]
fn clients_that_do_not_know_producer_fenced_are_told_of_the_epoch() {
    let (mut rig, client) = rig();
    let old = init(&mut rig, client);
    let new = init(&mut rig, client);
    assert_eq!((old.0, old.1 + 1), (new.0, new.1));
    for version in 0..=4 {
        let expected = if version < 2 { OLD_FENCED } else { FENCED };
        let answer = rig.call(client, version, &end_request(old, true));
        assert_eq!(answer.error_code, expected, "EndTxn {version}");
        let request = AddOffsetsToTxnRequest {
            transactional_id: "app".into(),
            producer_id: old.0,
            producer_epoch: old.1,
            group_id: "g".into(),
            ..Default::default()
        };
        let answer = rig.call(client, version, &request);
        assert_eq!(answer.error_code, expected, "AddOffsetsToTxn {version}");
    }
    for version in 0..=3 {
        let expected = if version < 2 { OLD_FENCED } else { FENCED };
        let answer = rig.call(client, version, &add_request(old, &[0]));
        let results = &answer.results_by_topic_v3_and_below[0].results_by_partition;
        assert_eq!(
            results[0].partition_error_code, expected,
            "AddPartitionsToTxn {version}"
        );
    }
    for version in 3..=5 {
        let expected = if version < 4 { OLD_FENCED } else { FENCED };
        let request = InitProducerIdRequest {
            producer_id: old.0 + 1,
            producer_epoch: 0,
            ..init_request(Some("app"))
        };
        let answer = rig.call(client, version, &request);
        assert_eq!((answer.error_code, answer.producer_id), (expected, -1));
    }
}

#[test]
fn a_producer_without_a_transactional_id_gets_a_new_id_each_time() {
    let (mut rig, client) = rig();
    let mut seen = Vec::new();
    for version in 0..=5 {
        let (id, epoch) = granted(&rig.call(client, version, &init_request(None)));
        assert_eq!(epoch, 0);
        assert!(!seen.contains(&id));
        seen.push(id);
    }
    for (producer_id, producer_epoch) in [(1, -1), (-1, 1)] {
        let request = InitProducerIdRequest {
            producer_id,
            producer_epoch,
            ..init_request(None)
        };
        let answer = rig.call(client, 3, &request);
        assert_eq!(answer.error_code, ErrorCode::InvalidRequest.code());
    }
}

#[test]
fn partitions_are_added_all_or_none() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let not_attempted = ErrorCode::OperationNotAttempted.code();
    assert_eq!(
        add(&mut rig, client, producer, &[0, 9]),
        [not_attempted, unknown]
    );
    assert_ne!(produce(&mut rig, client, producer, 0), 0);
    let nothing = end(&mut rig, client, producer, true);
    assert_eq!(nothing, ErrorCode::InvalidTxnState.code());
}

#[test]
fn a_partition_that_was_not_added_is_not_written_to() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    add(&mut rig, client, producer, &[1]);
    assert_ne!(produce(&mut rig, client, producer, 0), 0);
    assert_eq!(end(&mut rig, client, producer, true), 0);
    assert_ne!(produce(&mut rig, client, producer, 0), 0);
    assert_eq!(read_committed(&mut rig).high_watermark, 0);
}

#[test]
fn a_groups_offsets_are_a_partition_of_the_transaction() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    let request = AddOffsetsToTxnRequest {
        transactional_id: "app".into(),
        producer_id: producer.0,
        producer_epoch: producer.1,
        group_id: "g".into(),
        ..Default::default()
    };
    for version in 0..=4 {
        assert_eq!(rig.call(client, version, &request).error_code, 0);
    }
    assert_eq!(end(&mut rig, client, producer, true), 0);
}

#[test]
fn a_transaction_that_nobody_ends_is_aborted_and_its_producer_fenced() {
    let (mut rig, client) = rig();
    let producer = init(&mut rig, client);
    add(&mut rig, client, producer, &[0]);
    produce(&mut rig, client, producer, 0);
    rig.sleep(60_000);
    assert_eq!(read_committed(&mut rig).last_stable_offset, 0);
    rig.sleep(1);
    assert_eq!(read_committed(&mut rig).last_stable_offset, 2);
    assert_eq!(end(&mut rig, client, producer, true), FENCED);
    assert_eq!(produce(&mut rig, client, producer, 1), OLD_FENCED);
}
