//! Consumer groups of KIP-848: the broker assigns, each member reconciles at its own pace.
//!
//! Three numbers only grow: the group epoch (what members want), the target epoch (the assignment made
//! for it) and each member's epoch (how far it came). A partition is given to a member only after the
//! one that had it has said that it let go, or was fenced.
//!
//! Unlike Kafka 4.3 the target is made in the heartbeat that asks for it, not up to a second later in
//! the background (`group.consumer.assignment.interval.ms`), and so are patterns resolved.

mod assign;
mod commit;
mod describe;
mod draft;
mod heartbeat;
mod leave;
mod member;
mod pattern;
mod reconcile;
mod regex;
mod state;
mod target;
mod tick;
mod validate;

#[cfg(test)]
mod tests;

pub use describe::{ConsumerDescription, ConsumerMemberDescription, NamedPartitions};
pub(super) use heartbeat::heartbeat;
pub(super) use state::ConsumerGroup;
pub use state::{
    ConsumerMemberRecord, ConsumerState, CurrentAssignment, MemberState, Owned, Partitions,
    ResolvedRegex,
};
pub(super) use tick::tick;
