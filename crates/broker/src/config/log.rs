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
        segment_ms: topic.segment_ms,
        index_interval_bytes: size(topic.index_interval_bytes),
        max_message_bytes: size(topic.max_message_bytes),
        compacted: topic.compact,
        compression: codec(&topic.compression_type),
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
        #[cfg(feature = "mutants")]
        mutant: config.mutant.and_then(crate::mutant::Mutant::of_log),
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
