//! Transactions as clients of version 1 make them: all or nothing, fenced, and never hanging.

use super::rig::Rig;
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_log::store::JournalSizes;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::metadata_request::MetadataRequest;
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const INIT: i16 = 4;
const ADD: i16 = 3;
const END: i16 = 3;
const PRODUCE: i16 = 11;

/// A transactional producer, by hand.
struct Producer {
    connection: ConnectionId,
    id: i64,
    epoch: i16,
    sequences: [i32; 2],
}

impl Producer {
    fn start(rig: &mut Rig) -> Self {
        let connection = rig.connect();
        let answer = rig.call(connection, INIT, &init());
        assert_eq!(answer.error_code, 0);
        Self {
            connection,
            id: answer.producer_id,
            epoch: answer.producer_epoch,
            sequences: [0; 2],
        }
    }

    fn add(&self, partitions: &[i32]) -> AddPartitionsToTxnRequest {
        AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: "app".into(),
            v3_and_below_producer_id: self.id,
            v3_and_below_producer_epoch: self.epoch,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: "t".into(),
                partitions: partitions.to_vec(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn begin(&self, rig: &mut Rig, partitions: &[i32]) {
        let answer = rig.call(self.connection, ADD, &self.add(partitions));
        for result in &answer.results_by_topic_v3_and_below[0].results_by_partition {
            assert_eq!(result.partition_error_code, 0);
        }
    }

    fn produce(&mut self, rig: &mut Rig, partition: i32) -> i16 {
        let sequence = &mut self.sequences[usize::try_from(partition).expect("small")];
        let batch = BatchBuilder::new()
            .producer(self.id, self.epoch, *sequence)
            .transactional(true)
            .push(1_700_000_000_000, None, Some(b"value"), &[])
            .build();
        *sequence += 1;
        let request = produce(partition, batch.as_bytes().clone());
        rig.call(self.connection, PRODUCE, &request).responses[0].partition_responses[0].error_code
    }

    fn end(&self, commit: bool) -> EndTxnRequest {
        EndTxnRequest {
            transactional_id: "app".into(),
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed: commit,
            ..Default::default()
        }
    }
}

fn init() -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some("app".into()),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    }
}

fn produce(partition: i32, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData {
        index: partition,
        records: Some(records),
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

fn with_topic() -> Rig {
    with_topic_and(|_| {})
}

fn with_topic_and(change: impl FnOnce(&mut crate::config::Config)) -> Rig {
    let mut rig = Rig::with(change);
    let client = rig.connect();
    rig.make_topic(client, "t", 2);
    rig
}

/// The end of a partition for an isolation level: 0 uncommitted, 1 committed.
fn end(rig: &mut Rig, partition: i32, isolation_level: i8) -> i64 {
    let client = rig.connect();
    let wanted = ListOffsetsPartition {
        partition_index: partition,
        timestamp: -1,
        ..Default::default()
    };
    let topic = ListOffsetsTopic {
        name: "t".into(),
        partitions: vec![wanted],
        ..Default::default()
    };
    let request = ListOffsetsRequest {
        isolation_level,
        topics: vec![topic],
        ..Default::default()
    };
    rig.call(client, 8, &request).topics[0].partitions[0].offset
}

#[test]
fn a_committed_transaction_is_visible_everywhere_when_it_is_answered() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0, 1]);
    assert_eq!(
        (producer.produce(&mut rig, 0), producer.produce(&mut rig, 1)),
        (0, 0)
    );
    for partition in [0, 1] {
        assert_eq!(
            (end(&mut rig, partition, 0), end(&mut rig, partition, 1)),
            (1, 0)
        );
    }
    let answer = rig.call(producer.connection, END, &producer.end(true));
    assert_eq!(answer.error_code, 0);
    for partition in [0, 1] {
        assert_eq!(
            (end(&mut rig, partition, 0), end(&mut rig, partition, 1)),
            (2, 2)
        );
    }
}

