//! What a client task has of the world: connections, the time, chance, and the history.
//!
//! Tasks are futures that the world polls after each event that concerns them; there is no
//! executor, and nothing else wakes them.

use crate::invariant::Fact;
use crate::net::LinkId;
use crate::queue::Micros;
use crate::random::Random;
use bytes::Bytes;
use once_check::History;
use once_check::history::{Invoked, Kind, Op};
use once_coordinator::producer_id::BLOCK_SIZE;
use once_wire::api::ApiKey;
use once_wire::codec::{Reader, Request, Writer};
use once_wire::request::{RequestHeader, read_response_header};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// What a client does to the world.
#[derive(Debug)]
pub(crate) enum Act {
    /// Asks for a connection.
    Dial(LinkId),
    /// Sends a frame, without its length; the key says which API it asks.
    Send(LinkId, ApiKey, Bytes),
    /// Closes a connection.
    Close(LinkId),
    /// Uses a connection no more, and leaves it open.
    Abandon(LinkId),
    /// Wants to be polled at this time.
    Wake(Micros),
    /// Was given the first producer ids of a block: no crash may bring them again.
    Given(i64),
    /// Was told something.
    Told(Fact),
    /// Says something for the trace.
    Say(String),
    /// Saw what cannot be.
    Found(String),
}

/// What the world tells a client.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A connection is open.
    Opened(LinkId),
    /// A connection is closed, or was refused.
    Closed(LinkId),
    /// A response frame, without its length.
    Frame(LinkId, Bytes),
}

#[derive(PartialEq, Eq)]
enum LinkState {
    Dialling,
    Open,
    Closed,
}

struct Link {
    state: LinkState,
    replies: BTreeMap<i32, Bytes>,
}

struct Inner {
    client: usize,
    process: u32,
    now: Micros,
    random: Random,
    acts: Vec<Act>,
    links: BTreeMap<LinkId, Link>,
    next_link: LinkId,
    next_correlation: i32,
    next_value: u64,
    next_txn: u64,
    history: Rc<RefCell<History>>,
    /// The world wants the task to come to an end.
    ending: bool,
}

/// A client's view of the world; cheap to clone.
#[derive(Clone)]
pub(crate) struct Port(Rc<RefCell<Inner>>);

/// No answer came: the connection broke, or it took too long. The request may have had its effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lost;

/// A request under way.
pub(crate) struct Pending<R> {
    link: LinkId,
    correlation: i32,
    version: i16,
    request: std::marker::PhantomData<R>,
}

