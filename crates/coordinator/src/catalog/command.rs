//! What the catalog can be asked, what can become true, and what can be answered.

use std::ops::Range;

use once_wire::{ErrorCode, Uuid};

use super::describe::DescribedConfig;
use super::state::{Partition, Resource};

/// What can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Set the features of a new catalog to the levels that this version of the program
    /// finalizes. On a catalog that has them already nothing happens.
    Bootstrap,
    /// CreateTopics, by clients and by the broker itself.
    CreateTopics {
        /// Each is made or refused by itself.
        topics: Vec<NewTopic>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// DeleteTopics.
    DeleteTopics {
        /// Each is deleted or refused by itself.
        topics: Vec<TopicRef>,
    },
    /// CreatePartitions.
    CreatePartitions {
        /// Each grows or is refused by itself.
        topics: Vec<MorePartitions>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// IncrementalAlterConfigs. Each resource is changed wholly or not at all.
    AlterConfigs {
        /// What to change.
        resources: Vec<Alteration>,
        /// Only say what would happen.
        validate_only: bool,
    },
    /// The next block of producer ids.
    AllocateProducerIds,
}

/// A topic to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// A fresh identity.
    pub id: Uuid,
    /// How many partitions; −1 for `num.partitions`.
    pub partitions: i32,
    /// How many replicas are wished for; −1 for `default.replication.factor`. More than there
    /// are nodes is accepted; the topic has one replica in any case, and the reply says so.
    pub replication_factor: i16,
    /// Which nodes; empty to have them chosen. Excludes both numbers above.
    pub assignments: Vec<Assignment>,
    /// Settings. A null value is refused.
    pub configs: Vec<(String, Option<String>)>,
    /// The broker makes it for itself: no name beside its own and no default of other topics is in its way. Groups
    /// and transactions could not be served without it.
    pub is_internal: bool,
}

/// Where one partition shall live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Partition index.
    pub partition: i32,
    /// Nodes, the preferred leader first.
    pub nodes: Vec<i32>,
}

/// A topic by name or by id: exactly one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicRef {
    /// By name.
    pub name: Option<String>,
    /// By id, or [`Uuid::ZERO`].
    pub id: Uuid,
}

/// A topic that shall grow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MorePartitions {
    /// Which topic.
    pub name: String,
    /// How many partitions it shall have in all.
    pub count: i32,
    /// Nodes for each new one; `None` to have them chosen.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// Changes to the settings of one resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alteration {
    /// Of what.
    pub resource: Resource,
    /// The changes, each to another key.
    pub changes: Vec<Change>,
}

/// A change to one setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The key.
    pub key: String,
    /// What to do.
    pub operation: Operation,
    /// With which value; nothing is needed to delete.
    pub value: Option<String>,
}

/// What a change does (Kafka: `AlterConfigOp.OpType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Sets the value.
    Set,
    /// Goes back to the default.
    Delete,
    /// Adds to a list.
    Append,
    /// Takes from a list.
    Subtract,
}

impl Operation {
    /// The operation with Kafka's number, if there is one.
    #[must_use]
    pub fn from_id(id: i8) -> Option<Self> {
        match id {
            0 => Some(Self::Set),
            1 => Some(Self::Delete),
            2 => Some(Self::Append),
            3 => Some(Self::Subtract),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::Delete => "DELETE",
            Self::Append => "APPEND",
            Self::Subtract => "SUBTRACT",
        }
    }
}

/// What can become true. Every event is a record of `__cluster_metadata`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A topic exists; its partitions follow. (TopicRecord)
    TopicCreated {
        /// Its name.
        name: String,
        /// Its id.
        id: Uuid,
    },
    /// A partition exists. (PartitionRecord)
    PartitionCreated {
        /// Of which topic.
        topic: Uuid,
        /// Its index.
        index: i32,
        /// Where it lives.
        partition: Partition,
    },
    /// A topic is gone, with its partitions and settings. (RemoveTopicRecord)
    TopicRemoved {
        /// Its id.
        id: Uuid,
    },
    /// A setting has a value, or its default again. (ConfigRecord)
    ConfigChanged {
        /// Of what.
        resource: Resource,
        /// The key.
        key: String,
        /// The value.
        value: Option<String>,
    },
    /// Producer ids below are taken. (ProducerIdsRecord)
    ProducerIdsTaken {
        /// By which node.
        node: i32,
        /// The first that is not.
        next: i64,
    },
    /// A feature is finalized at a level. (FeatureLevelRecord)
    FeatureFinalized {
        /// Its name.
        name: String,
        /// Its level.
        level: i16,
    },
}

/// What can be answered: an entry for each thing asked about, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// To Bootstrap.
    Bootstrap,
    /// To CreateTopics, by name.
    CreateTopics(Vec<(String, Result<CreatedTopic, Refusal>)>),
    /// To DeleteTopics.
    DeleteTopics(Vec<DeletedTopic>),
    /// To CreatePartitions, by name.
    CreatePartitions(Vec<(String, Result<(), Refusal>)>),
    /// To AlterConfigs.
    AlterConfigs(Vec<(Resource, Result<(), Refusal>)>),
    /// To AllocateProducerIds: ids that nobody else gets. None of them may be used before the
    /// catalog's log is flushed this far: after a crash they would be given again.
    ProducerIds(Range<i64>),
}

/// A topic that was made, or would be.
#[derive(Clone, PartialEq, Debug)]
pub struct CreatedTopic {
    /// Its id.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas it has: one.
    pub replication_factor: i16,
    /// How many were wished for, by the request or by default.
    pub wished_replication_factor: i16,
    /// All its settings, by key.
    pub configs: Vec<DescribedConfig>,
}

/// What became of a topic that was to be deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedTopic {
    /// Its name, as far as known.
    pub name: Option<String>,
    /// Its id, as far as known; otherwise [`Uuid::ZERO`].
    pub id: Uuid,
    /// Whether it is gone.
    pub result: Result<(), Refusal>,
}

/// Why something was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What is wrong, in a sentence; `None` where the code says it all.
    pub message: Option<String>,
}

impl Refusal {
    /// A refusal that explains itself.
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Some(message.into()),
        }
    }

    /// A refusal of which the code says all.
    pub(super) fn bare(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
        }
    }
}
