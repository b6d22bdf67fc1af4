//! Membership in a group, of either kind: what it is to have partitions, and to lose them.

mod classic;
mod consumer;

use super::setup::{Coordinates, find_coordinator};
use super::{Port, TOPICS};
use crate::net::LinkId;
use once_check::history::{Kind, Name, Op, Subscribe};
use once_wire::ids::Uuid;

/// Which protocol a group speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Protocol {
    /// Members join, a leader assigns (JoinGroup, SyncGroup, Heartbeat).
    Classic,
    /// The broker assigns (KIP-848: ConsumerGroupHeartbeat).
    Consumer,
}

impl Protocol {
    /// What a member calls itself before it joins: of a classic group the broker names it.
    fn fresh_id(self, port: &Port) -> String {
        match self {
            Self::Classic => String::new(),
            Self::Consumer => Uuid(port.random().wide().to_be_bytes()).to_string(),
        }
    }

    /// The generation, or epoch, of a member that has not joined yet.
    fn before_the_first(self) -> i32 {
        match self {
            Self::Classic => -1,
            Self::Consumer => consumer::JOIN,
        }
    }

    /// The group of a run that speaks it.
    pub(crate) fn group(self) -> Name {
        match self {
            Self::Classic => "processors-classic".into(),
            Self::Consumer => "processors-consumer".into(),
        }
    }
}

/// One member of a group, and what it is assigned.
pub(crate) struct Member {
    port: Port,
    pub(crate) protocol: Protocol,
    pub(crate) group: Name,
    pub(crate) member_id: String,
    /// The generation of a classic group; the member's epoch in the other kind.
    pub(crate) generation: i32,
    /// `group.instance.id`: the member is known by it when it comes again.
    pub(crate) instance_id: Option<String>,
    /// Partitions of the input.
    pub(crate) assigned: Vec<i32>,
    /// The input's id, once it is known.
    topic_id: Uuid,
    /// What the next heartbeat says, in a group of KIP-848.
    says: consumer::Says,
    session_timeout_ms: i32,
    partitions: i32,
}

impl Member {
    /// Belongs to nothing yet. Every fourth is a static member.
    pub(crate) fn new(port: Port, protocol: Protocol, partitions: i32) -> Self {
        let session_timeout_ms = *port.random().pick(&[300, 3_000, 10_000]);
        let is_static = port.random().below(4) == 0;
        let instance_id = is_static.then(|| format!("instance-{}", port.client()));
        let member_id = protocol.fresh_id(&port);
        Self {
            port,
            protocol,
            group: protocol.group(),
            member_id,
            generation: protocol.before_the_first(),
            instance_id,
            assigned: Vec::new(),
            topic_id: Uuid::ZERO,
            says: consumer::Says::default(),
            session_timeout_ms,
            partitions,
        }
    }

    /// Joins, or takes what it is assigned now, however often it has to ask. False: the run ends.
    pub(crate) async fn join(&mut self) -> bool {
        let subscribe = Subscribe {
            group: self.group.clone(),
            topics: vec![TOPICS[0].into()],
        };
        self.port.note(Kind::Ok, Op::Subscribe(subscribe));
        find_coordinator(&self.port, Coordinates::Group, &self.group).await;
        match self.protocol {
            Protocol::Classic => self.join_classic().await,
            Protocol::Consumer => self.join_consumer().await,
        }
    }

    /// Says that it is there. False: join again.
    pub(crate) async fn heartbeat(&mut self, link: LinkId) -> bool {
        match self.protocol {
            Protocol::Classic => self.heartbeat_classic(link).await,
            Protocol::Consumer => self.heartbeat_consumer(link).await,
        }
    }

    /// Whether an operator stops the application now, to start it again.
    pub(crate) fn wants_to_leave(&self) -> bool {
        self.port.random().below(10) == 0
    }

    /// Leaves, if the answer comes or not. Who joins after it is new to the group.
    pub(crate) async fn leave(&mut self) {
        if self.generation == self.protocol.before_the_first() {
            return;
        }
        let link = self.port.connect().await;
        match self.protocol {
            Protocol::Classic => self.leave_classic(link).await,
            Protocol::Consumer => self.leave_consumer(link).await,
        }
        self.port.close(link);
        self.assigned.clear();
        self.member_id = self.protocol.fresh_id(&self.port);
        self.generation = self.protocol.before_the_first();
    }
}
