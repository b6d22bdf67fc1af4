//! AddPartitionsToTxn (key 24), versions 0–3.
//!
//! Adds partitions to the producer's transaction, or begins one with them: all or none. If one
//! does not exist, or is of an internal topic, which no client may write to, the others are answered
//! OPERATION_NOT_ATTEMPTED (Kafka: `KafkaApis.handleAddPartitionsToTxnRequest`).
//!
//! * 2 PRODUCER_FENCED, which older versions see as INVALID_PRODUCER_EPOCH; 3 flexible.
//!
//! Left out: 4 and 5, with which brokers ask each other for several transactions at once; there
//! is one broker.

use super::internal::is_internal;
use super::{Answer, Api, ResponseOf, errors};
use crate::engine::{Context, Settled};
use once_coordinator::ids::TopicPartition;
use once_coordinator::machine::ProducerIdentity;
use once_coordinator::transaction::{Command, Reply, TransactionVersion};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::AddPartitionsToTxnRequest;
use once_wire::message::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResponse, AddPartitionsToTxnTopicResult,
};

/// The first version that knows PRODUCER_FENCED.
const KNOWS_FENCED: i16 = 2;

/// See the module.
pub(crate) struct AddPartitionsToTxn;

impl Api for AddPartitionsToTxn {
    type Request = AddPartitionsToTxnRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 3);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<AddPartitionsToTxnResponse>, ErrorCode> {
        let catalog = cx.catalog();
        let refusal = |topic: &str, index| {
            if is_internal(topic) {
                Some(ErrorCode::TopicAuthorizationFailed)
            } else if catalog.partition(topic, index).is_none() {
                Some(ErrorCode::UnknownTopicOrPartition)
            } else {
                None
            }
        };
        let mut topics = request.v3_and_below_topics.iter();
        let refused = topics.any(|topic| {
            let mut indexes = topic.partitions.iter();
            indexes.any(|index| refusal(&topic.name, *index).is_some())
        });
        if refused {
            return Ok(Answer::Now(each(request, |topic, index| {
                refusal(topic, index).unwrap_or(ErrorCode::OperationNotAttempted)
            })));
        }
        let transactional_id = &request.v3_and_below_transactional_id;
        let command = Command::AddPartitions {
            transactional_id: transactional_id.clone(),
            producer: ProducerIdentity {
                id: request.v3_and_below_producer_id,
                epoch: request.v3_and_below_producer_epoch,
            },
            partitions: partitions(request),
            client_version: TransactionVersion::V0,
        };
        match cx.decide_transaction(transactional_id, &command)? {
            Some(Reply::AddPartitions(Ok(()))) => {
                Ok(Answer::Now(each(request, |_, _| ErrorCode::None)))
            }
            Some(Reply::AddPartitions(Err(error))) => {
                Err(errors::fenced_for(error, cx.version, KNOWS_FENCED))
            }
            Some(other) => Err(errors::settled_wrongly(&Settled::Transaction(other))),
            None => Ok(Answer::Parked),
        }
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> ResponseOf<Self> {
        each(request, |_, _| error)
    }
}

fn partitions(request: &AddPartitionsToTxnRequest) -> Vec<TopicPartition> {
    let topics = request.v3_and_below_topics.iter();
    let partitions = topics.flat_map(|topic| {
        topic
            .partitions
            .iter()
            .map(|index| TopicPartition::new(topic.name.clone(), *index))
    });
    partitions.collect()
}

/// A result for each partition of the request.
fn each(
    request: &AddPartitionsToTxnRequest,
    result: impl Fn(&str, i32) -> ErrorCode,
) -> AddPartitionsToTxnResponse {
    let topics = request
        .v3_and_below_topics
        .iter()
        .map(|topic| AddPartitionsToTxnTopicResult {
            name: topic.name.clone(),
            results_by_partition: topic
                .partitions
                .iter()
                .map(|index| AddPartitionsToTxnPartitionResult {
                    partition_index: *index,
                    partition_error_code: result(&topic.name, *index).code(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
    AddPartitionsToTxnResponse {
        results_by_topic_v3_and_below: topics.collect(),
        ..Default::default()
    }
}
