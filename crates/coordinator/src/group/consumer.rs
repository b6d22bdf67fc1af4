//! Consumer groups of KIP-848: the broker assigns, each member reconciles at its own pace.
//!
//! Three numbers only grow: the group epoch (what members want), the target epoch (the assignment made
//! for it) and each member's epoch (how far it came). A partition is given to a member only after the
//! one that had it has said that it let go.

mod commit;
mod describe;
mod heartbeat;
mod state;

pub use describe::{ConsumerDescription, ConsumerMemberDescription, NamedPartitions};
pub(super) use heartbeat::{heartbeat, tick};
pub(super) use state::{ConsumerGroup, ConsumerMember};
pub use state::{
    ConsumerMemberRecord, ConsumerState, CurrentAssignment, MemberState, Owned, Partitions,
    ResolvedRegex,
};
