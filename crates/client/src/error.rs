//! What can go wrong, sorted by what the caller must do about it.

use std::fmt;

/// A failed call. The variant is the answer to "what now?".
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The outcome is open or the cluster is not ready: make the same call again. After a commit
    /// that ended like this no other call is allowed but the same commit (Kafka's
    /// `KafkaProducer.commitTransaction`).
    #[error("{0}")]
    Retry(Cause),
    /// The transaction cannot commit any more: abort it, rewind, start a new one. If the abort
    /// fails too, that error decides.
    #[error("{0}")]
    Abort(Cause),
    /// Another producer with this transactional id has taken over. Stop: the work is in its hands.
    #[error("{0}")]
    Fenced(Cause),
    /// The call, as it was made, cannot succeed with this client: change the call, or make a new
    /// client.
    #[error("{0}")]
    Fatal(Cause),
}

/// What was being done, to what, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The call and its object, such as `create topic orders`.
    pub doing: String,
    /// The few causes a program tells apart.
    pub kind: Kind,
    /// What the engine or the broker said.
    pub message: String,
}

/// Causes that a program, not only a person, tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A topic of this name is there already.
    TopicExists,
    /// The cluster knows no such topic or partition.
    UnknownTopicOrPartition,
    /// Nobody listens at the address.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// A setting is unknown or its value is not allowed.
    Config,
    /// The broker or the engine cannot do this at all.
    Unsupported,
    /// The batch's epoch is below the one its partition knows: either a newer producer has taken
    /// over, or the coordinator has timed this transaction out. Only an abort tells which.
    InvalidProducerEpoch,
    /// The producer's sequence has a gap: the partition misses an earlier batch.
    OutOfOrderSequence,
    /// Any other.
    Other,
}

impl Error {
    /// What was being done and what came of it.
    pub fn cause(&self) -> &Cause {
        match self {
            Error::Retry(cause)
            | Error::Abort(cause)
            | Error::Fenced(cause)
            | Error::Fatal(cause) => cause,
        }
    }

    /// Shorthand for the cause's kind.
    pub fn kind(&self) -> Kind {
        self.cause().kind
    }

    /// Whether the same call may be made again.
    pub fn is_retry(&self) -> bool {
        matches!(self, Error::Retry(_))
    }

    /// Whether another producer owns the transactional id now.
    pub fn is_fenced(&self) -> bool {
        matches!(self, Error::Fenced(_))
    }

    /// A [`Error::Fatal`] about a setting.
    pub(crate) fn config(doing: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Fatal(Cause {
            doing: doing.into(),
            kind: Kind::Config,
            message: message.into(),
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.message)
    }
}
