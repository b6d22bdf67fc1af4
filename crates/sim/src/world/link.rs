//! Messages between clients and the broker, and what becomes of them.

use super::{Event, World};
use crate::client::Delivery;
use crate::coverage::{Fault, may_be_late};
use crate::net::{LinkId, connection};
use crate::plan::{NetPlan, Trigger};
use crate::queue::Micros;
use bytes::Bytes;
use once_broker::engine::{Input, RequestInput};
use once_wire::api::ApiKey;

/// A slow message takes so many times as long.
const SLOW: u64 = 100;

impl World {
    pub(super) fn dial(&mut self, seat: usize, link: LinkId) {
        self.net.dial(link, seat);
        let wait = self.delay();
        self.queue.after(wait, Event::Dial(link));
    }

    pub(super) fn dialled(&mut self, link: LinkId) {
        let listening = self.life.as_ref().is_some_and(|life| life.listening);
        let Some(state) = self.net.links.get_mut(&link) else {
            return;
        };
        if !state.at_client {
            return;
        }
        if !listening {
            return self.tell_closed(link);
        }
        state.at_broker = true;
        let client = state.client;
        if self.net.is_there_twice(client) {
            self.coverage
                .met("connection beside an older one of the same client");
        }
        let port = u16::try_from(link & 0xffff).unwrap_or(0);
        self.step(Input::Connected(
            connection(link),
            ([127, 0, 0, 1], port).into(),
        ));
        let wait = self.delay();
        self.queue
            .after(wait, Event::Client(client, Some(Delivery::Opened(link))));
    }

    /// A client sends a request.
    pub(super) fn send(&mut self, link: LinkId, key: ApiKey, frame: Bytes) {
        let plan = self.net_plan();
        let wait = self.delay();
        let now = self.queue.now();
        let Some(state) = self.net.links.get_mut(&link) else {
            return;
        };
        if !state.at_client {
            return;
        }
        let at = state.to_broker.max(now + wait);
        let client = state.client;
        state.asked.push_back(key.key());
        self.say(format_args!(
            "client {client} sends {key:?} of {} bytes on {link}",
            frame.len()
        ));
        if self.chances.net.happens(plan.cut) {
            self.strike_link(Fault::Cut, link);
            return self.cut(link, now, "cut");
        }
        if self.chances.net.happens(plan.late) && may_be_late(key) {
            self.strike_link(Fault::LateRequest, link);
            // A connection keeps its order, however late: what was sent before arrives before.
            let late = at.max(now + self.chances.net.between(1, 3_000_000));
            if let Some(state) = self.net.links.get_mut(&link) {
                state.to_broker = late;
            }
            self.queue.at(late, Event::Request(link, frame));
            return self.cut(link, late, "cut, with a request that will be late");
        }
        if let Some(state) = self.net.links.get_mut(&link) {
            state.to_broker = at;
        }
        self.queue.at(at, Event::Request(link, frame));
    }

    /// A connection breaks: the client notices now, the broker after `broker_at`.
    fn cut(&mut self, link: LinkId, broker_at: Micros, why: &str) {
        self.say(format_args!("link {link}: {why}"));
        self.tell_closed(link);
        let wait = self.delay();
        let at = self.net.links.get(&link).map_or(0, |state| state.to_broker);
        self.queue.at(at.max(broker_at + wait), Event::Hangup(link));
    }

    fn tell_closed(&mut self, link: LinkId) {
        let wait = self.delay();
        let Some(state) = self.net.links.get_mut(&link) else {
            return;
        };
        if !std::mem::take(&mut state.at_client) {
            return;
        }
        let at = state.to_client.max(self.queue.now() + wait);
        let client = state.client;
        state.asked.clear();
        self.queue
            .at(at, Event::Client(client, Some(Delivery::Closed(link))));
    }

    pub(super) fn request(&mut self, link: LinkId, frame: Bytes) {
        if !self.net.links.get(&link).is_some_and(|link| link.at_broker) {
            return;
        }
        let entropy = self.chances.entropy.wide();
        let input = match RequestInput::decode(connection(link), frame, entropy) {
            Ok(mut request) => {
                if let Some(life) = &self.life {
                    request.check(&life.engine);
                }
                let unflushed = !self.is_flushed();
                self.coverage.request(request.header.key, unflushed);
                Input::Request(request)
            }
            Err(why) => Input::Refused(connection(link), why),
        };
        self.say(format_args!("request on {link}"));
        self.step(input);
    }

