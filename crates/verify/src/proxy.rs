//! The fault proxy: between clients and a cluster, with an understanding of Kafka's frames.
//!
//! Every broker connection goes through it, because it rewrites each address a broker tells a
//! client into one of its own: one listener on a free port per broker. It can drop a named
//! response: the broker has done the work and answered, and the connection closes instead of
//! delivering it. That is the fault idempotence exists for.
//!
//! Its invariant: it forwards only what it can decode. ApiVersions answers are cut down to the
//! versions the codec knows, and a request beyond them closes the connection, so that no address
//! slips past it unread.

mod address;
mod fault;
mod frame;
mod relay;
mod rewrite;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use once_wire::ApiKey;
use tokio::sync::watch;

use crate::error::Error;
use address::Address;
use fault::Faults;

pub use fault::{Dropped, Dropping};
pub use relay::Watch;

/// A running proxy. Dropping it closes its listeners and every connection.
pub struct Proxy {
    inner: Arc<Inner>,
    bootstrap: String,
    /// Its end is what stops the tasks.
    _stop: watch::Sender<()>,
}

/// What the proxy's tasks share.
struct Inner {
    /// Our listener for each broker address met so far.
    listeners: Mutex<BTreeMap<Address, SocketAddr>>,
    faults: Faults,
    watch: Option<Arc<dyn Watch>>,
    /// Connections so far.
    connections: AtomicU64,
    stopped: watch::Receiver<()>,
}

impl Proxy {
    /// Starts a proxy for the cluster at `upstream` (`host:port,…`) on the current tokio runtime.
    pub fn start(upstream: &str) -> Result<Self, Error> {
        Self::begin(upstream, None)
    }

    /// Starts a proxy that shows somebody all that passes.
    pub fn watched(upstream: &str, watch: Arc<dyn Watch>) -> Result<Self, Error> {
        Self::begin(upstream, Some(watch))
    }

    fn begin(upstream: &str, watch: Option<Arc<dyn Watch>>) -> Result<Self, Error> {
        let (stop, stopped) = watch::channel(());
        let listeners = Mutex::new(BTreeMap::new());
        let inner = Arc::new(Inner {
            listeners,
            faults: Faults::default(),
            watch,
            connections: AtomicU64::new(0),
            stopped,
        });
        let ours = Address::parse_list(upstream)?
            .into_iter()
            .map(|address| inner.local(address).map(|local| local.to_string()));
        let bootstrap = ours.collect::<Result<Vec<_>, Error>>()?.join(",");
        Ok(Self {
            inner,
            bootstrap,
            _stop: stop,
        })
    }

    /// The address for clients: one of ours for each that was given.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Drops the next response of this API, on whichever connection it comes. Dropping the handle
    /// takes the order back.
    pub fn drop_next(&self, api: ApiKey) -> Dropping {
        self.inner.faults.drop_next(api)
    }

    /// How many answers brokers have given to requests of this API, delivered or dropped.
    pub fn answered(&self, api: ApiKey) -> u64 {
        self.inner.faults.answered(api)
    }

    /// How many responses of this API were dropped.
    pub fn dropped(&self, api: ApiKey) -> u64 {
        self.inner.faults.dropped(api)
    }
}

impl Inner {
    /// Our address for a broker's; the first time it is met, a listener is opened for it.
    fn local(self: &Arc<Self>, upstream: Address) -> Result<SocketAddr, Error> {
        let mut listeners = lock(&self.listeners);
        if let Some(local) = listeners.get(&upstream) {
            return Ok(*local);
        }
        let failed = || Error::io(format!("listen for {upstream}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let local = listener.local_addr().map_err(failed())?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed())?;
        tokio::spawn(relay::accept(listener, upstream.clone(), Arc::clone(self)));
        listeners.insert(upstream, local);
        Ok(local)
    }
}

/// The lock, also after a panic elsewhere: what it guards is changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
