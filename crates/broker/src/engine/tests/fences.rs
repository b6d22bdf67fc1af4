//! Answers that rest on what a crash may still take back wait, or do not speak of it.

use super::rig::Rig;
use crate::engine::{ConnectionId, LogId};
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

/// Who sends: an id, an epoch, and the batch's first sequence.
pub(super) type Sender = (i64, i16, i32);

pub(super) fn produce(topic: &str, sender: Sender, id: Option<&str>) -> ProduceRequest {
    let batch = BatchBuilder::new()
        .producer(sender.0, sender.1, sender.2)
        .transactional(id.is_some())
        .push(1_700_000_000_000, None, Some(b"value"), &[])
        .build();
    let data = PartitionProduceData {
        index: 0,
        records: Some(batch.as_bytes().clone()),
        ..Default::default()
    };
    ProduceRequest {
        transactional_id: id.map(str::to_owned),
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![data],
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(super) fn delete_topic(name: &str) -> DeleteTopicsRequest {
    DeleteTopicsRequest {
        topic_names: vec![name.into()],
        ..Default::default()
    }
}

pub(super) fn init(rig: &mut Rig, client: ConnectionId, id: Option<&str>) -> (i64, i16) {
    let request = InitProducerIdRequest {
        transactional_id: id.map(str::to_owned),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let granted = rig.call(client, 4, &request);
    assert_eq!(granted.error_code, 0);
    (granted.producer_id, granted.producer_epoch)
}

/// Makes the first partition of each topic part of a transaction.
pub(super) fn add_partitions(
    transactional_id: &str,
    (id, epoch): (i64, i16),
    topics: &[&str],
) -> AddPartitionsToTxnRequest {
    let topics = topics.iter().map(|name| AddPartitionsToTxnTopic {
        name: (*name).into(),
        partitions: vec![0],
        ..Default::default()
    });
    AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: transactional_id.into(),
        v3_and_below_producer_id: id,
        v3_and_below_producer_epoch: epoch,
        v3_and_below_topics: topics.collect(),
        ..Default::default()
    }
}

pub(super) fn end_transaction(
    transactional_id: &str,
    (producer_id, producer_epoch): (i64, i16),
    committed: bool,
) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: transactional_id.into(),
        producer_id,
        producer_epoch,
        committed,
        ..Default::default()
    }
}

#[test]
fn an_epoch_ends_where_it_is_certain_to_end() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.make_topic(client, "t", 1);
    rig.call(client, 9, &produce("t", (-1, -1, -1), None));
    rig.flush_at_once = false;
    rig.send(client, 9, &produce("t", (-1, -1, -1), None));
    let partition = OffsetForLeaderPartition {
        partition: 0,
        current_leader_epoch: -1,
        leader_epoch: 0,
        ..Default::default()
    };
    let request = OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    };
    let other = rig.connect();
    let ends = |rig: &mut Rig| {
        let response = rig.call(other, 3, &request);
        response.topics[0].partitions[0].end_offset
    };
    assert_eq!(ends(&mut rig), 1);
    rig.flush();
    assert_eq!(ends(&mut rig), 2);
}

#[test]
fn who_waited_for_records_to_go_hears_of_a_deleted_topic_when_that_is_certain() {
    let mut rig = Rig::with_files();
    let client = rig.connect();
    rig.make_topic(client, "t", 1);
    rig.call(client, 9, &produce("t", (-1, -1, -1), None));
    rig.flush_at_once = false;
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".into(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: 1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        timeout_ms: 30_000,
        ..Default::default()
    };
    let waiting = rig.send(client, 2, &request);
    let admin = rig.connect();
    rig.send(admin, 5, &delete_topic("t"));
    assert!(rig.answer::<DeleteRecordsRequest>(waiting, 2).is_none());
    rig.flush();
    let answer = rig.answer::<DeleteRecordsRequest>(waiting, 2);
    let answer = answer.expect("the deletion is flushed");
    let code = answer.topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::UnknownTopicOrPartition.code());
}

#[test]
fn a_batch_is_refused_for_another_when_that_one_is_certain() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.make_topic(client, "t", 1);
    let (id, epoch) = init(&mut rig, client, None);
    rig.flush_at_once = false;
    rig.send(client, 9, &produce("t", (id, epoch, 0), None));
    let other = rig.connect();
    let refused = rig.send(other, 9, &produce("t", (id, epoch, 5), None));
    assert!(rig.answer::<ProduceRequest>(refused, 9).is_none());
    rig.flush();
    let answer = rig.answer::<ProduceRequest>(refused, 9);
    let answer = answer.expect("the other one is flushed");
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::OutOfOrderSequenceNumber.code());
}

#[test]
fn a_transaction_is_complete_without_a_deleted_partition_when_the_deletion_is_certain() {
    let mut rig = Rig::new();
    let client = rig.connect();
    for name in ["gone", "stays"] {
        rig.make_topic(client, name, 1);
    }
    let (id, epoch) = init(&mut rig, client, Some("app"));
    let request = add_partitions("app", (id, epoch), &["gone", "stays"]);
    rig.call(client, 3, &request);
    for name in ["gone", "stays"] {
        rig.call(client, 9, &produce(name, (id, epoch, 0), Some("app")));
    }
    rig.flush_at_once = false;
    let admin = rig.connect();
    rig.send(admin, 5, &delete_topic("gone"));
    let ending = rig.send(client, 4, &end_transaction("app", (id, epoch), true));
    // All is flushed but the deletion.
    rig.flush_all_but(LogId::METADATA);
    for _ in 0..rig.unflushed() {
        rig.flush_one();
    }
    assert!(rig.unflushed() > 0, "the completion was written before");
    rig.flush();
    let answer = rig.answer::<EndTxnRequest>(ending, 4);
    assert_eq!(answer.map(|answer| answer.error_code), Some(0));
}
