//! Produce (key 0), versions 3–11.
//!
//! Appends one record batch to each partition. The answer waits until the batch is durable as
//! the flush policy defines it: for `acks=-1` and, since a reply must not outrun the log, for
//! `acks=1` too; `acks=0` gets no answer, and an error closes its connection, as on Kafka.
//!
//! * 5 log start offset in the answer; 7 zstd; 8 record errors and messages; 9 flexible;
//!   10 current leader on a leader error (a single node has none); 11 TRANSACTION_ABORTABLE.
//! * Advertised from 0, as Kafka 4 does: librdkafka reads support for compression from the old
//!   versions. A Produce 0–2 itself is answered UNSUPPORTED_VERSION ([`super::produce_legacy`]).
//! * Left out: 12 (transactions of KIP-890 part 2) and 13 (topic ids).
//!
//! Batches are checked before the engine sees them. What takes long is checked off the network's threads,
//! and the batches of one request give [`CLIENT_DECOMPRESSED_MAX`] bytes at most: MESSAGE_TOO_LARGE, a
//! bound that Kafka does not have. A topic whose `compression.type` is not `producer` gets them in that
//! codec, at the codec's default level, and their size is judged before and after, as Kafka does. Stricter than Kafka: bytes after the batch, offset deltas with gaps and
//! a client's append time are refused; and what does not decompress is an INVALID_RECORD, where Kafka
//! says UNKNOWN_SERVER_ERROR.
//!
//! A transactional batch is appended only if its partition is part of the producer's ongoing
//! transaction, checked in the same step as the append: no hanging transaction can arise
//! (KIP-890; Kafka: `ReplicaManager.maybeSendPartitionsToTransactionCoordinator`).

mod records;

use super::call::reply_or_close;
use super::{BatchRules, Call, Outcome, Row, Wake, encode_reply, errors};
use crate::engine::{Context, LogId};
use crate::mutant::Mutant;
use once_coordinator::ids::TopicPartition;
use once_coordinator::machine::ProducerIdentity;
use once_wire::api::ApiKey;
use once_wire::batch::{Batch, CLIENT_DECOMPRESSED_MAX};
use once_wire::codec::{DecodeError, Message, Reader, Request, VersionRange};
use once_wire::error::ErrorCode;
use once_wire::message::produce_request::ProduceRequest;
use once_wire::message::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use records::{Records, Refusal};

/// The row of the table. Produce has a call of its own: batches are checked before the engine.
pub(crate) const fn row() -> Row {
    Row {
        key: ApiKey::Produce,
        versions: VersionRange::new(3, 11),
        advertised: VersionRange::new(0, 11),
        codec: ProduceRequest::VERSIONS,
        parse,
    }
}

/// One partition's part.
struct Part {
    index: i32,
    records: Records,
}

struct Produce {
    acks: i16,
    transactional_id: Option<String>,
    topics: Vec<(String, Vec<Part>)>,
}

fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
    let request = ProduceRequest::decode(reader, version)?;
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let parts = topic.partition_data.into_iter().map(|data| Part {
            index: data.index,
            records: Records::read(data.records, version),
        });
        topics.push((topic.name, parts.collect()));
    }
    let mut produce = Produce {
        acks: request.acks,
        transactional_id: request.transactional_id,
        topics,
    };
    records::check_light(produce.parts_mut().map(|part| &mut part.records));
    Ok(Box::new(produce))
}

impl Produce {
    fn parts_mut(&mut self) -> impl Iterator<Item = &mut Part> {
        self.topics.iter_mut().flat_map(|(_, parts)| parts)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.topics.iter().flat_map(|(_, parts)| parts)
    }

    /// An error that concerns every partition.
    fn common_error(&self) -> Option<ErrorCode> {
        if !(-1..=1).contains(&self.acks) {
            return Some(ErrorCode::InvalidRequiredAcks);
        }
        let sound = self.parts().filter_map(|part| match &part.records {
            Records::Sound(batch) => Some(batch),
            Records::Unchecked(..) | Records::Refused(_) => None,
        });
        let mut producers = sound
            .filter(|batch| batch.is_transactional())
            .map(|batch| (batch.producer_id(), batch.producer_epoch()));
        let first = producers.next()?;
        if self.transactional_id.is_none() {
            return Some(ErrorCode::TransactionalIdAuthorizationFailed);
        }
        producers
            .any(|other| other != first)
            .then_some(ErrorCode::InvalidProducerIdMapping)
    }

    fn append(&self, cx: &mut Context<'_>, topic: &str, part: &Part) -> PartitionProduceResponse {
        match self.append_records(cx, topic, part) {
            Ok(appended) => PartitionProduceResponse {
                index: part.index,
                base_offset: appended.base_offset,
                log_append_time_ms: appended.log_append_time,
                log_start_offset: appended.log_start_offset,
                ..Default::default()
            },
            Err((error, message)) => PartitionProduceResponse {
                index: part.index,
                error_code: error.code(),
                base_offset: -1,
                error_message: message,
                ..Default::default()
            },
        }
    }

