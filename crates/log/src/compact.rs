//! Compaction: of each key the last committed value stays, and in the end nothing of what was aborted.
//!
//! ```text
//!   PartitionLog::plan_compaction ─► CompactionPlan ─► LastOffsets: a walk over what is dirty
//!                                         │                    │
//!                                         └──► Filter: a walk over all ─► what is left of each batch
//! PartitionLog::compacted ◄─ Compacted ◄─ files of a new segment for each group of old ones
//! ```
//!
//! All of this is pure: a plan is data, and the walks are over batches that `store/compact.rs` reads and writes.
//! The rules are Kafka's (`Cleaner`, `CleanedTransactionMetadata`, KIP-534), with four differences:
//! - Where whole batches go, one without records stands for their offsets. No checksum covers the offset at which a
//!   batch begins; if none may be missing, one that has changed shows.
//! - Only whole closed segments below the last stable offset take part, so no open transaction is ever looked at.
//! - The last batch of each new segment stays, empty if need be: a segment ends where it ended, and readers who ask
//!   for what is gone find that there is more behind it.
//! - A marker that must stay for its producer's sake stays whole. Kafka keeps its header alone, from which a replay
//!   learns nothing.
//!
//! Keys are remembered whole, not as hashes: no collision can drop a record.

mod apply;
mod filter;
mod last_offsets;
mod output;
mod plan;
mod transactions;

pub use apply::{CleanedSegment, Compacted};
pub(crate) use filter::{Filter, Left};
pub(crate) use last_offsets::LastOffsets;
pub(crate) use output::NewSegment;
pub use plan::{CompactionPlan, Filth, LastRecord, PlannedSegment};
