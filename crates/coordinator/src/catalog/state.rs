//! What the catalog holds.

use std::collections::BTreeMap;

use once_wire::Uuid;

/// A topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// Its name, unique among those that exist.
    pub name: String,
    /// Its identity, which a later topic of the same name does not share.
    pub id: Uuid,
    /// Its partitions by index, from 0 without a gap.
    pub partitions: BTreeMap<i32, Partition>,
}

/// Where a partition lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partition {
    /// The node that serves it.
    pub leader: i32,
    /// How often its leader changed.
    pub leader_epoch: i32,
    /// How often anything here changed.
    pub partition_epoch: i32,
    /// The nodes that hold it: the leader alone, as nothing is replicated.
    pub replicas: Vec<i32>,
    /// The replicas that are up to date: likewise.
    pub isr: Vec<i32>,
    /// The log directory of each replica, in their order (KIP-858); empty if that was not recorded,
    /// as older versions did not.
    pub directories: Vec<Uuid>,
}

impl Partition {
    /// A new partition on one node, in this directory of it if that is known.
    pub(super) fn on(node: i32, directory: Option<Uuid>) -> Self {
        Self {
            leader: node,
            leader_epoch: 0,
            partition_epoch: 0,
            replicas: vec![node],
            isr: vec![node],
            directories: directory.into_iter().collect(),
        }
    }
}

/// What a setting can be about (Kafka: `ConfigResource`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Resource {
    /// What kind of thing.
    pub kind: ResourceKind,
    /// Its name: of a topic, or a node's id, or empty for all nodes.
    pub name: String,
}

impl Resource {
    /// A topic.
    #[must_use]
    pub fn topic(name: impl Into<String>) -> Self {
        Self {
            kind: ResourceKind::Topic,
            name: name.into(),
        }
    }
}

/// Kinds of things that have settings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceKind {
    /// A topic.
    Topic,
    /// A node, or all of them.
    Broker,
    /// A node's loggers.
    BrokerLogger,
    /// Client telemetry subscriptions (KIP-714).
    ClientMetrics,
    /// A group.
    Group,
}

impl ResourceKind {
    const ALL: [Self; 5] = [
        Self::Topic,
        Self::Broker,
        Self::BrokerLogger,
        Self::ClientMetrics,
        Self::Group,
    ];

    /// Kafka's number for it, in requests and records.
    #[must_use]
    pub fn id(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::BrokerLogger => 8,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// The kind with a number, if there is one.
    #[must_use]
    pub fn from_id(id: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }
}
