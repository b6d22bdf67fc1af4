//! What keeps a check from being carried out. A defect that a check finds is no error: it is a
//! result.

use std::io;
use std::time::Duration;

use once_wire::{DecodeError, EncodeError, ErrorCode};

/// Why a check could not be carried out, or a call of it not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The broker's process did not do what it is started for.
    #[error("{0}")]
    Broker(String),
    /// Something that had to happen did not.
    #[error("{what} did not happen within {} s", waited.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
    },
    /// An answer that is not what the protocol says it is.
    #[error("{doing}: {source}")]
    Decode {
        /// Which answer.
        doing: String,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A request that the codec cannot write.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The broker answered with an error.
    #[error("{doing}: {code}")]
    Refused {
        /// The request.
        doing: String,
        /// The answer.
        code: ErrorCode,
    },
    /// An answer that cannot be right, though it can be read.
    #[error("{0}")]
    Wrong(String),
    /// The load or its judge could not go on.
    #[error(transparent)]
    Verify(#[from] once_verify::Error),
    /// Arguments that cannot be used.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing: doing.into(),
            source,
        }
    }

    pub(crate) fn decode(doing: impl Into<String>) -> impl FnOnce(DecodeError) -> Self {
        move |source| Self::Decode {
            doing: doing.into(),
            source,
        }
    }
}

/// Turns an error code of an answer into an error.
pub(crate) fn accept(doing: &str, code: i16) -> Result<(), Error> {
    match ErrorCode::from_code(code) {
        Some(ErrorCode::None) => Ok(()),
        Some(code) => Err(Error::Refused {
            doing: doing.to_owned(),
            code,
        }),
        None => Err(Error::Wrong(format!(
            "{doing}: error code {code}, which Kafka does not have"
        ))),
    }
}
