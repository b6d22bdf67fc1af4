//! Messages between clients and the broker, and what becomes of them.

use super::{Event, World};
use crate::client::Delivery;
use crate::net::{LinkId, connection};
use crate::plan::{NetPlan, Trigger};
use crate::queue::Micros;
use bytes::Bytes;
use once_broker::engine::{Input, RequestInput};
use once_wire::api::ApiKey;

/// A slow message takes so many times as long.
const SLOW: u64 = 100;

/// Requests that may not arrive after their sender has given them up. Those of an administrator,
/// because it could not tell what it asked for from what it sees. Those of transactions before
/// version 2, because they would act on the next transaction, which nothing on the wire tells from this one
/// (KIP-890). Kafka has the same hole; version 2 closes it.
fn may_be_late(key: ApiKey) -> bool {
    !matches!(
        key,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::CreatePartitions
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::EndTxn
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::TxnOffsetCommit
    )
}

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
        self.say(format_args!(
            "client {client} sends {key:?} of {} bytes on {link}",
            frame.len()
        ));
        if self.chances.net.happens(plan.cut) {
            self.coverage.fault("cut");
            return self.cut(link, now, "cut");
        }
        if self.chances.net.happens(plan.late) && may_be_late(key) {
            self.coverage.fault("late request");
            let late = now + self.chances.net.between(1, 3_000_000);
            if let Some(state) = self.net.links.get_mut(&link) {
                state.to_broker = state.to_broker.max(late);
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
                self.coverage.request(&self.life, request.header.key);
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
        let open = self.net.links.get(&link).is_some_and(|link| link.at_broker);
        if bytes.is_empty() || !open {
            return;
        }
        self.say(format_args!("answer of {} bytes on {link}", bytes.len()));
        let flushed = self
            .life
            .as_ref()
            .is_none_or(|life| life.engine.is_flushed());
        if !flushed {
            self.moment = Some(Trigger::AfterAnswer);
        }
        if self.chances.net.happens(self.net_plan().lose_answer) {
            self.coverage.fault("lost answer");
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

    fn delay(&mut self) -> Micros {
        let plan = self.net_plan();
        let wait = 1 + self.chances.net.below(plan.delay);
        if self.chances.net.happens(plan.slow) {
            self.coverage.fault("slow message");
            return wait * SLOW;
        }
        wait
    }

    /// The network as it is in this phase.
    fn net_plan(&self) -> NetPlan {
        if self.phase == super::Phase::Work {
            return self.plan.net;
        }
        NetPlan {
            cut: 0,
            late: 0,
            lose_answer: 0,
            slow: 0,
            ..self.plan.net
        }
    }
}
