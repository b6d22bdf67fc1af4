//! What can be asked of the groups of one partition of `__consumer_offsets`.

use super::topics::TopicImage;
use crate::ids::TopicPartition;
use crate::machine::ProducerIdentity;
use bytes::Bytes;
use once_wire::Uuid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A request to the groups. Fresh identities come with it, made by the engine.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// JoinGroup.
    Join(Join),
    /// SyncGroup.
    Sync(Sync),
    /// Heartbeat.
    Heartbeat(Heartbeat),
    /// LeaveGroup.
    Leave(Leave),
    /// ConsumerGroupHeartbeat.
    ConsumerHeartbeat(ConsumerHeartbeat),
    /// OffsetCommit.
    CommitOffsets(CommitOffsets),
    /// TxnOffsetCommit. Whether the transaction is open, and has this partition, is the caller's
    /// question to the transaction's machine, in the same step.
    TxnCommitOffsets(TxnCommitOffsets),
    /// OffsetDelete.
    DeleteOffsets(DeleteOffsets),
    /// DeleteGroups, for one group.
    DeleteGroup(String),
    /// The catalog changed: from now on these are the topics. Offsets of topics that are gone are
    /// removed.
    Topics(Arc<TopicImage>),
    /// The time that [`deadline`](crate::machine::Machine::deadline) named has come.
    Tick,
}

/// Where a request came from, as groups remember it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberOrigin {
    /// Client id, empty if the client gave none.
    pub client_id: String,
    /// Peer address as Kafka writes it, `/127.0.0.1`.
    pub client_host: String,
}

/// One way of assigning that a member offers, and what it says of itself there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassicProtocol {
    /// Assignor's name, such as `range`.
    pub name: String,
    /// The subscription in the client's own encoding.
    pub metadata: Bytes,
}

/// JoinGroup.
#[derive(Clone, PartialEq, Debug)]
pub struct Join {
    /// Group id.
    pub group_id: String,
    /// Member id, empty for a new member.
    pub member_id: String,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// The client.
    pub origin: MemberOrigin,
    /// Session timeout in milliseconds.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for this member, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, …
    pub protocol_type: String,
    /// What the member can do, its favourite first.
    pub protocols: Vec<ClassicProtocol>,
    /// A new dynamic member is told its id and must join again (version 4 on, KIP-394).
    pub require_known_member_id: bool,
    /// The client understands `skip_assignment` (version 9 on, KIP-814).
    pub supports_skipping_assignment: bool,
    /// Randomness for the id of a new member.
    pub fresh_id: Uuid,
}

/// SyncGroup.
#[derive(Clone, PartialEq, Debug)]
pub struct Sync {
    /// Group id.
    pub group_id: String,
    /// Who asks.
    pub member: Committer,
    /// The protocol type that the member believes in (version 5 on).
    pub protocol_type: Option<String>,
    /// The protocol that the member believes in (version 5 on).
    pub protocol_name: Option<String>,
    /// The leader's word: member id to assignment. Empty from followers.
    pub assignments: BTreeMap<String, Bytes>,
}

/// Heartbeat.
#[derive(Clone, PartialEq, Debug)]
pub struct Heartbeat {
    /// Group id.
    pub group_id: String,
    /// Who asks.
    pub member: Committer,
}

/// A member as it names itself: of a classic group with its generation, of a consumer group with its
/// epoch; −1, and no names, from clients that assign their partitions themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committer {
    /// Member id, may be empty.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Generation or member epoch.
    pub generation: i32,
}

/// LeaveGroup.
#[derive(Clone, PartialEq, Debug)]
pub struct Leave {
    /// Group id.
    pub group_id: String,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// One member that leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavingMember {
    /// Member id; empty where an administrator removes a static member.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
}

/// ConsumerGroupHeartbeat (KIP-848): a member says what changed and what it still owns.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerHeartbeat {
    /// Group id.
    pub group_id: String,
    /// Member id, made by the client.
    pub member_id: String,
    /// 0 to join, −1 to leave, −2 for a static member that means to come back; else the member's epoch.
    pub member_epoch: i32,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// The member's rack; `None` if unchanged.
    pub rack_id: Option<String>,
    /// How long the member may take to give partitions back, in milliseconds; `None` if unchanged.
    pub rebalance_timeout_ms: Option<i32>,
    /// Topics subscribed by name; `None` if unchanged.
    pub subscribed_topics: Option<BTreeSet<String>>,
    /// Topics subscribed by pattern; `None` if unchanged, empty for none.
    pub subscribed_regex: Option<String>,
    /// The assignor that the member wants; `None` if unchanged.
    pub server_assignor: Option<String>,
    /// What the member owns, by topic id; `None` if unchanged.
    pub owned: Option<BTreeMap<Uuid, BTreeSet<i32>>>,
    /// The client.
    pub origin: MemberOrigin,
}

/// OffsetCommit.
#[derive(Clone, PartialEq, Debug)]
pub struct CommitOffsets {
    /// Group id.
    pub group_id: String,
    /// Who commits.
    pub member: Committer,
    /// The client knows member epochs (version 9 on, KIP-848). Older ones cannot be members of
    /// consumer groups, and know no GROUP_ID_NOT_FOUND.
    pub knows_member_epochs: bool,
    /// Retention asked for in milliseconds (versions 2 to 4); `None` for the broker's.
    pub retention_ms: Option<i64>,
    /// What to commit. Only partitions that exist.
    pub offsets: Vec<OffsetToCommit>,
}

/// TxnOffsetCommit.
#[derive(Clone, PartialEq, Debug)]
pub struct TxnCommitOffsets {
    /// Group id.
    pub group_id: String,
    /// Who commits; no names and −1 from clients before KIP-447.
    pub member: Committer,
    /// The producer whose transaction it is.
    pub producer: ProducerIdentity,
    /// What to commit. Only partitions that exist.
    pub offsets: Vec<OffsetToCommit>,
}

/// One offset to commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetToCommit {
    /// The partition.
    pub partition: TopicPartition,
    /// The topic's id, zero if unknown.
    pub topic_id: Uuid,
    /// Offset of the next record to read.
    pub offset: i64,
    /// Leader epoch of the last record read, −1 if unknown.
    pub leader_epoch: i32,
    /// Whatever the client wants to keep beside it.
    pub metadata: Option<String>,
}

/// OffsetDelete.
#[derive(Clone, PartialEq, Debug)]
pub struct DeleteOffsets {
    /// Group id.
    pub group_id: String,
    /// Whose offsets to forget.
    pub partitions: Vec<TopicPartition>,
}