    pub(super) fn hung_up(&mut self, link: LinkId) {
        let state = self.net.links.get_mut(&link);
        if state.is_some_and(|state| std::mem::take(&mut state.at_broker)) {
            self.step(Input::Disconnected(connection(link)));
        }
    }

    /// The broker answers.
    pub(super) fn reply(&mut self, link: LinkId, frames: Vec<Bytes>) {
        let bytes: Vec<u8> = frames.iter().flat_map(|b| b.iter().copied()).collect();
        let state = self.net.links.get(&link);
        // Once a connection is cut nothing comes through any more: a stream has no gaps.
        let open = state.is_some_and(|link| link.at_broker && link.at_client);
        if bytes.is_empty() || !open {
            return;
        }
        self.say(format_args!("answer of {} bytes on {link}", bytes.len()));
        if !self.is_flushed() {
            self.moment = Some(Trigger::AfterAnswer);
        }
        if self.chances.net.happens(self.net_plan().lose_answer) {
            self.strike_link(Fault::LostAnswer, link);
            return self.cut(link, self.queue.now(), "cut, with its answer");
        }
        let wait = self.delay();
        let now = self.queue.now();
        let Some(state) = self.net.links.get_mut(&link) else {
            return;
        };
        state.to_client = state.to_client.max(now + wait);
        let (at, client) = (state.to_client, state.client);
        // Without the length that goes before it.
        let frame = Bytes::from(bytes).slice(4..);
        let delivery = Delivery::Frame(link, frame);
        self.queue.at(at, Event::Client(client, Some(delivery)));
    }

    /// The broker closes a connection.
    pub(super) fn close(&mut self, link: LinkId, reason: &str) {
        self.say(format_args!("link {link}: the broker closes it: {reason}"));
        if let Some(state) = self.net.links.get_mut(&link) {
            state.at_broker = false;
        }
        self.tell_closed(link);
    }

    /// A client closes a connection: what it sent before still arrives.
    pub(super) fn client_closes(&mut self, link: LinkId) {
        let Some(state) = self.net.links.get_mut(&link) else {
            return;
        };
        if std::mem::take(&mut state.at_client) {
            let at = state.to_broker;
            let wait = self.delay();
            self.queue
                .at(at.max(self.queue.now() + wait), Event::Hangup(link));
        }
    }

    /// The broker's process is gone: its clients notice, each in its time.
    pub(super) fn everyone_is_cut(&mut self) {
        for link in self.net.broker_is_gone() {
            self.tell_closed(link);
        }
    }

    /// A fault strikes what is under way on a connection.
    fn strike_link(&mut self, fault: Fault, link: LinkId) {
        let unflushed = !self.is_flushed();
        let asked = self.net.links.get(&link).map(|link| &link.asked);
        for key in asked.into_iter().flatten() {
            self.coverage.struck(*key, fault, unflushed);
        }
    }

    /// A fault strikes everything that is under way.
    pub(super) fn strike(&mut self, fault: Fault, unflushed: bool) {
        for key in self.net.asked() {
            self.coverage.struck(key, fault, unflushed);
        }
    }

    /// Whether nothing waits for a flush: so it is while there is no broker.
    pub(super) fn is_flushed(&self) -> bool {
        let life = self.life.as_ref();
        life.is_none_or(|life| life.engine.is_flushed())
    }

    fn delay(&mut self) -> Micros {
        let plan = self.net_plan();
        let wait = 1 + self.chances.net.below(plan.delay);
        if self.chances.net.happens(plan.slow) {
            self.coverage.met("slow message");
            return wait * SLOW;
        }
        wait
    }

    /// The network as it is in this phase.
    fn net_plan(&self) -> NetPlan {
        if self.phase == super::Phase::Work {
            return self.plan.net;
        }
        self.plan.net.calm()
    }
}
