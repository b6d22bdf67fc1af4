//! From the crate's errors to ours: the one table that says what a caller must do.

use confluent_kafka::common::Error as Raw;

use crate::error::{Cause, Error, Kind};

/// Which call failed; the same error means different things to each.
#[derive(Clone, Copy)]
pub(super) enum Call {
    /// Admin, consumer, and producers without transactions: nothing to abort.
    Plain,
    /// Anything inside a transaction, its commit included.
    Transaction,
    /// The outcome of a record in a transaction. The engine has already retried for as long as
    /// `delivery.timeout.ms` lets it, so nothing here is worth a second try.
    RecordInTransaction,
    /// The same outside a transaction, where a timeout leaves open whether it is stored.
    Record,
    /// The abort itself. It is the last resort, so its failure is fatal.
    AbortTransaction,
}

/// Our error for what `doing` met.
pub(super) fn translate(doing: impl Into<String>, call: Call, raw: &Raw) -> Error {
    let cause = Cause {
        doing: doing.into(),
        kind: kind(raw),
        message: message(raw),
    };
    if in_chain(raw, Raw::is_producer_fenced_error)
        || in_chain(raw, Raw::is_fenced_instance_id_error)
    {
        return Error::Fenced(cause);
    }
    let again = raw.is_retriable_error() || raw.is_timeout_error() || raw.is_local_timeout_error();
    match call {
        Call::Plain | Call::Transaction | Call::AbortTransaction if again => Error::Retry(cause),
        Call::Transaction if is_misuse(raw) => Error::Fatal(cause),
        Call::Transaction | Call::RecordInTransaction => Error::Abort(cause),
        Call::Plain | Call::Record | Call::AbortTransaction => Error::Fatal(cause),
    }
}

/// What no abort mends: closed clients, wrong settings, missing rights.
fn is_misuse(raw: &Raw) -> bool {
    raw.is_local_illegal_state_error()
        || raw.is_local_illegal_argument_error()
        || raw.is_local_unsupported_operation_error()
        || raw.is_config_error()
        || raw.is_authentication_error()
        || raw.is_authorization_error()
        || raw.is_unsupported_version_error()
}

/// One of the crate's predicates.
type Is = fn(&Raw) -> bool;

fn kind(raw: &Raw) -> Kind {
    const TABLE: &[(Is, Kind)] = &[
        (Raw::is_topic_exists_error, Kind::TopicExists),
        (
            Raw::is_unknown_topic_or_partition_error,
            Kind::UnknownTopicOrPartition,
        ),
        (
            Raw::is_invalid_producer_epoch_error,
            Kind::InvalidProducerEpoch,
        ),
        (
            Raw::is_out_of_order_sequence_error,
            Kind::OutOfOrderSequence,
        ),
        (Raw::is_config_error, Kind::Config),
        (Raw::is_unsupported_version_error, Kind::Unsupported),
        (Raw::is_local_unsupported_operation_error, Kind::Unsupported),
        (Raw::is_timeout_error, Kind::Timeout),
        (Raw::is_local_timeout_error, Kind::Timeout),
    ];
    TABLE
        .iter()
        .find(|(is, _)| in_chain(raw, is))
        .map_or(Kind::Other, |(_, kind)| *kind)
}

/// Whether the error or one of its causes is such: the crate wraps what closed a producer.
fn in_chain(raw: &Raw, is: impl Fn(&Raw) -> bool) -> bool {
    let mut next = Some(raw);
    while let Some(error) = next {
        if is(error) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The message with its causes, without the crate's type names.
fn message(raw: &Raw) -> String {
    let mut text = raw.message().to_owned();
    let mut next = raw.source();
    while let Some(cause) = next {
        if !text.contains(cause.message()) {
            text.push_str(": ");
            text.push_str(cause.message());
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use confluent_kafka::common::errors as raw;

    use super::*;

    fn family(call: Call, raw: Raw) -> Error {
        translate("commit", call, &raw)
    }

    fn timeout() -> Raw {
        Raw::Timeout(raw::TimeoutError::new("late"))
    }

    #[test]
    fn a_fenced_producer_is_told_to_give_way_in_every_call() {
        let fenced = Raw::ProducerFenced(raw::ProducerFencedError::new("newer"));
        let wrapped = Raw::Timeout(raw::TimeoutError::with_source("closed", fenced.clone()));
        for call in [
            Call::Plain,
            Call::Transaction,
            Call::RecordInTransaction,
            Call::AbortTransaction,
        ] {
            assert!(family(call, fenced.clone()).is_fenced());
            assert!(
                family(call, wrapped.clone()).is_fenced(),
                "a cause counts too"
            );
        }
    }

    #[test]
    fn a_commit_that_timed_out_is_made_again_and_a_record_that_did_aborts() {
        assert!(family(Call::Transaction, timeout()).is_retry());
        assert!(family(Call::AbortTransaction, timeout()).is_retry());
        assert!(matches!(
            family(Call::RecordInTransaction, timeout()),
            Error::Abort(_)
        ));
        assert!(matches!(family(Call::Record, timeout()), Error::Fatal(_)));
    }

    #[test]
    fn an_old_epoch_alone_does_not_mean_fenced() {
        let old = Raw::InvalidProducerEpoch(raw::InvalidProducerEpochError::new("old"));
        let error = family(Call::Transaction, old);
        assert!(matches!(error, Error::Abort(_)));
        assert_eq!(error.kind(), Kind::InvalidProducerEpoch);
    }

    #[test]
    fn the_message_names_the_call_and_each_cause_once() {
        let cause = Raw::TopicExists(raw::TopicExistsError::new("it is there"));
        let outer = Raw::Timeout(raw::TimeoutError::with_source("failed", cause));
        let error = translate("create topic t", Call::Plain, &outer);
        assert_eq!(error.to_string(), "create topic t: failed: it is there");
        assert_eq!(error.kind(), Kind::TopicExists);
    }
}
