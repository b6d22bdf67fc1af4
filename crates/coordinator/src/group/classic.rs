//! Classic groups: the members choose a protocol by vote, the leader assigns, the broker keeps time.
//!
//! ```text
//!            first member                   all joined, or time is up
//!   Empty ───────────────► PreparingRebalance ───────────────► CompletingRebalance
//!     ▲                      │   ▲       ▲                          │      │
//!     └──── nobody is left ──┘   │       └── a member comes or goes ┘      │ leader's sync
//!                                └───────────── a member comes, goes, ─ Stable
//! ```
//!
//! Kafka's Dead is absent: a group that is gone is not in the map.

mod commit;
mod describe;
mod draft;
mod heartbeat;
mod join;
mod leave;
mod rebalance;
mod state;
mod static_member;
mod subscription;
mod sync;
mod tick;

#[cfg(test)]
mod tests;

pub use describe::{ClassicDescription, ClassicMemberDescription};
pub(super) use heartbeat::heartbeat;
pub(super) use join::join;
pub(super) use leave::leave;
pub use state::ClassicState;
pub(super) use state::{ClassicGroup, ClassicMember};
pub use state::{InitialDelay, JoinPhase};
pub(super) use sync::sync;
pub(super) use tick::tick;
