//! One connection: requests up, responses down, until either side ends it.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use once_wire::ApiKey;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::address::Address;
use super::{Inner, frame, lock, rewrite};

/// A request that waits for its response.
struct Pending {
    api: ApiKey,
    version: i16,
    correlation_id: i32,
}

/// Sees what passes: whole frames, without their lengths.
pub trait Watch: Send + Sync {
    /// A request goes on. Connections are numbered from 0.
    fn asked(&self, connection: u64, request: &Bytes);

    /// An answer came, and names our addresses by now. Gives what the client is to have; `None` drops it and
    /// closes the connection.
    fn answered(&self, connection: u64, answer: Bytes) -> Option<Bytes>;
}

/// What the two directions of a connection share. A broker answers a connection in order, so a
/// response also settles what was asked before it and never gets one (`acks=0`).
type Asked = Arc<Mutex<VecDeque<Pending>>>;

/// Accepts connections for one broker until the proxy is dropped.
pub(super) async fn accept(listener: TcpListener, upstream: Address, inner: Arc<Inner>) {
    let mut stopped = inner.stopped.clone();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => client,
                Err(error) => {
                    // Out of descriptors, mostly: some will be free again soon.
                    tracing::warn!(%error, "accepting a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            _ = stopped.changed() => return,
        };
        tokio::spawn(relay(client, upstream.clone(), Arc::clone(&inner)));
    }
}

async fn relay(client: TcpStream, upstream: Address, inner: Arc<Inner>) {
    let connection = inner.connections.fetch_add(1, Ordering::Relaxed);
    let watched = inner.watch.as_deref().map(|watch| (watch, connection));
    let mut stopped = inner.stopped.clone();
    let both = async {
        let broker = TcpStream::connect((upstream.host.as_str(), upstream.port)).await?;
        client.set_nodelay(true)?;
        broker.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_broker, to_broker) = broker.into_split();
        let asked = Asked::default();
        tokio::select! {
            ended = requests(from_client, to_broker, &asked, watched) => ended,
            ended = responses(from_broker, to_client, &asked, &upstream, &inner, watched) => ended,
        }
    };
    tokio::select! {
        ended = both => if let Err(error) = ended {
            tracing::debug!(%error, broker = %upstream, "a connection ended");
        },
        _ = stopped.changed() => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: &Asked,
    watched: Option<(&dyn Watch, u64)>,
) -> io::Result<()> {
    while let Some(request) = frame::read(&mut from).await? {
        let (pending, request) = understand(request)?;
        lock(asked).push_back(pending);
        if let Some((watch, connection)) = watched {
            watch.asked(connection, &request);
        }
        frame::write(&mut to, &request).await?;
    }
    Ok(())
}

async fn responses(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: &Asked,
    broker: &Address,
    inner: &Arc<Inner>,
    watched: Option<(&dyn Watch, u64)>,
) -> io::Result<()> {
    while let Some(response) = frame::read(&mut from).await? {
        let Pending { api, version, .. } = settle(asked, &response)?;
        if inner.faults.on_answer(api, version, broker, &response) {
            return Ok(());
        }
        let mut local = |address: Address| inner.local(address);
        let response = rewrite::response(api, version, response, &mut local).map_err(|error| {
            tracing::warn!(%error, %api, version, %broker, "a response that cannot be rewritten");
            invalid(error.to_string())
        })?;
        let response = match watched {
            Some((watch, connection)) => watch.answered(connection, response),
            None => Some(response),
        };
        let Some(response) = response else {
            return Ok(());
        };
        frame::write(&mut to, &response).await?;
    }
    Ok(())
}

/// What a request asks. Its first bytes are the same in every version of its header.
fn understand(request: Bytes) -> io::Result<(Pending, Bytes)> {
    let Some((&[k0, k1, v0, v1, c0, c1, c2, c3], _)) = request.split_first_chunk() else {
        return Err(invalid("a request without a header".to_owned()));
    };
    let (key, version) = (i16::from_be_bytes([k0, k1]), i16::from_be_bytes([v0, v1]));
    let correlation_id = i32::from_be_bytes([c0, c1, c2, c3]);
    let known = ApiKey::from_key(key).and_then(|api| Some((api, api.versions()?)));
    match known {
        Some((api, versions)) if version <= versions.stable.max => Ok((
            Pending {
                api,
                version,
                correlation_id,
            },
            request,
        )),
        // A newer client begins with a version that we may not know and its broker may. An absurd
        // one is answered by every broker in version 0 with the versions it has (KIP-511).
        Some((api @ ApiKey::ApiVersions, _)) => {
            let mut patched = BytesMut::from(&request[..]);
            patched[2..4].copy_from_slice(&i16::MAX.to_be_bytes());
            Ok((
                Pending {
                    api,
                    version: i16::MAX,
                    correlation_id,
                },
                patched.freeze(),
            ))
        }
        _ => Err(invalid(format!(
            "a request of API {key} version {version}, which is unknown here"
        ))),
    }
}

/// The request that this response answers, with those before it forgotten.
fn settle(asked: &Asked, response: &Bytes) -> io::Result<Pending> {
    let id = rewrite::correlation_id(response)
        .ok_or_else(|| invalid("a response without a correlation id".to_owned()))?;
    let mut asked = lock(asked);
    while let Some(pending) = asked.pop_front() {
        if pending.correlation_id == id {
            return Ok(pending);
        }
    }
    Err(invalid(format!(
        "a response to correlation id {id}, which nothing has asked with"
    )))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
