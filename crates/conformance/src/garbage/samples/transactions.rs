//! Valid requests about transactions.

use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use once_wire::message::describe_producers_request::{DescribeProducersRequest, TopicRequest};
use once_wire::message::describe_transactions_request::DescribeTransactionsRequest;
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::Scene;

const ID: &str = "garbage";
const GROUP: &str = "garbage";

pub(super) fn init(_: &Scene, _: i16) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some(ID.to_owned()),
        transaction_timeout_ms: 10_000,
        ..InitProducerIdRequest::default()
    }
}

pub(super) fn add_partitions(scene: &Scene, version: i16) -> AddPartitionsToTxnRequest {
    let topics = vec![AddPartitionsToTxnTopic {
        name: scene.topic.clone(),
        partitions: vec![0],
        ..AddPartitionsToTxnTopic::default()
    }];
    if version < 4 {
        return AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: ID.to_owned(),
            v3_and_below_producer_id: 1,
            v3_and_below_producer_epoch: 0,
            v3_and_below_topics: topics,
            ..AddPartitionsToTxnRequest::default()
        };
    }
    AddPartitionsToTxnRequest {
        transactions: vec![AddPartitionsToTxnTransaction {
            transactional_id: ID.to_owned(),
            producer_id: 1,
            producer_epoch: 0,
            topics,
            ..AddPartitionsToTxnTransaction::default()
        }],
        ..AddPartitionsToTxnRequest::default()
    }
}

pub(super) fn add_offsets(_: &Scene, _: i16) -> AddOffsetsToTxnRequest {
    AddOffsetsToTxnRequest {
        transactional_id: ID.to_owned(),
        producer_id: 1,
        producer_epoch: 0,
        group_id: GROUP.to_owned(),
        ..AddOffsetsToTxnRequest::default()
    }
}

pub(super) fn offset_commit(scene: &Scene, _: i16) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition {
        committed_offset: 1,
        committed_metadata: Some("m".to_owned()),
        ..TxnOffsetCommitRequestPartition::default()
    };
    TxnOffsetCommitRequest {
        transactional_id: ID.to_owned(),
        group_id: GROUP.to_owned(),
        producer_id: 1,
        producer_epoch: 0,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: scene.topic.clone(),
            partitions: vec![partition],
            ..TxnOffsetCommitRequestTopic::default()
        }],
        ..TxnOffsetCommitRequest::default()
    }
}

pub(super) fn end(_: &Scene, _: i16) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: ID.to_owned(),
        producer_id: 1,
        producer_epoch: 0,
        committed: true,
        ..EndTxnRequest::default()
    }
}

pub(super) fn producers(scene: &Scene, _: i16) -> DescribeProducersRequest {
    DescribeProducersRequest {
        topics: vec![TopicRequest {
            name: scene.topic.clone(),
            partition_indexes: vec![0],
            ..TopicRequest::default()
        }],
        ..DescribeProducersRequest::default()
    }
}

pub(super) fn describe(_: &Scene, _: i16) -> DescribeTransactionsRequest {
    DescribeTransactionsRequest {
        transactional_ids: vec![ID.to_owned()],
        ..DescribeTransactionsRequest::default()
    }
}
