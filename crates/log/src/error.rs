//! Why a partition refuses an append or a read.

use once_wire::ErrorCode;

/// Why a batch or marker is not appended. Nothing has changed; the text is a sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The batch is larger than `max.message.bytes`.
    #[error("the batch has {size} bytes, more than max.message.bytes = {limit}")]
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// `max.message.bytes`.
        limit: u32,
    },
    /// A timestamp lies further from the broker's clock than the topic allows.
    #[error("timestamp {timestamp} is out of range: it must lie between {earliest} and {latest}")]
    TimestampOutOfRange {
        /// The offending timestamp, in milliseconds.
        timestamp: i64,
        /// The earliest one accepted now.
        earliest: i64,
        /// The latest one accepted now.
        latest: i64,
    },
    /// A record without a key, for a compacted topic.
    #[error(
        "the topic is compacted, so every record needs a key; the one at offset delta {offset_delta} has none"
    )]
    MissingKey {
        /// Which record of the batch, counted from 0.
        offset_delta: i64,
    },
    /// The producer's epoch is below the one the partition knows: it has been fenced (`INVALID_PRODUCER_EPOCH`).
    #[error(
        "producer {producer_id} uses epoch {epoch}, but epoch {current} is in use: it has been fenced"
    )]
    StaleProducerEpoch {
        /// The producer.
        producer_id: i64,
        /// What it sent.
        epoch: i16,
        /// What the partition knows.
        current: i16,
    },
    /// The batch does not follow the producer's last one.
    #[error(
        "producer {producer_id} sent sequence {first_sequence} under epoch {epoch}; the last one here is \
         {current_last_sequence} under epoch {current_epoch}"
    )]
    OutOfOrderSequence {
        /// The producer.
        producer_id: i64,
        /// The epoch it sent.
        epoch: i16,
        /// The first sequence of the batch.
        first_sequence: i32,
        /// The epoch the partition knows.
        current_epoch: i16,
        /// The last sequence the partition has under it, −1 if none.
        current_last_sequence: i32,
    },
    /// Data outside of a transaction while the producer has one open here.
    #[error(
        "producer {producer_id} has an open transaction here, and the batch is not part of one"
    )]
    NotTransactional {
        /// The producer.
        producer_id: i64,
    },
    /// A marker of a coordinator that has been replaced.
    #[error(
        "a marker for producer {producer_id} comes from coordinator epoch {coordinator_epoch}, but epoch {current} \
         has written here"
    )]
    CoordinatorFenced {
        /// The producer.
        producer_id: i64,
        /// The epoch of the marker.
        coordinator_epoch: i32,
        /// The epoch the partition knows.
        current: i32,
    },
}

impl AppendError {
    /// The code a client gets.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::TooLarge { .. } => ErrorCode::MessageTooLarge,
            AppendError::TimestampOutOfRange { .. } => ErrorCode::InvalidTimestamp,
            AppendError::MissingKey { .. } => ErrorCode::InvalidRecord,
            AppendError::StaleProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            AppendError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            AppendError::NotTransactional { .. } => ErrorCode::InvalidTxnState,
            AppendError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
        }
    }
}

/// Why records are not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// The offset is negative or above the high watermark.
    #[error("offset {offset} is out of range: records below {high_watermark} can be deleted")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: i64,
        /// The high watermark.
        high_watermark: i64,
    },
    /// The topic's `cleanup.policy` has no `delete`.
    #[error("cleanup.policy has no delete, so the topic's records stay")]
    Policy,
}

impl DeleteError {
    /// The code a client gets.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            DeleteError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            DeleteError::Policy => ErrorCode::PolicyViolation,
        }
    }
}

/// Why a read is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The offset lies outside of the log.
    #[error("offset {offset} is out of range: the log holds {start} up to {end}")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: i64,
        /// The log start offset.
        start: i64,
        /// The log end offset, exclusive.
        end: i64,
    },
}

impl ReadError {
    /// The code a client gets.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        }
    }
}