    fn append_records(
        &self,
        cx: &mut Context<'_>,
        topic: &str,
        part: &Part,
    ) -> Result<once_log::Appended, (ErrorCode, Option<String>)> {
        let log = cx
            .find_log(topic, part.index)
            .ok_or((ErrorCode::UnknownTopicOrPartition, None))?;
        let batch = match &part.records {
            Records::Sound(batch) => batch,
            Records::Refused(refusal) => return Err((refused(cx, log, *refusal), None)),
            Records::Unchecked(..) => return Err((errors::unchecked(), None)),
        };
        if super::internal::is_internal(topic) {
            return Err((ErrorCode::InvalidTopicException, None));
        }
        if batch.is_transactional() {
            self.verify(cx, topic, part.index, batch)
                .map_err(|error| (error, None))?;
        }
        cx.room_for(log, batch).map_err(|error| (error, None))?;
        let now = cx.now();
        cx.append(log, |log| log.append_client(now, batch))
            .map_err(|error| (error.code(), Some(error.to_string())))
    }

    /// Whether one of its partitions is not durably a part of the transaction yet: then all of the
    /// request waits, so that batches stay in order.
    fn is_early(&self, cx: &mut Context<'_>) -> bool {
        let Some(transactional_id) = &self.transactional_id else {
            return false;
        };
        self.topics.iter().any(|(topic, parts)| {
            let places = parts
                .iter()
                .map(|part| TopicPartition::new(topic, part.index));
            places
                .into_iter()
                .any(|place| cx.is_early(transactional_id, &place))
        })
    }

    /// The partition must be part of the producer's ongoing transaction.
    fn verify(
        &self,
        cx: &mut Context<'_>,
        topic: &str,
        index: i32,
        batch: &Batch,
    ) -> Result<(), ErrorCode> {
        if cx.config().breaks(Mutant::EpochCheck) {
            return Ok(());
        }
        let transactional_id = self.transactional_id.as_deref().unwrap_or_default();
        let producer = ProducerIdentity {
            id: batch.producer_id(),
            epoch: batch.producer_epoch(),
        };
        let place = TopicPartition::new(topic, index);
        let knows_abortable = cx.version >= 11;
        cx.transactions(transactional_id)
            .verify(transactional_id, producer, &place)
            .map_err(|error| produce_error(error, knows_abortable))
    }
}

/// A batch that is too large is told so, whatever else is wrong with it.
fn refused(cx: &Context<'_>, log: LogId, refusal: Refusal) -> ErrorCode {
    let max = cx.partition(log).map_or(u32::MAX, |partition| {
        partition.log.config().max_message_bytes
    });
    match refusal.size {
        Some(size) if size as u64 > u64::from(max) => ErrorCode::MessageTooLarge,
        Some(_) | None => refusal.code,
    }
}

/// What a producer is told for an answer of the transaction coordinator (Kafka:
/// `ReplicaManager.appendRecords`, its mapping of verification errors). Codes that old clients
/// retry without new metadata stand for a transaction that is just completing.
pub(crate) fn produce_error(error: ErrorCode, knows_abortable: bool) -> ErrorCode {
    match error {
        ErrorCode::TransactionAbortable if !knows_abortable => ErrorCode::InvalidTxnState,
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::ConcurrentTransactions
        | ErrorCode::NetworkException
        | ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
        other => other,
    }
}

impl Call for Produce {
    fn is_heavy(&self, recompresses: bool) -> bool {
        recompresses || self.parts().any(|part| part.records.is_unchecked())
    }

    fn check(&mut self, rules: &dyn Fn(&str) -> Option<BatchRules>) {
        let mut room = CLIENT_DECOMPRESSED_MAX;
        for (name, parts) in &mut self.topics {
            let rules = rules(name);
            for part in parts {
                part.records.measure(rules.map(|rules| rules.max_bytes));
                part.records.check(&mut room);
                if let Some(rules) = rules {
                    part.records.convert(&rules);
                }
            }
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        let common = self.common_error();
        if common.is_none() && self.is_early(cx) {
            return Outcome::Early;
        }
        let mut first_error = None;
        let mut responses = Vec::with_capacity(self.topics.len());
        for (name, parts) in &self.topics {
            let mut partition_responses = Vec::with_capacity(parts.len());
            for part in parts {
                let response = match common {
                    None => self.append(cx, name, part),
                    Some(error) => PartitionProduceResponse {
                        index: part.index,
                        error_code: error.code(),
                        base_offset: -1,
                        ..Default::default()
                    },
                };
                if response.error_code != ErrorCode::None.code() {
                    first_error = first_error.or(ErrorCode::from_code(response.error_code));
                }
                partition_responses.push(response);
            }
            let name = name.clone();
            responses.push(TopicProduceResponse {
                name,
                partition_responses,
                ..Default::default()
            });
        }
        if self.acks == 0 {
            return match first_error {
                None => Outcome::Silent,
                Some(error) => Outcome::Close(format!("produce with acks=0 failed: {error}")),
            };
        }
        let response = ProduceResponse {
            responses,
            ..Default::default()
        };
        let header = ProduceRequest::response_header_version(cx.version);
        reply_or_close(encode_reply(
            cx.correlation_id,
            header,
            &response,
            cx.version,
        ))
    }

    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Outcome {
        self.start(cx)
    }
}
