//! What a user reads when a command fails: what happened, to what, and what to do.

use std::io;
use std::process::ExitCode;

use once_client::{Error as ClientError, Kind};
use once_verify::Error as VerifyError;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was asked wrongly: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It was tried and did not work: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Nobody reads our output any more, as in `once consume t | head -1`. That is no failure.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// Tells the user, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Failure::OutputClosed => ExitCode::SUCCESS,
            Failure::Failed(_) => {
                eprintln!("error: {self}");
                ExitCode::FAILURE
            }
            Failure::Usage(_) => {
                eprintln!("error: {self}");
                ExitCode::from(2)
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let text = match error.kind() {
            // Kafka's own words for it speak of servers and hosting.
            Kind::UnknownTopicOrPartition => {
                format!("{}: there is no such topic", error.cause().doing)
            }
            _ => error.to_string(),
        };
        let text = advice(&error).map_or(text.clone(), |advice| format!("{text}\n  {advice}"));
        if error.kind() == Kind::Config {
            Failure::Usage(text)
        } else {
            Failure::Failed(text)
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Client(error) => error.into(),
            VerifyError::Usage(text) => Failure::Usage(text),
            other => Failure::Failed(other.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    /// Of our own standard streams; everything else is translated where it happens.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Failed(format!("read the input or write the output: {error}")),
        }
    }
}

/// What to do about it, where that is not plain.
fn advice(error: &ClientError) -> Option<&'static str> {
    match error.kind() {
        Kind::Unreachable => {
            Some("Is the broker running there? `--bootstrap HOST:PORT` names another.")
        }
        Kind::UnknownTopicOrPartition => Some("`once topics list` shows the topics there are."),
        Kind::TopicExists => Some("Choose another name, or delete it with `once topics delete`."),
        _ if error.is_fenced() => {
            Some("A newer producer uses this transactional id. Only the newest of an id may write.")
        }
        _ => None,
    }
}
