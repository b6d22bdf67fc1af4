//! Committed offsets, and those that wait for their transaction's marker.

mod commit;
mod delete;
mod expire;
mod fetch;
mod gone;
mod pending;
mod store;

#[cfg(test)]
mod tests;

pub(super) use commit::{commit, txn_commit};
pub(super) use delete::{delete, delete_all};
pub(super) use expire::{RetentionStart, expire};
pub(super) use fetch::fetch;
pub use fetch::{FetchOffsets, FetchedOffset};
pub(super) use gone::{Doomed, forget_gone_topics, gone_offsets};
pub use store::CommittedOffset;
pub(super) use store::Offsets;

/// How many facts one decision may hold, about, where nobody waits for all of them: its records are one
/// batch. What is left over is due at once.
pub(super) const MOST_EVENTS: usize = 1_000;
