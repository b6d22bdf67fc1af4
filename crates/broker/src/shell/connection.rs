//! One client connection: frames in, answers out.
//!
//! The reading half decodes and checks requests before they reach the engine; the writing half
//! sends answers in the order in which the engine releases them. A client that does not read its
//! answers is not read from.

use super::budget::{Budget, Charge};
use super::checks::Checks;
use super::driver::Driver;
use crate::config::Config;
use crate::engine::{ConnectionId, Input, RequestInput, decoded_most};
use bytes::Bytes;
use once_wire::frame::FrameBuffer;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc, watch};

/// Requests of one connection that may be on their way at once; Kafka's clients send five.
const IN_FLIGHT: usize = 64;
/// Answers of one connection that may wait to be sent before its requests are not read.
const UNSENT_BYTES: usize = 1 << 20;
/// A request that waits holds what was decoded, and about as much again that it made of it.
const WORK: usize = 2;
/// How long a client may take to read anything at all of its answers.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// What is on its way, shared by both halves.
#[derive(Default)]
struct Flow {
    /// Memory that each unanswered request holds, in order.
    charges: Mutex<VecDeque<Charge>>,
    in_flight: AtomicUsize,
    unsent: AtomicUsize,
    moved: Notify,
}

/// Where the engine's answers for one connection go.
pub(crate) struct Sender {
    id: ConnectionId,
    queue: mpsc::UnboundedSender<Vec<Bytes>>,
    flow: Arc<Flow>,
    budget: Arc<Budget>,
}

impl Sender {
    /// Queues one answer; no pieces at all finish a request that gets none.
    pub(crate) fn reply(&self, frames: Vec<Bytes>) {
        let bytes = frames.iter().map(Bytes::len).sum::<usize>();
        self.flow.unsent.fetch_add(bytes, Ordering::Relaxed);
        self.budget.queue(self.id, bytes);
        if self.queue.send(frames).is_err() {
            self.budget.sent(self.id, bytes);
        }
    }
}

/// Serves one connection.
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) driver: Arc<Driver>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) checks: Arc<Checks>,
    pub(crate) config: Arc<Config>,
}

impl Connection {
    /// Serves until either side closes.
    pub(crate) async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let (read, write) = stream.into_split();
        let (queue, answers) = mpsc::unbounded_channel();
        let flow = Arc::new(Flow::default());
        let evicted = self.budget.join(self.id);
        let budget = Arc::clone(&self.budget);
        self.driver.connect(
            self.id,
            peer,
            Sender {
                id: self.id,
                queue,
                flow: Arc::clone(&flow),
                budget,
            },
        );
        let why = tokio::select! {
            why = self.read(read, &flow) => why,
            why = self.write(write, answers, &flow) => why,
            () = evicted.notified() => "made room: it held for too long what others need".into(),
            _ = stop.changed() => "the broker stops".into(),
        };
        tracing::debug!(%peer, connection = self.id.0, "closed: {why}");
        self.driver.disconnect(self.id);
        self.budget.leave(self.id);
    }

    async fn read(&self, socket: OwnedReadHalf, flow: &Flow) -> String {
        let max = usize::try_from(self.config.socket_request_max_bytes).unwrap_or(usize::MAX);
        let idle = Duration::from_millis(self.config.connections_max_idle_ms.unsigned_abs());
        let mut buffer = FrameBuffer::new(max);
        let mut charged = 0;
        loop {
            while flow.in_flight.load(Ordering::Acquire) >= IN_FLIGHT
                || flow.unsent.load(Ordering::Acquire) > UNSENT_BYTES
            {
                flow.moved.notified().await;
            }
            match buffer.next_frame() {
                Ok(Some(frame)) => {
                    let paid = frame.len().min(charged);
                    charged -= paid;
                    self.request(frame, paid, flow).await;
                    if !buffer.is_empty() {
                        self.budget.unfinished(self.id, true);
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => return error.to_string(),
            }
            match tokio::time::timeout(idle, socket.readable()).await {
                Err(_) => return "idle for connections.max.idle.ms".into(),
                Ok(Err(error)) => return error.to_string(),
                Ok(Ok(())) => {}
            }
            let space = buffer.wanted();
            if charged < buffer.len() + space {
                let more = buffer.len() + space - charged;
                self.budget.take(self.id, more).await;
                charged += more;
            }
            match socket.try_read_buf(buffer.space()) {
                Ok(0) => return "the client closed it".into(),
                Ok(_) => self.budget.unfinished(self.id, true),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return error.to_string(),
            }
            if charged > buffer.len() + space {
                self.budget.give(self.id, charged - buffer.len() - space);
                charged = buffer.len() + space;
            }
        }
    }

    /// Decodes a frame and hands it to the engine. What cannot be decoded closes the connection
    /// in its turn: after the answers to the requests before it. The next frame is looked at when
    /// this one is checked, so that requests stay in order.
    ///
    /// Before anybody knows what is in the frame it is charged for the worst; while it waits for its
    /// answer, for what it is.
    async fn request(&self, frame: Bytes, paid: usize, flow: &Flow) {
        let most = decoded_most(&frame);
        // Until it has that it may be told to make room: nobody waits for ever.
        self.budget.take_decoded(self.id, most).await;
        self.budget.unfinished(self.id, false);
        let input = match RequestInput::decode(self.id, frame, random()) {
            Ok(request) if request.call.is_heavy(self.driver.recompresses()) => {
                self.checked(request).await
            }
            decoded => decoded,
        };
        let decoded = input.as_ref().map_or(0, |request| request.decoded);
        let charge = Charge {
            frame: paid,
            decoded: decoded * WORK,
        };
        self.budget.asked(self.id, most, charge);
        flow.charges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(charge);
        flow.in_flight.fetch_add(1, Ordering::AcqRel);
        let refused = |why| Input::Refused(self.id, why);
        self.driver.step(input.map_or_else(refused, Input::Request));
    }

    async fn checked(&self, request: RequestInput) -> Result<RequestInput, String> {
        let call = self.checks.finish(&self.driver, request.call).await?;
        Ok(RequestInput { call, ..request })
    }

    async fn write(
        &self,
        mut socket: OwnedWriteHalf,
        mut answers: mpsc::UnboundedReceiver<Vec<Bytes>>,
        flow: &Flow,
    ) -> String {
        while let Some(frames) = answers.recv().await {
            let bytes = frames.iter().map(Bytes::len).sum::<usize>();
            let sent = tokio::time::timeout(WRITE_PATIENCE, write_all(&mut socket, frames)).await;
            self.budget.sent(self.id, bytes);
            flow.unsent.fetch_sub(bytes, Ordering::AcqRel);
            let charge = flow
                .charges
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            self.budget.answered(self.id, charge.unwrap_or_default());
            flow.in_flight.fetch_sub(1, Ordering::AcqRel);
            flow.moved.notify_one();
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return "the client does not read its answers".into(),
            }
        }
        "refused by the engine".into()
    }
}

/// Writes all pieces, many at a time.
async fn write_all(socket: &mut OwnedWriteHalf, frames: Vec<Bytes>) -> std::io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = frames.iter().map(|bytes| IoSlice::new(bytes)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        let written = socket.write_vectored(rest).await?;
        if written == 0 && rest.iter().any(|slice| !slice.is_empty()) {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut rest, written);
        while rest.first().is_some_and(|slice| slice.is_empty()) {
            rest = &mut rest[1..];
        }
    }
    Ok(())
}

/// Sixteen bytes from the operating system's generator, by way of the hasher that the standard
/// library seeds from it.
pub(crate) fn random() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::time::Instant::now()));
    (half() << 64) | half()
}
