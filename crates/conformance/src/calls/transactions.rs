//! The calls of a transactional producer, of the first protocol.

use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::told;
use crate::error::{Error, accept};
use crate::link::Link;

/// Who writes: what InitProducerId gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerId {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// What a coordinator coordinates: the key types of FindCoordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coordinates {
    Group = 0,
    Transactions = 1,
}

impl Link {
    /// Asks where the coordinator is. On Apache Kafka this is what makes its internal topic.
    pub(crate) fn find_coordinator(&mut self, of: Coordinates, key: &str) -> Result<(), Error> {
        let request = FindCoordinatorRequest {
            key_type: of as i8,
            coordinator_keys: vec![key.to_owned()],
            ..FindCoordinatorRequest::default()
        };
        let answer = self.call(4, &request)?;
        let found = told(answer.coordinators.first(), key)?;
        accept(&format!("find the coordinator of {key}"), found.error_code)
    }

    /// A producer id, and its epoch bumped if the transactional id is not new.
    pub(crate) fn init_producer(
        &mut self,
        transactional_id: Option<&str>,
    ) -> Result<ProducerId, Error> {
        let request = InitProducerIdRequest {
            transactional_id: transactional_id.map(str::to_owned),
            transaction_timeout_ms: 600_000,
            ..InitProducerIdRequest::default()
        };
        let answer = self.call(4, &request)?;
        accept("InitProducerId", answer.error_code)?;
        Ok(ProducerId {
            id: answer.producer_id,
            epoch: answer.producer_epoch,
        })
    }

    pub(crate) fn add_partition(
        &mut self,
        transactional_id: &str,
        producer: ProducerId,
        topic: &str,
        partition: i32,
    ) -> Result<(), Error> {
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: transactional_id.to_owned(),
            v3_and_below_producer_id: producer.id,
            v3_and_below_producer_epoch: producer.epoch,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: topic.to_owned(),
                partitions: vec![partition],
                ..AddPartitionsToTxnTopic::default()
            }],
            ..AddPartitionsToTxnRequest::default()
        };
        let answer = self.call(3, &request)?;
        let topics = answer.results_by_topic_v3_and_below.first();
        let result = topics.and_then(|topic| topic.results_by_partition.first());
        let code = told(result, topic)?.partition_error_code;
        accept(
            &format!("add {topic}-{partition} to {transactional_id}"),
            code,
        )
    }

    /// Makes the offset of one partition part of the transaction.
    pub(crate) fn add_offset(
        &mut self,
        transactional_id: &str,
        producer: ProducerId,
        group: &str,
        (topic, partition, offset): (&str, i32, i64),
    ) -> Result<(), Error> {
        let request = AddOffsetsToTxnRequest {
            transactional_id: transactional_id.to_owned(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            group_id: group.to_owned(),
            ..AddOffsetsToTxnRequest::default()
        };
        let answer = self.call(3, &request)?;
        let doing = format!("add offsets of {group} to {transactional_id}");
        accept(&doing, answer.error_code)?;
        let request = TxnOffsetCommitRequest {
            transactional_id: transactional_id.to_owned(),
            group_id: group.to_owned(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            topics: vec![TxnOffsetCommitRequestTopic {
                name: topic.to_owned(),
                partitions: vec![TxnOffsetCommitRequestPartition {
                    partition_index: partition,
                    committed_offset: offset,
                    committed_metadata: Some(format!("by {transactional_id}")),
                    ..TxnOffsetCommitRequestPartition::default()
                }],
                ..TxnOffsetCommitRequestTopic::default()
            }],
            ..TxnOffsetCommitRequest::default()
        };
        let answer = self.call(3, &request)?;
        let topics = answer.topics.first();
        let result = told(topics.and_then(|topic| topic.partitions.first()), topic)?;
        accept(&doing, result.error_code)
    }

    pub(crate) fn end_transaction(
        &mut self,
        transactional_id: &str,
        producer: ProducerId,
        commit: bool,
    ) -> Result<(), Error> {
        let request = EndTxnRequest {
            transactional_id: transactional_id.to_owned(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            committed: commit,
            ..EndTxnRequest::default()
        };
        let answer = self.call(3, &request)?;
        accept(
            &format!("end the transaction of {transactional_id}"),
            answer.error_code,
        )
    }
}