impl Port {
    /// The port of one process of a client.
    pub(crate) fn new(
        client: usize,
        process: u32,
        random: Random,
        history: Rc<RefCell<History>>,
    ) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            client,
            process,
            now: 0,
            random,
            acts: Vec::new(),
            links: BTreeMap::new(),
            // No two ports ever share a connection's or a value's number.
            next_link: u64::from(process) << 32,
            next_correlation: 0,
            next_value: u64::from(process) << 32,
            next_txn: 0,
            history,
            ending: false,
        })))
    }

    /// The world's side: time moves, something arrives.
    pub(crate) fn deliver(&self, now: Micros, delivery: Option<Delivery>) {
        let mut inner = self.0.borrow_mut();
        inner.now = now;
        match delivery {
            None => {}
            Some(Delivery::Opened(link)) => inner.set(link, LinkState::Open),
            Some(Delivery::Closed(link)) => inner.set(link, LinkState::Closed),
            Some(Delivery::Frame(link, frame)) => {
                let correlation = frame.first_chunk().map_or(-1, |b| i32::from_be_bytes(*b));
                if let Some(link) = inner.links.get_mut(&link) {
                    link.replies.insert(correlation, frame);
                }
            }
        }
    }

    /// The world's side: what the client did since.
    pub(crate) fn take_acts(&self) -> Vec<Act> {
        std::mem::take(&mut self.0.borrow_mut().acts)
    }

    /// The world's side: the task is to end.
    pub(crate) fn end(&self) {
        self.0.borrow_mut().ending = true;
    }

    /// Whether the task is to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.0.borrow().ending
    }

    /// The client's number.
    pub(crate) fn client(&self) -> usize {
        self.0.borrow().client
    }

    /// The client's chance.
    pub(crate) fn random(&self) -> RefMut<'_, Random> {
        RefMut::map(self.0.borrow_mut(), |inner| &mut inner.random)
    }

    /// A value that no other record has.
    pub(crate) fn fresh_value(&self) -> u64 {
        let mut inner = self.0.borrow_mut();
        inner.next_value += 1;
        inner.next_value
    }

    /// A transaction's number that the process has not used.
    pub(crate) fn fresh_txn(&self) -> u64 {
        let mut inner = self.0.borrow_mut();
        inner.next_txn += 1;
        inner.next_txn
    }

    /// The time, in milliseconds, as the client's clock shows it.
    pub(crate) fn now_ms(&self) -> i64 {
        let now = self.0.borrow().now;
        crate::node::EPOCH_MS + i64::try_from(now / 1_000).unwrap_or(0)
    }

    /// A producer id was given.
    pub(crate) fn given(&self, producer_id: i64) {
        if producer_id % BLOCK_SIZE < 10 {
            self.0.borrow_mut().acts.push(Act::Given(producer_id));
        }
    }

    /// Something was told that no crash may take back.
    pub(crate) fn told(&self, fact: Fact) {
        self.0.borrow_mut().acts.push(Act::Told(fact));
    }

    /// A line for the trace.
    pub(crate) fn say(&self, text: String) {
        self.0.borrow_mut().acts.push(Act::Say(text));
    }

    /// Something that cannot be.
    pub(crate) fn found(&self, text: String) {
        self.0.borrow_mut().acts.push(Act::Found(text));
    }

    /// An operation begins.
    pub(crate) fn invoke(&self, op: impl Into<Op>) -> Invoked {
        let inner = self.0.borrow();
        inner
            .history
            .borrow_mut()
            .invoke(inner.now, inner.process, op)
    }

    /// An operation ends.
    pub(crate) fn complete(&self, invoked: Invoked, kind: Kind, op: Option<Op>) {
        let inner = self.0.borrow();
        inner
            .history
            .borrow_mut()
            .complete(inner.now, invoked, kind, op);
    }

    /// Something that takes no time.
    pub(crate) fn note(&self, kind: Kind, op: impl Into<Op>) {
        let inner = self.0.borrow();
        inner
            .history
            .borrow_mut()
            .event(inner.now, inner.process, kind, op);
    }

    /// Lets time pass.
    pub(crate) async fn sleep(&self, micros: Micros) {
        let until = self.0.borrow().now + micros;
        self.0.borrow_mut().acts.push(Act::Wake(until));
        poll_fn(|_| match self.0.borrow().now >= until {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// A connection, however often it has to be asked for.
    pub(crate) async fn connect(&self) -> LinkId {
        loop {
            let link = self.dial();
            if self.opened(link).await {
                return link;
            }
            let wait = self.random().between(500, 20_000);
            self.sleep(wait).await;
        }
    }

    /// Asks for a connection.
    fn dial(&self) -> LinkId {
        let mut inner = self.0.borrow_mut();
        inner.next_link += 1;
        let id = inner.next_link;
        let link = Link {
            state: LinkState::Dialling,
            replies: BTreeMap::new(),
        };
        inner.links.insert(id, link);
        inner.acts.push(Act::Dial(id));
        id
    }

    async fn opened(&self, link: LinkId) -> bool {
        poll_fn(|_| match self.0.borrow().links[&link].state {
            LinkState::Dialling => Poll::Pending,
            LinkState::Open => Poll::Ready(true),
            LinkState::Closed => Poll::Ready(false),
        })
        .await
    }

    /// Whether a connection is open, as far as the client knows.
    pub(crate) fn is_open(&self, link: LinkId) -> bool {
        let inner = self.0.borrow();
        inner
            .links
            .get(&link)
            .is_some_and(|link| link.state == LinkState::Open)
    }

    /// Closes a connection.
    pub(crate) fn close(&self, link: LinkId) {
        let mut inner = self.0.borrow_mut();
        inner.links.remove(&link);
        inner.acts.push(Act::Close(link));
    }

    /// Uses a connection no more, and leaves it open.
    pub(crate) fn abandon(&self, link: LinkId) {
        self.0.borrow_mut().acts.push(Act::Abandon(link));
    }

    /// Sends a request.
    pub(crate) fn send<R: Request>(&self, link: LinkId, version: i16, request: &R) -> Pending<R> {
        let mut inner = self.0.borrow_mut();
        inner.next_correlation += 1;
        let correlation = inner.next_correlation;
        let header = RequestHeader {
            key: R::KEY.key(),
            version,
            correlation_id: correlation,
            client_id: Some(format!("client-{}", inner.client)),
        };
        let mut frame = Writer::new();
        header.write(&mut frame).expect("a short client id");
        let written = request.encode(&mut frame, version);
        written.expect("the request is of its version");
        inner
            .acts
            .push(Act::Send(link, R::KEY, frame.finish_contiguous()));
        Pending {
            link,
            correlation,
            version,
            request: std::marker::PhantomData,
        }
    }

    /// Waits for an answer, at most so long.
    pub(crate) async fn answer<R: Request>(
        &self,
        pending: Pending<R>,
        patience: Micros,
    ) -> Result<R::Response, Lost> {
        let until = self.0.borrow().now + patience;
        self.0.borrow_mut().acts.push(Act::Wake(until));
        let frame = poll_fn(|_| {
            let mut inner = self.0.borrow_mut();
            let now = inner.now;
            let Some(link) = inner.links.get_mut(&pending.link) else {
                return Poll::Ready(None);
            };
            if let Some(frame) = link.replies.remove(&pending.correlation) {
                return Poll::Ready(Some(frame));
            }
            if link.state == LinkState::Closed || now >= until {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await;
        let mut reader = Reader::new(frame.ok_or(Lost)?);
        let header = read_response_header(&mut reader, R::KEY, pending.version);
        let response = header.and_then(|_| {
            use once_wire::codec::Message;
            R::Response::decode(&mut reader, pending.version)
        });
        match response {
            Ok(response) => Ok(response),
            Err(error) => {
                self.found(format!("{:?}: an answer that is none: {error}", R::KEY));
                Err(Lost)
            }
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call<R: Request>(
        &self,
        link: LinkId,
        version: i16,
        request: &R,
        patience: Micros,
    ) -> Result<R::Response, Lost> {
        let pending = self.send(link, version, request);
        self.answer(pending, patience).await
    }
}

impl Inner {
    fn set(&mut self, link: LinkId, state: LinkState) {
        if let Some(link) = self.links.get_mut(&link) {
            link.state = state;
        }
    }
}
