//! From librdkafka's errors to what a caller must do.

use once_client::{Cause, Error, Kind};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The error of a call outside of transactions, or of a record.
pub(crate) fn plain(doing: impl Into<String>, error: &KafkaError) -> Error {
    Error::Fatal(cause(doing, error))
}

/// The error of a record within a transaction: librdkafka tried as long as it may.
pub(crate) fn record_in_transaction(doing: impl Into<String>, error: &KafkaError) -> Error {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::Fenced) => {
            Error::Fenced(cause(doing, error))
        }
        _ => Error::Abort(cause(doing, error)),
    }
}

/// The error of a transaction's call: librdkafka says itself what must follow.
pub(crate) fn transaction(doing: impl Into<String>, error: &KafkaError) -> Error {
    let cause = cause(doing, error);
    let KafkaError::Transaction(raw) = error else {
        return Error::Fatal(cause);
    };
    let fenced = matches!(
        raw.code(),
        RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::Fenced
    );
    if fenced {
        Error::Fenced(cause)
    } else if raw.is_fatal() {
        Error::Fatal(cause)
    } else if raw.txn_requires_abort() {
        Error::Abort(cause)
    } else if raw.is_retriable() {
        Error::Retry(cause)
    } else {
        Error::Fatal(cause)
    }
}

fn cause(doing: impl Into<String>, error: &KafkaError) -> Cause {
    Cause {
        doing: doing.into(),
        kind: Kind::Other,
        message: error.to_string(),
    }
}

/// Whether an error that a poll returns only says that a broker is away for now.
pub(crate) fn passes(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
        )
    )
}
