//! What an operator may set about one partition's log.

use once_wire::batch::TimestampType;
use once_wire::compression::Compression;

use crate::mutant::{Broken, Mutant};

/// The settings of one partition's log, under Kafka's names; `Default` has Kafka's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment's file never grows beyond this, in bytes.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment older than this is closed at the next append, in milliseconds.
    pub segment_ms: i64,
    /// `index.interval.bytes`: an index entry is added about every so many bytes of log.
    pub index_interval_bytes: u32,
    /// `max.message.bytes`: the largest batch accepted, in bytes.
    pub max_message_bytes: u32,
    /// `cleanup.policy` contains `compact`: every record of a client must then have a key.
    pub compacted: bool,
    /// `compression.type`: the codec that clients' batches are stored in; `None` keeps the producers'.
    pub compression: Option<Compression>,
    /// `cleanup.policy` contains `delete`: records may be deleted by request, age and size.
    pub deletes: bool,
    /// `retention.ms`: a segment whose newest record is older is deleted, in milliseconds; negative is never.
    pub retention_ms: i64,
    /// `retention.bytes`: the oldest segments are deleted while the others have as much; negative is never.
    pub retention_bytes: i64,
    /// `delete.retention.ms`: how long tombstones and markers that compaction could drop stay for readers that are
    /// behind, in milliseconds.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`, in millionths: the share that must be new before the log is compacted.
    pub min_dirty_millionths: u32,
    /// `min.compaction.lag.ms`: a record is not compacted before it is so old, in milliseconds.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: a record that is so old wants to be compacted whatever the share, in milliseconds.
    pub max_compaction_lag_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`: about so many bytes of memory are for keys; a compaction that meets more
    /// ends earlier.
    pub dedupe_buffer_bytes: usize,
    /// `message.timestamp.type`: whether the producers' timestamps are kept, or the broker stamps each batch.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far a timestamp may lie in the past, in milliseconds.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far a timestamp may lie in the future, in milliseconds.
    pub timestamp_after_max_ms: i64,
    /// `producer.id.expiration.ms`: an idle producer without an open transaction is forgotten after this.
    pub producer_id_expiration_ms: i64,
    /// How many flushed bytes stay in memory for readers at the end of the log. Ours, not Kafka's.
    pub tail_bytes: usize,
    /// The rule that is broken on purpose: none, without the feature `mutants`.
    #[doc(hidden)]
    pub broken: Broken,
}

impl LogConfig {
    /// Whether a rule is broken on purpose: never, without the feature `mutants`.
    #[inline]
    pub(crate) fn breaks(&self, mutant: Mutant) -> bool {
        self.broken.breaks(mutant)
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 60 * 60 * 1000,
            index_interval_bytes: 4096,
            max_message_bytes: 1024 * 1024 + 12,
            compacted: false,
            compression: None,
            deletes: true,
            retention_ms: 7 * 24 * 60 * 60 * 1000,
            retention_bytes: -1,
            delete_retention_ms: 24 * 60 * 60 * 1000,
            min_dirty_millionths: 500_000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            dedupe_buffer_bytes: 32 << 20,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 60 * 60 * 1000,
            producer_id_expiration_ms: 24 * 60 * 60 * 1000,
            tail_bytes: 1 << 20,
            broken: Broken::default(),
        }
    }
}
