//! A partition's settings, from its topic's.

use super::Config;
use once_coordinator::catalog::Catalog;
use once_log::LogConfig;
use once_wire::batch::TimestampType;
use once_wire::compression::Compression;

/// The settings of the logs of `topic`: its own where it has them, else the broker's defaults.
pub(crate) fn log_config(config: &Config, catalog: &Catalog, topic: &str) -> LogConfig {
    let topic = catalog.topic_settings(topic);
    let size = |value: i32| u32::try_from(value).unwrap_or(0);
    LogConfig {
        segment_bytes: size(topic.segment_bytes),
        // A record is to be compacted in time, and in the last segment it never is (KIP-354).
        segment_ms: if topic.compact {
            topic.segment_ms.min(topic.max_compaction_lag_ms)
        } else {
            topic.segment_ms
        },
        index_interval_bytes: size(topic.index_interval_bytes),
        max_message_bytes: size(topic.max_message_bytes),
        compacted: topic.compact,
        compression: codec(&topic.compression_type),
        delete_retention_ms: topic.delete_retention_ms,
        min_dirty_millionths: millionths(topic.min_cleanable_dirty_ratio),
        min_compaction_lag_ms: topic.min_compaction_lag_ms,
        max_compaction_lag_ms: topic.max_compaction_lag_ms,
        dedupe_buffer_bytes: config.log_cleaner_dedupe_buffer_bytes,
        deletes: topic.delete,
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        timestamp_type: if topic.log_append_time {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        },
        timestamp_before_max_ms: topic.timestamp_before_max_ms,
        timestamp_after_max_ms: topic.timestamp_after_max_ms,
        producer_id_expiration_ms: config.producer_id_expiration_ms,
        tail_bytes: LogConfig::default().tail_bytes,
        broken: config.broken_log(),
    }
}

/// The codec that a `compression.type` asks for; `None` is the producers' own.
fn codec(compression_type: &str) -> Option<Compression> {
    match compression_type {
        "uncompressed" => Some(Compression::None),
        "gzip" => Some(Compression::Gzip),
        "snappy" => Some(Compression::Snappy),
        "lz4" => Some(Compression::Lz4),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    }
}

/// A share between 0 and 1.
fn millionths(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1e6).round() as u32
}
