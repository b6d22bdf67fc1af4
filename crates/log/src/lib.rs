//! One Kafka partition: its pure state and, apart from it, its files.
//!
//! The pure half is a fold over record batches: offsets, producers, the last stable offset, the aborted list,
//! and a sample of what lies where. [`PartitionLog`] decides about a batch, remembers it, and hands out
//! [`Write`]s as plain data. The half in [`store`] carries them out in Kafka's own file formats, reads ranges
//! back, and recovers the pure state from files after a crash. Neither half knows of sockets or a clock; only
//! `store` touches files, and only through its `Disk` door.

mod aborted;
mod append;
mod compact;
mod config;
mod epochs;
mod error;
mod index;
mod log;
#[doc(hidden)]
pub mod mutant;
mod offsets;
mod producer;
mod producers;
mod read;
mod retain;
mod segments;
pub mod snapshot;
pub mod store;
mod tail;
#[cfg(test)]
mod tests;
mod time_index;
mod timestamp;
mod write;

pub use aborted::{ABORTED_ENTRY_BYTES, AbortedEntry, AbortedTransaction};
pub use append::Appended;
pub use compact::{CleanedSegment, Compacted, CompactionPlan, Filth, LastRecord, PlannedSegment};
pub use config::LogConfig;
pub use epochs::EpochEntry;
pub use error::{AppendError, DeleteError, ReadError};
pub use index::{INDEX_ENTRY_BYTES, IndexEntry, SparseIndex};
pub use log::{PartitionLog, Recovered};
pub use once_wire::batch::TimestampType;
pub use producer::{
    BatchMetadata, CompletedTransaction, DataBatch, Marker, Origin, ProducerAppend, ProducerEntry,
    WINDOW,
};
pub use read::{FileRange, Isolation, Read, Source};
pub use retain::Deletion;
pub use segments::Segment;
pub use time_index::{TIME_INDEX_ENTRY_BYTES, TimeIndexEntry};
pub use timestamp::{FoundTimestamp, TimestampLookup, TimestampSearch};
pub use write::{BatchWrite, SnapshotWrite, StateWrite, Write};