#[test]
fn end_txn_is_answered_when_every_marker_is_flushed_and_not_before() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0, 1]);
    producer.produce(&mut rig, 0);
    producer.produce(&mut rig, 1);
    rig.flush_at_once = false;
    let sent = rig.send(producer.connection, END, &producer.end(true));
    // Prepare, then the two markers; the third flush completes it.
    for flush in 1..=3 {
        assert_eq!(
            rig.answer::<EndTxnRequest>(sent, END),
            None,
            "before flush {flush}"
        );
        assert!(rig.flush_one());
    }
    let answer = rig.answer::<EndTxnRequest>(sent, END).expect("complete");
    assert_eq!(answer.error_code, 0);
    rig.flush();
}

#[test]
fn with_a_journal_a_transaction_ends_in_one_step_and_is_answered_when_all_of_it_is_flushed() {
    let mut rig = with_topic_and(|config| config.journal = Some(JournalSizes::default()));
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0, 1]);
    producer.produce(&mut rig, 0);
    producer.produce(&mut rig, 1);
    rig.flush_at_once = false;
    let sent = rig.send(producer.connection, END, &producer.end(true));
    assert_eq!(rig.unflushed(), 4, "Prepare, two markers, Complete");
    while rig.unflushed() > 0 {
        assert_eq!(rig.answer::<EndTxnRequest>(sent, END), None);
        assert!(rig.flush_one());
    }
    let answer = rig.answer::<EndTxnRequest>(sent, END).expect("complete");
    assert_eq!(answer.error_code, 0);
}

#[test]
fn a_transaction_that_cannot_complete_in_time_is_answered_as_kafka_answers() {
    let mut rig = with_topic_and(|config| config.transaction_park_ms = 5_000);
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0]);
    producer.produce(&mut rig, 0);
    rig.flush_at_once = false;
    let sent = rig.send(producer.connection, END, &producer.end(true));
    rig.flush_one();
    rig.sleep(5_000);
    let answer = rig
        .answer::<EndTxnRequest>(sent, END)
        .expect("Prepare is durable");
    assert_eq!(answer.error_code, 0);
    rig.flush_at_once = true;
    rig.flush();
    assert_eq!(end(&mut rig, 0, 1), 2);
}

#[test]
fn an_aborted_transaction_ends_for_readers_of_committed_data_too() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0]);
    producer.produce(&mut rig, 0);
    assert_eq!(
        rig.call(producer.connection, END, &producer.end(false))
            .error_code,
        0
    );
    assert_eq!((end(&mut rig, 0, 0), end(&mut rig, 0, 1)), (2, 2));
}

#[test]
fn a_retried_end_txn_gets_the_first_answer() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0]);
    producer.produce(&mut rig, 0);
    for _ in 0..3 {
        assert_eq!(
            rig.call(producer.connection, END, &producer.end(true))
                .error_code,
            0
        );
    }
    assert_eq!(end(&mut rig, 0, 0), 2, "one marker");
    let other = rig.call(producer.connection, END, &producer.end(false));
    assert_eq!(other.error_code, ErrorCode::InvalidTxnState.code());
}

#[test]
fn a_partition_outside_the_transaction_is_refused_so_nothing_can_hang() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0]);
    assert_eq!(
        producer.produce(&mut rig, 1),
        ErrorCode::TransactionAbortable.code()
    );
    producer.produce(&mut rig, 0);
    rig.call(producer.connection, END, &producer.end(true));
    assert_eq!(
        producer.produce(&mut rig, 0),
        ErrorCode::TransactionAbortable.code()
    );
    assert_eq!((end(&mut rig, 0, 0), end(&mut rig, 1, 0)), (2, 0));
}

