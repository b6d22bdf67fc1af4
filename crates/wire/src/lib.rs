//! Kafka's wire protocol and record formats: bytes to concepts and back.
//!
//! One rule holds everywhere: what a peer sends is a claim. Every length is bounded by the bytes that
//! remain, every decoded structure by a budget, every decompressed block by a limit; a violation is a
//! typed error, never a panic and never an allocation larger than the input can justify.

pub mod api;
pub mod batch;
pub mod codec;
pub mod compression;
pub mod control;
pub mod error;
pub mod frame;
pub mod hash;
pub mod ids;
pub mod message;
pub mod record;
pub mod records;
pub mod request;

pub use api::ApiKey;
pub use codec::{
    DecodeError, EncodeError, Message, Reader, Record, Request, TaggedFields, VersionRange, Writer,
};
pub use error::ErrorCode;
pub use hash::{java_hash, partition_for};
pub use ids::Uuid;

#[cfg(test)]
mod tests;
