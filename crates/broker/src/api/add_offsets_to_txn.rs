//! AddOffsetsToTxn (key 25), versions 0–4.
//!
//! Adds the partition of `__consumer_offsets` that a group's offsets live in to the producer's
//! transaction, or begins one with it.
//!
//! * 2 PRODUCER_FENCED, which older versions see as INVALID_PRODUCER_EPOCH; 3 flexible; 4
//!   TRANSACTION_ABORTABLE.

use super::{Answer, Api, errors};
use crate::engine::{Context, Settled};
use once_coordinator::ids::TopicPartition;
use once_coordinator::machine::ProducerIdentity;
use once_coordinator::transaction::{Command, Reply, TransactionVersion};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::add_offsets_to_txn_response::AddOffsetsToTxnResponse;

/// The first version that knows PRODUCER_FENCED.
const KNOWS_FENCED: i16 = 2;

/// See the module.
pub(crate) struct AddOffsetsToTxn;

impl Api for AddOffsetsToTxn {
    type Request = AddOffsetsToTxnRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<AddOffsetsToTxnResponse>, ErrorCode> {
        let partition = cx.offsets_partition(&request.group_id);
        let offsets = TopicPartition::new(super::internal::CONSUMER_OFFSETS, partition);
        let command = Command::AddPartitions {
            transactional_id: request.transactional_id.clone(),
            producer: ProducerIdentity {
                id: request.producer_id,
                epoch: request.producer_epoch,
            },
            partitions: vec![offsets],
            client_version: TransactionVersion::V0,
        };
        match cx.decide_transaction(&request.transactional_id, &command)? {
            Some(Reply::AddPartitions(Ok(()))) => {
                Ok(Answer::Now(AddOffsetsToTxnResponse::default()))
            }
            Some(Reply::AddPartitions(Err(error))) => {
                Err(errors::fenced_for(error, cx.version, KNOWS_FENCED))
            }
            Some(other) => Err(errors::settled_wrongly(&Settled::Transaction(other))),
            None => Ok(Answer::Parked),
        }
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> AddOffsetsToTxnResponse {
        AddOffsetsToTxnResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}
