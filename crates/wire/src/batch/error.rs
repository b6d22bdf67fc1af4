//! Why bytes are not a batch that can be taken.

use thiserror::Error;

use crate::compression::CompressionError;
use crate::error::ErrorCode;

/// What is wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes end before the batch does: a torn write, if they are a log's last.
    #[error("a batch of {needed} bytes where {available} are left")]
    Truncated {
        /// Bytes that the header or the whole batch takes.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The length field is below the smallest batch.
    #[error("impossible batch length {0}")]
    InvalidLength(i32),
    /// A record format other than 2.
    #[error("record format {0} where 2 is required")]
    UnsupportedMagic(i8),
    /// The checksum does not fit the bytes.
    #[error("checksum {stored:08x} in the batch, {computed:08x} over its bytes")]
    WrongCrc {
        /// What the batch says.
        stored: u32,
        /// CRC-32C of what it protects.
        computed: u32,
    },
    /// A compression codec that Kafka does not have.
    #[error("unknown compression codec {0}")]
    UnknownCodec(i16),
    /// A last offset delta or a record count below zero.
    #[error("a record count or offset delta is negative")]
    NegativeCount,
    /// Bytes after the batch, or after the last record within it.
    #[error("{0} bytes too many")]
    TrailingBytes(usize),
    /// A record whose lengths do not fit each other.
    #[error("a record is malformed")]
    MalformedRecord,
    /// A client's record out of its place.
    #[error("offset delta {found} where {expected} is due")]
    OffsetDelta {
        /// The record's place in the batch.
        expected: i32,
        /// What it says.
        found: i32,
    },
    /// A client's batch whose count is zero or does not fit its last offset delta.
    #[error("{records} records up to offset delta {last_offset_delta}")]
    WrongCount {
        /// The count in the header.
        records: i32,
        /// The delta in the header.
        last_offset_delta: i32,
    },
    /// A client's batch that does not begin at offset 0.
    #[error("a client's batch begins at offset {0}")]
    BaseOffset(i64),
    /// A client may not write control batches.
    #[error("a client sent a control batch")]
    ClientControl,
    /// A client's batch with a producer id and no sequence.
    #[error("a batch with a producer id has no sequence")]
    NoSequence,
    /// A client may not choose LogAppendTime.
    #[error("a client sent a batch with append time")]
    ClientAppendTime,
    /// The records do not decompress.
    #[error(transparent)]
    Compression(#[from] CompressionError),
}

impl BatchError {
    /// What a produce response says of it (Kafka's `LogValidator` and `UnifiedLog`).
    pub fn code(&self) -> ErrorCode {
        match self {
            BatchError::Truncated { .. }
            | BatchError::InvalidLength(_)
            | BatchError::WrongCrc { .. } => ErrorCode::CorruptMessage,
            BatchError::ClientAppendTime => ErrorCode::InvalidTimestamp,
            // Kafka has no such bound; a client that is told this sends smaller batches.
            BatchError::Compression(CompressionError::OverLimit { .. }) => {
                ErrorCode::MessageTooLarge
            }
            BatchError::UnknownCodec(_) => ErrorCode::UnsupportedCompressionType,
            _ => ErrorCode::InvalidRecord,
        }
    }
}
