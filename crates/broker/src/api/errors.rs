//! Errors that several APIs share.

use super::internal;
use crate::engine::Settled;
use once_coordinator::catalog::Refusal;
use once_log::store::ReadFailure;
use once_wire::error::ErrorCode;

/// `error` as a client of `version` understands it: below `knows` a fenced producer is told
/// INVALID_PRODUCER_EPOCH, which it takes as fatal likewise (Kafka: `KafkaApis`, KIP-588).
pub(crate) fn fenced_for(error: ErrorCode, version: i16, knows: i16) -> ErrorCode {
    if error == ErrorCode::ProducerFenced && version < knows {
        ErrorCode::InvalidProducerEpoch
    } else {
        error
    }
}

/// What a client is told when files cannot be read that the log still has.
pub(crate) fn of_read(failure: &ReadFailure) -> ErrorCode {
    match failure {
        ReadFailure::Gone(_) | ReadFailure::Moved(_) | ReadFailure::Io { .. } => {
            ErrorCode::KafkaStorageError
        }
        ReadFailure::Corrupt { .. } => ErrorCode::CorruptMessage,
    }
}

/// Refuses to delete or to grow `topic` if the broker keeps it for itself.
pub(crate) fn kept(topic: &str) -> Option<Refusal> {
    internal::is_internal(topic).then(|| Refusal {
        code: ErrorCode::PolicyViolation,
        message: Some(format!("Topic '{topic}' is kept by the broker itself.")),
    })
}

/// An answer of another machine, or to another command, is our defect, not the client's.
pub(crate) fn settled_wrongly(settled: &Settled) -> ErrorCode {
    debug_assert!(false, "settled by an answer to something else: {settled:?}");
    ErrorCode::UnknownServerError
}

/// A call whose checks were not finished before the engine saw it is our defect.
pub(crate) fn unchecked() -> ErrorCode {
    debug_assert!(false, "a heavy call was not checked");
    ErrorCode::UnknownServerError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_see_an_error_that_they_know_and_other_errors_stay() {
        assert_eq!(
            fenced_for(ErrorCode::ProducerFenced, 1, 2),
            ErrorCode::InvalidProducerEpoch
        );
        assert_eq!(
            fenced_for(ErrorCode::ProducerFenced, 2, 2),
            ErrorCode::ProducerFenced
        );
        assert_eq!(
            fenced_for(ErrorCode::InvalidTxnState, 1, 2),
            ErrorCode::InvalidTxnState
        );
    }

    #[test]
    fn only_the_brokers_own_topics_are_kept() {
        assert!(kept(internal::TRANSACTION_STATE).is_some());
        assert!(kept(internal::CONSUMER_OFFSETS).is_some());
        assert!(kept("orders").is_none());
    }
}
