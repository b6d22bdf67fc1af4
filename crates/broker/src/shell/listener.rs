//! Accepts connections.

use super::checks::Checks;
use super::connection;
use super::driver::Driver;
use crate::config::Config;
use crate::engine::ConnectionId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Accepts until `stop` says so.
pub(crate) async fn accept(
    listener: TcpListener,
    driver: Arc<Driver>,
    config: Arc<Config>,
    mut stop: watch::Receiver<bool>,
) {
    let budget = Arc::clone(driver.budget());
    let checks = Arc::new(Checks::new());
    let open = Arc::new(AtomicUsize::new(0));
    let mut next = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to be closed.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if open.load(Ordering::Relaxed) >= config.max_connections {
            tracing::warn!(%peer, "refused: max.connections={} are open", config.max_connections);
            continue;
        }
        next += 1;
        let id = ConnectionId(next);
        open.fetch_add(1, Ordering::Relaxed);
        let connection = connection::Connection {
            id,
            driver: Arc::clone(&driver),
            budget: Arc::clone(&budget),
            checks: Arc::clone(&checks),
            config: Arc::clone(&config),
        };
        let (open, stop) = (Arc::clone(&open), stop.clone());
        tokio::spawn(async move {
            connection.serve(stream, peer, stop).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
