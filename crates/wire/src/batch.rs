//! Record batches, format 2: what producers send, logs hold and consumers fetch.
//!
//! A [`Batch`] exists only if its bytes passed [`Batch::parse`]: its length, its checksum and its header
//! hold. What stands inside its records is checked where it is read.

mod builder;
mod error;
mod header;
mod view;

pub use builder::BatchBuilder;
pub use error::BatchError;
pub use header::{BatchHeader, HEADER_SIZE, TimestampType};
pub use view::{Batch, CLIENT_DECOMPRESSED_MAX, ClientBatch};

#[cfg(test)]
mod tests;
