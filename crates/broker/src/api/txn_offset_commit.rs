//! TxnOffsetCommit (key 28), versions 0–4: offsets as part of a transaction.
//!
//! The transaction must be open and must have the group's partition of `__consumer_offsets`; that is
//! asked in the same step in which the offsets are written, so no marker can come between.
//!
//! * 2 leader epochs; 3 flexible, and the member with its generation (KIP-447); 4
//!   TRANSACTION_ABORTABLE. Not served: 5, where the broker adds the partition itself.

use super::group_reply::{decide, misdirected};
use super::internal::CONSUMER_OFFSETS;
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, Committer, OffsetToCommit, Reply, TxnCommitOffsets};
use once_coordinator::ids::TopicPartition;
use once_coordinator::machine::ProducerIdentity;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use once_wire::message::txn_offset_commit_response::{
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use std::collections::BTreeMap;

/// See the module.
pub(crate) struct TxnOffsetCommit;

impl Api for TxnOffsetCommit {
    type Request = TxnOffsetCommitRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<TxnOffsetCommitResponse>, ErrorCode> {
        let (offsets, mut results) = sort_out(cx, request);
        if offsets.is_empty() {
            return Ok(Answer::Now(respond(request, &results)));
        }
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let producer = ProducerIdentity {
            id: request.producer_id,
            epoch: request.producer_epoch,
        };
        verify(cx, request, producer)?;
        let command = Command::TxnCommitOffsets(TxnCommitOffsets {
            group_id: request.group_id.clone(),
            member: Committer {
                member_id: request.member_id.clone(),
                instance_id: request.group_instance_id.clone(),
                generation: request.generation_id,
            },
            producer,
            offsets: offsets.iter().map(|(_, offset)| offset.clone()).collect(),
        });
        decide(cx, &request.group_id, &command, |reply| match reply {
            Reply::Offsets(committed) => {
                let errors = committed?.into_iter().map(|(_, error)| error);
                results.extend(offsets.iter().map(|(place, _)| *place).zip(errors));
                Ok(respond(request, &results))
            }
            other => Err(misdirected(&other)),
        })
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> TxnOffsetCommitResponse {
        let places = places(request).map(|(place, ..)| (place, error));
        respond(request, &places.collect())
    }
}

/// Kafka's words for a transaction that will not have these offsets: an old epoch is 47 here, a
/// transaction that is being decided is worth another try, and clients before version 4 do not know
/// TRANSACTION_ABORTABLE.
fn verify(
    cx: &mut Context<'_>,
    request: &TxnOffsetCommitRequest,
    producer: ProducerIdentity,
) -> Result<(), ErrorCode> {
    let partition = TopicPartition::new(CONSUMER_OFFSETS, cx.offsets_partition(&request.group_id));
    let id = request.transactional_id.as_str();
    let version = cx.version;
    if cx.is_early(id, &partition) {
        return Err(ErrorCode::CoordinatorNotAvailable);
    }
    cx.transactions(id)
        .verify(id, producer, &partition)
        .map_err(|error| match error {
            ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
            ErrorCode::ConcurrentTransactions => ErrorCode::CoordinatorNotAvailable,
            ErrorCode::TransactionAbortable if version < 4 => ErrorCode::InvalidTxnState,
            other => other,
        })
}

/// A partition's place in the request: topic, then partition.
type Place = (usize, usize);
type Results = BTreeMap<Place, ErrorCode>;

fn places(
    request: &TxnOffsetCommitRequest,
) -> impl Iterator<
    Item = (
        Place,
        &TxnOffsetCommitRequestTopic,
        &TxnOffsetCommitRequestPartition,
    ),
> {
    request
        .topics
        .iter()
        .enumerate()
        .flat_map(|(topic_index, topic)| {
            let partitions = topic.partitions.iter().enumerate();
            partitions.map(move |(index, partition)| ((topic_index, index), topic, partition))
        })
}

/// What the group shall commit, and the errors of partitions that do not exist.
fn sort_out(
    cx: &mut Context<'_>,
    request: &TxnOffsetCommitRequest,
) -> (Vec<(Place, OffsetToCommit)>, Results) {
    let catalog = cx.catalog();
    let (mut offsets, mut results) = (Vec::new(), Results::new());
    for (place, topic, partition) in places(request) {
        match catalog.topic(&topic.name) {
            Some(known) if known.partitions.contains_key(&partition.partition_index) => {
                let offset = OffsetToCommit {
                    partition: TopicPartition::new(known.name.clone(), partition.partition_index),
                    topic_id: known.id,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.clone(),
                };
                offsets.push((place, offset));
            }
            Some(_) | None => {
                results.insert(place, ErrorCode::UnknownTopicOrPartition);
            }
        }
    }
    (offsets, results)
}

fn respond(request: &TxnOffsetCommitRequest, results: &Results) -> TxnOffsetCommitResponse {
    let named = |topic: &TxnOffsetCommitRequestTopic| TxnOffsetCommitResponseTopic {
        name: topic.name.clone(),
        ..Default::default()
    };
    let mut topics: Vec<_> = request.topics.iter().map(named).collect();
    for (place, _, partition) in places(request) {
        let error = results
            .get(&place)
            .copied()
            .unwrap_or(ErrorCode::UnknownServerError);
        topics[place.0]
            .partitions
            .push(TxnOffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
                ..Default::default()
            });
    }
    TxnOffsetCommitResponse {
        topics,
        ..Default::default()
    }
}
