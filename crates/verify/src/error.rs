//! What can go wrong while verifying. That a claim is false is no error: it is a result.

use std::io;
use std::time::Duration;

/// Why a verification could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster refused a call or did not answer it.
    #[error(transparent)]
    Client(#[from] once_client::Error),
    /// A socket or a process failed us.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something that had to happen did not.
    #[error("{what} did not happen within {} s", waited.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
    },
    /// The processor's process did not do as it was told.
    #[error("the processor {0}")]
    Processor(String),
    /// A client of a load ended although nobody told it to.
    #[error("{what} ended by itself: {why}")]
    Ended {
        /// Which.
        what: String,
        /// How.
        why: String,
    },
    /// What clients do and see cannot be written down.
    #[error("the history cannot be written: {0}")]
    History(String),
    /// Arguments or addresses that cannot be used.
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
}
