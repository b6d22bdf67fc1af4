//! A broker to embed: build, start, use, drop.

use crate::config::{Config, FlushPolicy, SettingError};
use crate::engine::ReplayError;
use crate::shell::start::{self, Running};
use once_log::store::{DirError, JournalError, RecoverError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a broker did not start. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting was refused.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirError),
    /// A partition could not be recovered.
    #[error(transparent)]
    Recovery(#[from] RecoverError),
    /// The journal cannot be trusted.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A partition's directory is not what it was.
    #[error("cannot use {}: {problem}. Restore it from a copy; to go on without its records, remove its line from recovery-point-offset-checkpoint", path.display())]
    Partition {
        /// Which directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The records of topics and settings begin with a snapshot, and there is no whole one.
    #[error("cannot use {}: the snapshot of topics and settings that stands for what was before offset {first}, {first:020}-*.checkpoint, is damaged or gone. Restore it from a copy", path.display())]
    Catalog {
        /// The directory of the records.
        path: PathBuf,
        /// Where they begin.
        first: i64,
    },
    /// An internal topic could not be read back.
    #[error("cannot go on from what the disk holds: {0}")]
    Replay(#[from] ReplayError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {problem}; {}", listen_advice(problem))]
    Listen {
        /// Which address.
        address: String,
        /// What the operating system said.
        problem: std::io::Error,
    },
    /// There is no room for the start itself.
    #[error(
        "{problem}. The disk of {} is full ({free} bytes are free): nothing that was acknowledged is lost; make room on it, then start again", path.display()
    )]
    Full {
        /// The data directory.
        path: PathBuf,
        /// Bytes that may still be written.
        free: u64,
        /// What could not be done.
        problem: Box<StartError>,
    },
    /// The operating system refused threads, memory or files.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

fn listen_advice(problem: &std::io::Error) -> &'static str {
    if problem.kind() == std::io::ErrorKind::AddrInUse {
        "is another broker running there? Choose another with --listen, or port 0 for a free one"
    } else {
        "it must be HOST:PORT with a name or number of this machine; choose another with --listen"
    }
}

/// Where a broker keeps its data.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// In a directory that outlives it.
    Directory(PathBuf),
    /// In a directory of its own under the system's temporary one, removed when it stops.
    Ephemeral,
}

/// Says what a broker is to be. Without more it is durable, in `./once-data`, on
/// `127.0.0.1:9092`.
#[derive(Clone, Debug)]
pub struct BrokerBuilder {
    pub(crate) config: Config,
    pub(crate) data: Data,
    pub(crate) listen: String,
}

impl BrokerBuilder {
    /// Keeps data in `directory`, which is made if need be.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Data::Directory(directory.into());
        self
    }

    /// Keeps data only while it runs, handed to the operating system and never flushed, and
    /// listens on a free port of the loopback address: for tests and demonstrations.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.data = Data::Ephemeral;
        self.config.flush = FlushPolicy::Os;
        "127.0.0.1:0".clone_into(&mut self.listen);
        self
    }

    /// Listens on `HOST:PORT`; port 0 is a free port.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// When a record counts as durable.
    #[must_use]
    pub fn flush(mut self, policy: FlushPolicy) -> Self {
        self.config.flush = policy;
        self
    }

    /// Sets one of Kafka's settings by its key.
    ///
    /// # Errors
    /// The key is unknown or the value unusable.
    pub fn set(mut self, key: &str, value: &str) -> Result<Self, StartError> {
        if let Some(note) = self.config.set(key, value)? {
            tracing::warn!("{note}");
        }
        if let Some(directory) = self.config.log_dir.take() {
            self.data = Data::Directory(directory.into());
        }
        if let Some((host, port)) = self.config.listener.take() {
            self.listen = format!("{}:{port}", if host.is_empty() { "0.0.0.0" } else { &host });
        }
        Ok(self)
    }

    /// Recovers what the data directory holds and serves. Returns when clients can connect.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was changed on disk but what recovery repaired.
    pub fn start(self) -> Result<Broker, StartError> {
        start::start(self).map(|running| Broker { running })
    }
}

/// A running broker. It stops cleanly when it is dropped.
#[derive(Debug)]
pub struct Broker {
    running: Running,
}

impl Broker {
    /// Begins to say what a broker is to be.
    #[must_use]
    pub fn builder() -> BrokerBuilder {
        BrokerBuilder {
            config: Config::default(),
            data: Data::Directory("once-data".into()),
            listen: "127.0.0.1:9092".to_owned(),
        }
    }

    /// Where it listens: `bootstrap.servers` for clients on this machine.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.running.directory
    }

    /// Stops: no more requests, everything written and flushed, files closed.
    pub async fn shutdown(self) {
        // The stop joins threads; a runtime that the caller shares must not be held up by it.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}
