//! InitProducerId (key 22), versions 0–5.
//!
//! A producer id and epoch: for a producer without a transactional id a new one each time; for
//! one with it the next epoch, by which every earlier holder is fenced. Over an open transaction
//! the answer waits until that is aborted, and then carries the new epoch; Kafka answers
//! CONCURRENT_TRANSACTIONS and lets the client come again, and so do we when the wait gets long.
//!
//! * 2 flexible; 3 the producer names the id and epoch that it has (KIP-360); 4 PRODUCER_FENCED,
//!   which older versions see as INVALID_PRODUCER_EPOCH; 5 TRANSACTION_ABORTABLE.
//!
//! Left out: 6, two-phase commit (KIP-939), which Kafka marks unstable.

use super::{Answer, Api, errors};
use crate::engine::{Context, Settled};
use once_coordinator::machine::ProducerIdentity;
use once_coordinator::transaction::{Command, Reply};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::init_producer_id_response::InitProducerIdResponse;

/// The first version that knows PRODUCER_FENCED.
const KNOWS_FENCED: i16 = 4;

/// See the module.
pub(crate) struct InitProducerId;

impl Api for InitProducerId {
    type Request = InitProducerIdRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 5);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<InitProducerIdResponse>, ErrorCode> {
        let expected = match (request.producer_id, request.producer_epoch) {
            (-1, -1) => None,
            (-1, _) | (_, -1) => return Err(ErrorCode::InvalidRequest),
            (id, epoch) => Some(ProducerIdentity { id, epoch }),
        };
        let fresh_producer_id = cx.fresh_producer_id()?;
        let Some(transactional_id) = &request.transactional_id else {
            let producer = ProducerIdentity {
                id: fresh_producer_id,
                epoch: 0,
            };
            return Ok(Answer::Now(granted(producer)));
        };
        let command = Command::Init {
            transactional_id: transactional_id.clone(),
            timeout_ms: request.transaction_timeout_ms,
            expected,
            fresh_producer_id,
        };
        match cx.decide_transaction(transactional_id, &command)? {
            Some(reply) => response(cx, Settled::Transaction(reply)).map(Answer::Now),
            None => Ok(Answer::Parked),
        }
    }

    fn resume(
        cx: &mut Context<'_>,
        _request: &Self::Request,
        settled: Settled,
    ) -> Result<InitProducerIdResponse, ErrorCode> {
        response(cx, settled)
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> InitProducerIdResponse {
        InitProducerIdResponse {
            error_code: error.code(),
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        }
    }
}

fn response(cx: &Context<'_>, settled: Settled) -> Result<InitProducerIdResponse, ErrorCode> {
    match settled {
        Settled::Transaction(Reply::Init(Ok(producer))) => Ok(granted(producer)),
        Settled::Transaction(Reply::Init(Err(error))) => {
            Err(errors::fenced_for(error, cx.version, KNOWS_FENCED))
        }
        other => Err(errors::settled_wrongly(&other)),
    }
}

fn granted(producer: ProducerIdentity) -> InitProducerIdResponse {
    InitProducerIdResponse {
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        ..Default::default()
    }
}
