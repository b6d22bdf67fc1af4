//! Start and stop, in the order that makes them safe: recover, resume, and listen last; stop
//! listening first, flush, close.

use super::budget::Budget;
use super::clock::Clock;
use super::disk::{DiskThreads, Pace, room};
use super::driver::Driver;
use super::files::Files;
use super::listener;
use crate::broker::{BrokerBuilder, Data, StartError};
use crate::config::Config;
use crate::engine::{Identity, NodeAddress};
use crate::storage::{Recovery, mark_clean, recover};
use once_log::store::{DataDir, Identity as DirIdentity, RealDisk};
use once_wire::ids::Uuid;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// What must be stopped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) directory: PathBuf,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Removes an ephemeral broker's directory, also if the start fails half-way.
struct Ephemeral(Option<PathBuf>);

impl Drop for Ephemeral {
    fn drop(&mut self) {
        if let Some(directory) = self.0.take() {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// With so little room on the disk a start may fail for want of it: the journal's first file takes
/// half of this.
const FULL_BYTES: u64 = 2 << 20;

/// Starts a broker.
pub(crate) fn start(builder: BrokerBuilder) -> Result<Running, StartError> {
    let (directory, ephemeral) = directory(&builder.data)?;
    let started = start_in(builder, directory.clone(), ephemeral);
    started.map_err(|error| if_full(error, directory))
}

/// The error, and that the disk is full if it is.
fn if_full(error: StartError, path: PathBuf) -> StartError {
    let of_disk = match error {
        StartError::Directory(_)
        | StartError::Recovery(_)
        | StartError::Journal(_)
        | StartError::System(_) => true,
        StartError::Setting(_)
        | StartError::Partition { .. }
        | StartError::Catalog { .. }
        | StartError::Replay(_)
        | StartError::Full { .. }
        | StartError::Listen { .. } => false,
    };
    match room(&path) {
        Ok((free, _)) if of_disk && free < FULL_BYTES => StartError::Full {
            path,
            free,
            problem: Box::new(error),
        },
        Ok(_) | Err(_) => error,
    }
}

fn start_in(
    builder: BrokerBuilder,
    directory: PathBuf,
    ephemeral: Ephemeral,
) -> Result<Running, StartError> {
    let clock = Clock::start();
    let files = Files::divide();
    let mut config = builder.config;
    config.max_connections = config.max_connections.min(files.connections);
    let config = Arc::new(config);
    let listener = listen(&builder.listen)?;
    let address = listener.local_addr()?;
    let disk = Arc::new(RealDisk);
    let fresh = DirIdentity {
        cluster_id: fresh_uuid().to_string(),
        node_id: config.node_id,
        directory_id: fresh_uuid(),
    };
    let data = Arc::new(DataDir::open(Arc::clone(&disk), directory.clone(), &fresh)?);
    let node = node(&config, address);
    let identity = Identity {
        cluster_id: data.identity().cluster_id.clone(),
        node,
        directory: data.identity().directory_id,
    };
    let (settings, entropy) = (Arc::clone(&config), super::connection::random());
    let Recovery {
        engine,
        outputs,
        stores,
        checkpoints,
        journal,
    } = recover(&disk, &data, settings, identity, clock.now(), entropy)?;
    let pace = Pace {
        bytes_per_second: config.scrub_bytes_per_second,
        interval: Duration::from_millis(config.scrub_interval_ms.unsigned_abs()),
    };
    let reserve = config.disk_reserve_bytes;
    let threads = DiskThreads::start(disk, Arc::clone(&data), journal, files, pace, reserve)?;
    threads.adopt(stores, checkpoints);
    let budget = Arc::new(Budget::new(config.queued_max_request_bytes));
    let driver = Driver::new(engine, clock, threads, budget);
    driver.disk().report_to(&driver);
    driver.begin(outputs);
    driver.settle();

    let (stop, stopped) = watch::channel(false);
    let server = Server {
        listener,
        driver,
        config,
        data,
        ephemeral,
    };
    let runtime = runtime()?;
    let thread = std::thread::Builder::new()
        .name("once-broker".into())
        .spawn(move || server.serve(runtime, stopped))?;
    Ok(Running {
        address,
        directory,
        stop,
        thread: Some(thread),
    })
}

/// Threads for work that would keep a network thread busy.
pub(super) const BLOCKING_THREADS: usize = 4;

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("once-net")
        .enable_all()
        .build()
}

/// A started broker, in a thread of its own, so that it can be embedded in any program.
struct Server {
    listener: std::net::TcpListener,
    driver: Arc<Driver>,
    config: Arc<Config>,
    data: Arc<DataDir<RealDisk>>,
    ephemeral: Ephemeral,
}

impl Server {
    /// Serves until it is told to stop, then brings everything to disk.
    fn serve(self, runtime: tokio::runtime::Runtime, stopped: watch::Receiver<bool>) {
        let Self {
            listener,
            driver,
            config,
            data,
            ephemeral,
        } = self;
        let mut stopping = stopped.clone();
        let served: std::io::Result<()> = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(Arc::clone(&driver).keep_time());
            tokio::spawn(listener::accept(
                listener,
                Arc::clone(&driver),
                config,
                stopped,
            ));
            let _ = stopping.wait_for(|stop| *stop).await;
            Ok(())
        });
        if let Err(error) = served {
            tracing::error!("cannot serve: {error}");
        }
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        driver.finish();
        let Some(points) = driver.disk().stop() else {
            return tracing::error!("a log thread failed: the next start will check all files");
        };
        if let Err(error) = mark_clean(&data, &points) {
            tracing::warn!("the next start will check all files: {error}");
        }
        drop(ephemeral);
    }
}

fn directory(data: &Data) -> Result<(PathBuf, Ephemeral), StartError> {
    match data {
        Data::Directory(directory) => {
            // Absolute, so that its parent can be named when it is made.
            Ok((std::path::absolute(directory)?, Ephemeral(None)))
        }
        Data::Ephemeral => {
            let unique = format!(
                "once-{}-{:x}",
                std::process::id(),
                super::connection::random()
            );
            let directory = std::env::temp_dir().join(unique);
            std::fs::create_dir_all(&directory)?;
            Ok((directory.clone(), Ephemeral(Some(directory))))
        }
    }
}

fn listen(address: &str) -> Result<std::net::TcpListener, StartError> {
    let failed = |problem| StartError::Listen {
        address: address.to_owned(),
        problem,
    };
    let resolved: Vec<SocketAddr> = address.to_socket_addrs().map_err(failed)?.collect();
    let listener = std::net::TcpListener::bind(&resolved[..]).map_err(failed)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What clients are told: the advertised address, else the listener's; a listener on every
/// address is advertised as the loopback one.
fn node(config: &Config, listening: SocketAddr) -> NodeAddress {
    let (host, port) = config.advertised.clone().unwrap_or_else(|| {
        let host = if listening.ip().is_unspecified() {
            "localhost".to_owned()
        } else {
            listening.ip().to_string()
        };
        (host, listening.port())
    });
    let port = if port == 0 { listening.port() } else { port };
    NodeAddress {
        id: config.node_id,
        host,
        port,
    }
}

/// A fresh random identity.
pub(super) fn fresh_uuid() -> Uuid {
    crate::engine::fresh_uuid(super::connection::random(), 0)
}
