//! Topics as the admin calls see them.

/// How much of a partition a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Isolation {
    /// Everything below the high watermark, aborted and undecided records too. Kafka's default.
    #[default]
    ReadUncommitted,
    /// Only decided and committed records, below the last stable offset (LSO).
    ReadCommitted,
}

/// Which offset of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The log start.
    Earliest,
    /// The end a reader of the given isolation may reach: the LSO for read_committed, else the
    /// high watermark.
    Latest(Isolation),
}

/// A topic to be created. What is `None` is the broker's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions (`num.partitions`).
    pub partitions: Option<i32>,
    /// Replicas of each (`default.replication.factor`).
    pub replication_factor: Option<i16>,
    /// Topic settings by Kafka's names.
    pub configs: Vec<(String, String)>,
}

/// A topic as described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id as Kafka prints it: 22 characters of base64url.
    pub id: String,
    /// Whether the cluster keeps its own state in it.
    pub internal: bool,
    /// Its partitions, ascending.
    pub partitions: Vec<Partition>,
}

/// One partition of a described topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub partition: i32,
    /// The leader's node id, if it has one.
    pub leader: Option<i32>,
    /// Node ids of its replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub isr: Vec<i32>,
}

/// A setting of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// Kafka's name of it.
    pub name: String,
    /// Its value; `None` where the broker hides it.
    pub value: Option<String>,
    /// Whether it was set on this topic rather than inherited.
    pub set_on_topic: bool,
}

impl NewTopic {
    /// A topic with the broker's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The same with a number of partitions.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }
}

impl Isolation {
    /// Kafka's name: `read_committed` or `read_uncommitted`.
    pub fn name(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "read_uncommitted",
            Isolation::ReadCommitted => "read_committed",
        }
    }
}
