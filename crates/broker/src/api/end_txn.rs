//! EndTxn (key 26), versions 0–4.
//!
//! Commits or aborts the producer's transaction. The answer comes when the transaction is
//! complete: every marker is durable, so that what follows never meets CONCURRENT_TRANSACTIONS.
//! If that takes long the answer is Kafka's, success, as the outcome is decided and durable. A
//! retry waits with the first request, and gets the same answer.
//!
//! * 2 PRODUCER_FENCED, which older versions see as INVALID_PRODUCER_EPOCH; 3 flexible; 4
//!   TRANSACTION_ABORTABLE.
//!
//! Left out: 5, transaction version 2 (KIP-890).

use super::{Answer, Api, errors};
use crate::engine::{Context, Settled};
use once_coordinator::machine::ProducerIdentity;
use once_coordinator::transaction::{Command, Reply, TransactionVersion};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::end_txn_response::EndTxnResponse;

/// The first version that knows PRODUCER_FENCED.
const KNOWS_FENCED: i16 = 2;

/// See the module.
pub(crate) struct EndTxn;

impl Api for EndTxn {
    type Request = EndTxnRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<EndTxnResponse>, ErrorCode> {
        let command = Command::End {
            transactional_id: request.transactional_id.clone(),
            producer: ProducerIdentity {
                id: request.producer_id,
                epoch: request.producer_epoch,
            },
            commit: request.committed,
            client_version: TransactionVersion::V0,
        };
        match cx.decide_transaction(&request.transactional_id, &command)? {
            Some(reply) => response(cx, Settled::Transaction(reply)).map(Answer::Now),
            None => Ok(Answer::Parked),
        }
    }

    fn resume(
        cx: &mut Context<'_>,
        _request: &Self::Request,
        settled: Settled,
    ) -> Result<EndTxnResponse, ErrorCode> {
        response(cx, settled)
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> EndTxnResponse {
        EndTxnResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn response(cx: &Context<'_>, settled: Settled) -> Result<EndTxnResponse, ErrorCode> {
    match settled {
        Settled::Transaction(Reply::End(Ok(producer))) => Ok(EndTxnResponse {
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            ..Default::default()
        }),
        Settled::Transaction(Reply::End(Err(error))) => {
            Err(errors::fenced_for(error, cx.version, KNOWS_FENCED))
        }
        other => Err(errors::settled_wrongly(&other)),
    }
}
