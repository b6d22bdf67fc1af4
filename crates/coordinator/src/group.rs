//! Consumer groups: the machine over one partition of `__consumer_offsets`.
//!
//! Three things live in that log, each with a folder of its own: committed offsets
//! ([`offsets`](CommittedOffset), with those of open transactions kept apart until their marker),
//! classic groups (the client's leader assigns) and consumer groups of KIP-848 (the broker assigns).
//!
//! The invariant that makes consume-process-produce exact: an offset committed in a transaction is
//! invisible until the transaction's COMMIT marker, and a reader that asks for stable offsets is told
//! to wait while such an offset is open.
//!
//! Sources: KIP-62, 345, 394, 447, 848, 1043; Kafka's `GroupMetadataManager`, `OffsetMetadataManager`,
//! `ClassicGroup`, `ConsumerGroup`.

mod bounds;
mod classic;
mod command;
mod config;
mod consumer;
mod describe;
mod event;
mod groups;
mod hash;
mod offsets;
mod record;
mod reply;
mod topics;

#[cfg(test)]
mod tests;

pub use classic::{
    ClassicDescription, ClassicMemberDescription, ClassicState, InitialDelay, JoinPhase,
};
pub use command::{
    ClassicProtocol, Command, CommitOffsets, Committer, ConsumerHeartbeat, DeleteOffsets,
    Heartbeat, Join, Leave, LeavingMember, MemberOrigin, OffsetToCommit, Sync, TxnCommitOffsets,
};
pub use config::{Assignor, GroupConfig};
pub use consumer::{
    ConsumerDescription, ConsumerMemberDescription, ConsumerMemberRecord, ConsumerState,
    CurrentAssignment, MemberState, NamedPartitions, Owned, Partitions, ResolvedRegex,
};
pub use describe::{GroupType, ListedGroup};
pub use event::{ClassicEvent, ConsumerEvent, Event, GroupRecord, MemberRecord, MemberTerms};
pub use groups::Groups;
pub use offsets::{CommittedOffset, FetchOffsets, FetchedOffset};
pub use reply::{
    ConsumerHeartbeatReply, JoinMember, JoinReply, LeftMember, OffsetResults, Reply, SyncReply,
};
pub use topics::{TopicImage, TopicInfo};