#[test]
fn data_before_the_answer_to_its_addition_waits_and_stays_in_order() {
    let mut rig = with_topic();
    let producer = Producer::start(&mut rig);
    let connection = producer.connection;
    rig.flush_at_once = false;
    let added = rig.send(connection, ADD, &producer.add(&[0]));
    let sent: Vec<_> = (0..2)
        .map(|sequence| {
            let batch = BatchBuilder::new()
                .producer(producer.id, producer.epoch, sequence)
                .transactional(true)
                .push(1_700_000_000_000, None, Some(b"value"), &[])
                .build();
            let request = produce(0, batch.as_bytes().clone());
            rig.send(connection, PRODUCE, &request)
        })
        .collect();
    assert_eq!(rig.unflushed(), 1, "the addition and no data");
    assert!(rig.flush_one());
    let answer = rig.answer::<AddPartitionsToTxnRequest>(added, ADD);
    assert!(answer.is_some());
    assert_eq!(rig.unflushed(), 2, "both batches");
    rig.flush();
    for (offset, sent) in (0..).zip(sent) {
        let answer = rig.answer::<ProduceRequest>(sent, PRODUCE);
        let answer = answer.expect("an answer after the flush");
        let part = &answer.responses[0].partition_responses[0];
        assert_eq!((part.error_code, part.base_offset), (0, offset));
    }
}

#[test]
fn a_zombie_is_fenced_on_every_path() {
    let mut rig = with_topic();
    let mut zombie = Producer::start(&mut rig);
    zombie.begin(&mut rig, &[0]);
    zombie.produce(&mut rig, 0);
    let heir = Producer::start(&mut rig);
    assert_eq!(heir.id, zombie.id);
    assert!(heir.epoch > zombie.epoch);
    assert_eq!(
        zombie.produce(&mut rig, 0),
        ErrorCode::InvalidProducerEpoch.code()
    );
    let add = rig.call(zombie.connection, ADD, &zombie.add(&[1]));
    let add = &add.results_by_topic_v3_and_below[0].results_by_partition[0];
    assert_eq!(add.partition_error_code, ErrorCode::ProducerFenced.code());
    let ended = rig.call(zombie.connection, END, &zombie.end(true));
    assert_eq!(ended.error_code, ErrorCode::ProducerFenced.code());
    assert_eq!(
        (end(&mut rig, 0, 0), end(&mut rig, 0, 1)),
        (2, 2),
        "its transaction was aborted"
    );
}

#[test]
fn an_idle_transaction_is_aborted_by_its_timeout() {
    let mut rig = with_topic();
    let mut producer = Producer::start(&mut rig);
    producer.begin(&mut rig, &[0]);
    producer.produce(&mut rig, 0);
    rig.sleep(59_000);
    assert_eq!(end(&mut rig, 0, 1), 0);
    rig.sleep(15_000);
    assert_eq!((end(&mut rig, 0, 0), end(&mut rig, 0, 1)), (2, 2));
    assert_eq!(
        producer.produce(&mut rig, 0),
        ErrorCode::InvalidProducerEpoch.code()
    );
}

#[test]
fn what_comes_after_early_data_is_decided_after_it() {
    let mut rig = with_topic();
    let producer = Producer::start(&mut rig);
    let connection = producer.connection;
    rig.flush_at_once = false;
    let added = rig.send(connection, ADD, &producer.add(&[0]));
    let batch = BatchBuilder::new()
        .producer(producer.id, producer.epoch, 0)
        .transactional(true)
        .push(1_700_000_000_000, None, Some(b"value"), &[])
        .build();
    let sent = rig.send(connection, PRODUCE, &produce(0, batch.as_bytes().clone()));
    let ended = rig.send(connection, END, &producer.end(true));
    let other = rig.send(connection, 12, &MetadataRequest::default());
    rig.flush();
    assert!(
        rig.answer::<AddPartitionsToTxnRequest>(added, ADD)
            .is_some()
    );
    let answer = rig.answer::<ProduceRequest>(sent, PRODUCE).expect("told");
    let part = &answer.responses[0].partition_responses[0];
    assert_eq!((part.error_code, part.base_offset), (0, 0));
    let answer = rig.answer::<EndTxnRequest>(ended, END).expect("told");
    assert_eq!(answer.error_code, 0);
    assert!(rig.answer::<MetadataRequest>(other, 12).is_some());
    let next = rig.call(connection, 12, &MetadataRequest::default());
    assert_eq!(next.brokers.len(), 1, "nobody is left behind");
}
