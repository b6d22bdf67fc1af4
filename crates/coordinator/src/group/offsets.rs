//! Committed offsets, and those that wait for their transaction's marker.

mod commit;
mod delete;
mod expire;
mod fetch;
mod pending;
mod store;

#[cfg(test)]
mod tests;

pub(super) use commit::{commit, txn_commit};
pub(super) use delete::{delete, delete_all, forget_gone_topics};
pub(super) use expire::{RetentionStart, expire};
pub(super) use fetch::fetch;
pub use fetch::{FetchOffsets, FetchedOffset};
pub use store::CommittedOffset;
pub(super) use store::Offsets;
