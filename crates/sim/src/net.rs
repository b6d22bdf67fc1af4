//! The network: connections in order, each message with a delay of its own, and what breaks.

use crate::queue::Micros;
use once_broker::engine::ConnectionId;
use std::collections::{BTreeMap, VecDeque};

/// Names a connection.
pub(crate) type LinkId = u64;

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    /// Whose it is.
    pub(crate) client: usize,
    /// The broker has it open.
    pub(crate) at_broker: bool,
    /// The client has it open.
    pub(crate) at_client: bool,
    /// When the last message to the broker arrives.
    pub(crate) to_broker: Micros,
    /// When the last message to the client arrives.
    pub(crate) to_client: Micros,
    /// What the client asked and has no answer to, by API key, in order.
    pub(crate) asked: VecDeque<i16>,
}

/// All connections that one of their ends has open.
#[derive(Debug, Default)]
pub(crate) struct Net {
    pub(crate) links: BTreeMap<LinkId, Link>,
}

impl Net {
    /// A client asks for a connection.
    pub(crate) fn dial(&mut self, id: LinkId, client: usize) {
        self.links
            .retain(|_, link| link.at_broker || link.at_client);
        self.links.insert(
            id,
            Link {
                client,
                at_broker: false,
                at_client: true,
                to_broker: 0,
                to_client: 0,
                asked: VecDeque::new(),
            },
        );
    }

    /// Whether the broker has more than one connection of a client, one of which the client has
    /// given up.
    pub(crate) fn is_there_twice(&self, client: usize) -> bool {
        let own = self.links.values().filter(|link| link.client == client);
        let mut there = own.filter(|link| link.at_broker);
        there.clone().count() > 1 && there.any(|link| !link.at_client)
    }

    /// An answer has arrived.
    pub(crate) fn answered(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.asked.pop_front();
        }
    }

    /// All requests that are under way.
    pub(crate) fn asked(&self) -> impl Iterator<Item = i16> {
        self.links
            .values()
            .flat_map(|link| link.asked.iter().copied())
    }

    /// The broker's process is gone: all that it had open. Gives the connections whose clients
    /// have yet to notice.
    pub(crate) fn broker_is_gone(&mut self) -> Vec<LinkId> {
        let mut noticing = Vec::new();
        for (id, link) in &mut self.links {
            if std::mem::take(&mut link.at_broker) && link.at_client {
                noticing.push(*id);
            }
        }
        noticing
    }
}

/// The engine's name of a connection.
pub(crate) fn connection(link: LinkId) -> ConnectionId {
    ConnectionId(link)
}
