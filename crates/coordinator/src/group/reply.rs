//! What groups answer.

use crate::ids::TopicPartition;
use bytes::Bytes;
use once_wire::{ErrorCode, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// An answer, of the kind that belongs to the command.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// To `Join`.
    Join(JoinReply),
    /// To `Sync`.
    Sync(Result<SyncReply, ErrorCode>),
    /// To `Heartbeat`; [`ErrorCode::None`] if all is well.
    Heartbeat(ErrorCode),
    /// To `Leave`: one for each member asked for, in order.
    Leave(Result<Vec<LeftMember>, ErrorCode>),
    /// To `ConsumerHeartbeat`: or the error and, where Kafka gives one, its message.
    ConsumerHeartbeat(Result<ConsumerHeartbeatReply, (ErrorCode, String)>),
    /// To `CommitOffsets` and `TxnCommitOffsets`: one for each partition, or one error for all.
    Offsets(Result<OffsetResults, ErrorCode>),
    /// To `DeleteOffsets`, likewise.
    DeleteOffsets(Result<OffsetResults, ErrorCode>),
    /// To `DeleteGroup`; [`ErrorCode::None`] if it is gone.
    DeleteGroup(ErrorCode),
}

/// What became of each partition's offset.
pub type OffsetResults = Vec<(TopicPartition, ErrorCode)>;

/// JoinGroup's answer.
#[derive(Clone, PartialEq, Debug)]
pub struct JoinReply {
    /// [`ErrorCode::None`] if the member is in.
    pub error: ErrorCode,
    /// Generation, −1 with an error.
    pub generation: i32,
    /// The group's protocol type.
    pub protocol_type: Option<String>,
    /// The protocol chosen.
    pub protocol_name: Option<String>,
    /// Member id of the leader.
    pub leader: Option<String>,
    /// The leader need not assign: nothing changed (KIP-814).
    pub skip_assignment: bool,
    /// The member's own id.
    pub member_id: String,
    /// To the leader only: who is in.
    pub members: Vec<JoinMember>,
}

impl JoinReply {
    /// A refusal.
    #[must_use]
    pub fn refused(member_id: impl Into<String>, error: ErrorCode) -> Self {
        Self {
            error,
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            skip_assignment: false,
            member_id: member_id.into(),
            members: Vec::new(),
        }
    }
}

/// A member as the leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinMember {
    /// Member id.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Its subscription under the protocol chosen.
    pub metadata: Bytes,
}

/// SyncGroup's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncReply {
    /// The group's protocol type.
    pub protocol_type: Option<String>,
    /// The protocol chosen.
    pub protocol_name: Option<String>,
    /// What the leader gave to this member.
    pub assignment: Bytes,
}

/// What became of one member that left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftMember {
    /// Member id as asked for.
    pub member_id: String,
    /// Instance id as asked for.
    pub instance_id: Option<String>,
    /// [`ErrorCode::None`] if it left.
    pub error: ErrorCode,
}

/// ConsumerGroupHeartbeat's answer.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerHeartbeatReply {
    /// Member id.
    pub member_id: String,
    /// The member's epoch now; −1 or −2 echoed to one that leaves.
    pub member_epoch: i32,
    /// How often to come, in milliseconds.
    pub heartbeat_interval_ms: i32,
    /// What the member shall own, by topic id; `None` if it need not be told.
    pub assignment: Option<BTreeMap<Uuid, BTreeSet<i32>>>,
}
