//! Where the attacks take place: the address, what is attacked, and what came of it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use once_wire::{ApiKey, VersionRange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::samples::Scene;

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// An answer above this is absurd itself.
const ANSWER_MAX: usize = 100 << 20;
/// Findings of one kind that are told in words; the others are only counted.
const TOLD_MAX: usize = 10;

/// What all attacks share.
pub(crate) struct Ground {
    /// The broker.
    pub(crate) address: SocketAddr,
    /// What the requests are about.
    pub(crate) scene: Scene,
    /// A topic with some MiB in it.
    pub(crate) fat: String,
    /// What the broker advertises.
    pub(crate) apis: Vec<(ApiKey, VersionRange)>,
    /// Connections of the mass attack.
    pub(crate) announcers: usize,
    counts: Counts,
    findings: Mutex<BTreeMap<&'static str, Finding>>,
}

/// How it went, over all attacks.
#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    silent: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Connections made.
    pub(crate) connections: u64,
    /// Hostile requests that were answered.
    pub(crate) answered: u64,
    /// Hostile connections that the broker closed or did not take.
    pub(crate) refused: u64,
    /// Hostile requests that met neither within the time given.
    pub(crate) silent: u64,
}

/// A law that did not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How often.
    pub(crate) times: u64,
    /// The first few in words.
    pub(crate) told: Vec<String>,
}

/// What came of something sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The content of a frame.
    Answer(Bytes),
    /// The broker ended the connection.
    Closed,
    /// Neither, in time.
    Silent,
}

impl Ground {
    pub(crate) fn new(
        address: SocketAddr,
        scene: Scene,
        fat: String,
        apis: Vec<(ApiKey, VersionRange)>,
        announcers: usize,
    ) -> Self {
        Self {
            address,
            scene,
            fat,
            apis,
            announcers,
            counts: Counts::default(),
            findings: Mutex::default(),
        }
    }

    /// A connection that ends in a reset, so that thousands leave no ports behind. `None` if the
    /// broker takes it not.
    pub(crate) async fn connect(&self) -> Option<TcpStream> {
        let connecting = timeout(CONNECT_PATIENCE, TcpStream::connect(self.address)).await;
        let stream = connecting.map_err(|_| io::ErrorKind::TimedOut.into());
        let stream = stream.flatten().and_then(|stream: TcpStream| {
            stream.set_zero_linger()?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => {
                add(&self.counts.connections, 1);
                Some(stream)
            }
            Err(_) => {
                self.refused(1);
                tokio::time::sleep(Duration::from_millis(20)).await;
                None
            }
        }
    }

    /// Sends bytes and waits for what comes of them; counts it.
    pub(crate) async fn exchange(
        &self,
        stream: &mut TcpStream,
        bytes: &[u8],
        patience: Duration,
    ) -> Outcome {
        let outcome = match timeout(patience, stream.write_all(bytes)).await {
            Ok(Ok(())) => self.outcome(stream, patience).await,
            // Closed before all was sent: it may have answered first, but there is no telling.
            Ok(Err(_)) => Outcome::Closed,
            Err(_) => Outcome::Silent,
        };
        self.count(&outcome);
        outcome
    }

    /// Waits for an answer.
    pub(crate) async fn outcome(&self, stream: &mut TcpStream, patience: Duration) -> Outcome {
        match timeout(patience, read_frame(stream)).await {
            Ok(Ok(answer)) => Outcome::Answer(answer),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                self.find("absurd answers", || error.to_string());
                Outcome::Closed
            }
            Ok(Err(_)) => Outcome::Closed,
            Err(_) => Outcome::Silent,
        }
    }

    pub(crate) fn count(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Answer(_) => add(&self.counts.answered, 1),
            Outcome::Closed => add(&self.counts.refused, 1),
            Outcome::Silent => add(&self.counts.silent, 1),
        }
    }

    pub(crate) fn refused(&self, times: u64) {
        add(&self.counts.refused, times);
    }

    /// Notes that a law did not hold.
    pub(crate) fn find(&self, law: &'static str, how: impl FnOnce() -> String) {
        let mut findings = self.findings();
        let finding = findings.entry(law).or_default();
        finding.times += 1;
        if finding.told.len() < TOLD_MAX {
            finding.told.push(how());
        }
    }

    /// The laws that did not hold so far.
    pub(crate) fn findings(&self) -> MutexGuard<'_, BTreeMap<&'static str, Finding>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> Tally {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally {
            connections: get(&self.counts.connections),
            answered: get(&self.counts.answered),
            refused: get(&self.counts.refused),
            silent: get(&self.counts.silent),
        }
    }
}

fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

/// The next frame's content. Memory grows with what arrives.
async fn read_frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let length = stream.read_i32().await?;
    let Some(length) = usize::try_from(length).ok().filter(|n| *n <= ANSWER_MAX) else {
        let message = format!("an answer of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    };
    let mut content = Vec::new();
    stream.take(length as u64).read_to_end(&mut content).await?;
    if content.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(content.into())
}
