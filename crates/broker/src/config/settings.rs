//! The table of settings.

use super::values::{
    boolean, compression, directory, flush_interval, listener, number, partitions, policy, ratio,
    retention,
};
use super::{Config, FlushPolicy};

/// The type of a setting's value, as DescribeConfigs names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 16-bit integer.
    Short,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    Long,
    /// Floating point.
    Double,
    /// Text.
    String,
    /// Comma-separated texts.
    List,
}

/// One setting.
pub struct Setting {
    /// Kafka's key, or one that begins with `once.`.
    pub key: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// Sets it from text; the error says what is wrong with the value.
    pub set: fn(&mut Config, &str) -> Result<(), String>,
    /// Its value as text; `None` if unset.
    pub get: fn(&Config) -> Option<String>,
}

/// A row for a plain field: key, type, field, least value.
macro_rules! plain {
    ($key:literal, $kind:ident, $field:ident, $least:expr) => {
        Setting {
            key: $key,
            kind: Kind::$kind,
            set: |config, text| number(text, $least).map(|value| config.$field = value),
            get: |config| Some(config.$field.to_string()),
        }
    };
}

/// Every setting, by key.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "advertised.listeners",
        kind: Kind::List,
        set: |config, text| listener(text).map(|at| config.advertised = Some(at)),
        get: |config| {
            config
                .advertised
                .as_ref()
                .map(|(host, port)| format!("PLAINTEXT://{host}:{port}"))
        },
    },
    Setting {
        key: "auto.create.topics.enable",
        kind: Kind::Boolean,
        set: |config, text| boolean(text).map(|value| config.auto_create_topics = value),
        get: |config| Some(config.auto_create_topics.to_string()),
    },
    Setting {
        key: "compression.type",
        kind: Kind::String,
        set: |config, text| compression(text).map(|name| config.compression_type = name),
        get: |config| Some(config.compression_type.clone()),
    },
    plain!("connections.max.idle.ms", Long, connections_max_idle_ms, 1),
    plain!(
        "default.replication.factor",
        Short,
        default_replication_factor,
        1
    ),
    plain!("fetch.max.bytes", Int, fetch_max_bytes, 1_024),
    plain!(
        "group.consumer.heartbeat.interval.ms",
        Int,
        group_consumer_heartbeat_interval_ms,
        1
    ),
    plain!(
        "group.consumer.session.timeout.ms",
        Int,
        group_consumer_session_timeout_ms,
        1
    ),
    plain!(
        "group.initial.rebalance.delay.ms",
        Int,
        group_initial_rebalance_delay_ms,
        0
    ),
    plain!(
        "group.max.session.timeout.ms",
        Int,
        group_max_session_timeout_ms,
        1
    ),
    plain!("group.max.size", Int, group_max_size, 1),
    plain!(
        "group.min.session.timeout.ms",
        Int,
        group_min_session_timeout_ms,
        1
    ),
    Setting {
        key: "listeners",
        kind: Kind::List,
        set: |config, text| listener(text).map(|at| config.listener = Some(at)),
        get: |config| {
            config
                .listener
                .as_ref()
                .map(|(host, port)| format!("PLAINTEXT://{host}:{port}"))
        },
    },
    plain!("log.cleaner.backoff.ms", Long, log_cleaner_backoff_ms, 0),
    plain!(
        "log.cleaner.dedupe.buffer.size",
        Long,
        log_cleaner_dedupe_buffer_bytes,
        1
    ),
    plain!(
        "log.cleaner.delete.retention.ms",
        Long,
        log_cleaner_delete_retention_ms,
        0
    ),
    Setting {
        key: "log.cleaner.enable",
        kind: Kind::Boolean,
        set: |config, text| boolean(text).map(|value| config.log_cleaner_enable = value),
        get: |config| Some(config.log_cleaner_enable.to_string()),
    },
    plain!(
        "log.cleaner.max.compaction.lag.ms",
        Long,
        log_cleaner_max_compaction_lag_ms,
        1
    ),
    Setting {
        key: "log.cleaner.min.cleanable.ratio",
        kind: Kind::Double,
        set: |config, text| ratio(text).map(|value| config.log_cleaner_min_cleanable_ratio = value),
        get: |config| Some(config.log_cleaner_min_cleanable_ratio.to_string()),
    },
    plain!(
        "log.cleaner.min.compaction.lag.ms",
        Long,
        log_cleaner_min_compaction_lag_ms,
        0
    ),
    Setting {
        key: "log.cleanup.policy",
        kind: Kind::List,
        set: |config, text| policy(text).map(|value| config.log_cleanup_policy = value),
        get: |config| Some(config.log_cleanup_policy.clone()),
    },
    Setting {
        key: "log.dirs",
        kind: Kind::List,
        set: |config, text| directory(text).map(|value| config.log_dir = Some(value)),
        get: |config| config.log_dir.clone(),
    },
    Setting {
        key: "log.flush.interval.messages",
        kind: Kind::Long,
        set: |config, text| flush_interval(text).map(|policy| config.flush = policy),
        get: |config| match config.flush {
            FlushPolicy::Disk => Some("1".to_owned()),
            FlushPolicy::Os => Some(i64::MAX.to_string()),
        },
    },
    plain!("log.index.interval.bytes", Int, log_index_interval_bytes, 0),
    plain!("log.retention.bytes", Long, log_retention_bytes, -1),
    plain!(
        "log.retention.check.interval.ms",
        Long,
        log_retention_check_interval_ms,
        1
    ),
    Setting {
        key: "log.retention.hours",
        kind: Kind::Int,
        set: |config, text| retention(text).map(|value| config.log_retention_hours = value),
        get: |config| Some(config.log_retention_hours.to_string()),
    },
    Setting {
        key: "log.retention.minutes",
        kind: Kind::Int,
        set: |config, text| retention(text).map(|value| config.log_retention_minutes = Some(value)),
        get: |config| config.log_retention_minutes.map(|value| value.to_string()),
    },
    Setting {
        key: "log.retention.ms",
        kind: Kind::Long,
        set: |config, text| retention(text).map(|value| config.log_retention_ms = Some(value)),
        get: |config| config.log_retention_ms.map(|value| value.to_string()),
    },
    plain!("log.roll.ms", Long, log_roll_ms, 1),
    plain!("log.segment.bytes", Int, log_segment_bytes, 1_048_576),
    plain!("max.connections", Int, max_connections, 0),
    plain!(
        "max.incremental.fetch.session.cache.slots",
        Int,
        max_fetch_sessions,
        0
    ),
    plain!("message.max.bytes", Int, message_max_bytes, 0),
    plain!(
        "metadata.log.max.record.bytes.between.snapshots",
        Long,
        metadata_snapshot_bytes,
        1
    ),
    plain!("min.insync.replicas", Int, min_insync_replicas, 1),
    plain!("node.id", Int, node_id, 0),
    plain!("num.partitions", Int, num_partitions, 1),
    plain!(
        "offset.metadata.max.bytes",
        Int,
        offset_metadata_max_bytes,
        0
    ),
    plain!(
        "offsets.retention.minutes",
        Int,
        offsets_retention_minutes,
        1
    ),
    Setting {
        key: "offsets.topic.num.partitions",
        kind: Kind::Int,
        set: |config, text| partitions(text).map(|count| config.offsets_partitions = count),
        get: |config| Some(config.offsets_partitions.to_string()),
    },
    plain!("offsets.topic.segment.bytes", Int, offsets_segment_bytes, 1),
    plain!("once.disk.reserve.bytes", Long, disk_reserve_bytes, 0),
    plain!(
        "once.scrub.bytes.per.second",
        Long,
        scrub_bytes_per_second,
        0
    ),
    plain!("once.scrub.interval.ms", Long, scrub_interval_ms, 1),
    plain!("once.transaction.park.ms", Long, transaction_park_ms, 0),
    plain!(
        "producer.id.expiration.ms",
        Long,
        producer_id_expiration_ms,
        1
    ),
    plain!(
        "queued.max.request.bytes",
        Long,
        queued_max_request_bytes,
        1_048_576
    ),
    plain!(
        "socket.request.max.bytes",
        Int,
        socket_request_max_bytes,
        1_024
    ),
    plain!(
        "transaction.max.timeout.ms",
        Int,
        transaction_max_timeout_ms,
        1
    ),
    Setting {
        key: "transaction.state.log.num.partitions",
        kind: Kind::Int,
        set: |config, text| partitions(text).map(|count| config.transaction_partitions = count),
        get: |config| Some(config.transaction_partitions.to_string()),
    },
    plain!(
        "transaction.state.log.segment.bytes",
        Int,
        transaction_segment_bytes,
        1
    ),
    plain!(
        "transactional.id.expiration.ms",
        Int,
        transactional_id_expiration_ms,
        1
    ),
];
