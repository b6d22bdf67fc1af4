//! The broker's settings, under Kafka's names where Kafka has them.
//!
//! [`SETTINGS`] is the only list: parsing, `once broker --set`, `server.properties` and
//! DescribeConfigs derive from it.

mod log;
mod properties;
mod settings;
mod values;

pub(crate) use log::log_config;
pub use properties::{SettingError, parse_properties};
pub use settings::{Kind, SETTINGS, Setting};

use once_log::mutant::Broken;
use once_log::store::JournalSizes;
use std::collections::BTreeMap;

/// When a write counts as durable, and so when it is acknowledged and readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlushPolicy {
    /// On disk: fdatasync before the acknowledgement. Survives a power cut.
    Disk,
    /// Handed to the operating system, as Kafka does by default. Survives a killed process.
    Os,
}

/// All settings of a broker. Fields are named after Kafka's keys; units are in their names or
/// Kafka's documentation of the key.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// `node.id`.
    pub node_id: i32,
    /// `log.flush.interval.messages`: 1 is [`FlushPolicy::Disk`], unset [`FlushPolicy::Os`].
    pub flush: FlushPolicy,
    /// How long the journal's files are made. Without, every partition's own file is flushed before an answer
    /// leaves: slower, and only for tests.
    pub journal: Option<JournalSizes>,
    /// `advertised.listeners`: host and port that clients are told; unset: the listener's own.
    pub advertised: Option<(String, u16)>,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `min.insync.replicas`, stored and described.
    pub min_insync_replicas: i32,
    /// `offsets.topic.num.partitions`.
    pub offsets_partitions: i32,
    /// `transaction.state.log.num.partitions`.
    pub transaction_partitions: i32,
    /// `transaction.max.timeout.ms`.
    pub transaction_max_timeout_ms: i32,
    /// `transactional.id.expiration.ms`.
    pub transactional_id_expiration_ms: i64,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
    /// `once.transaction.park.ms`: how long an EndTxn waits for completion before it is answered
    /// as Kafka answers.
    pub transaction_park_ms: i64,
    /// `group.initial.rebalance.delay.ms`.
    pub group_initial_rebalance_delay_ms: i32,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout_ms: i32,
    /// `group.max.size`.
    pub group_max_size: i32,
    /// `group.consumer.session.timeout.ms`.
    pub group_consumer_session_timeout_ms: i32,
    /// `group.consumer.heartbeat.interval.ms`.
    pub group_consumer_heartbeat_interval_ms: i32,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: i32,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: i32,
    /// `compression.type`, of topics that have none of their own.
    pub compression_type: String,
    /// `message.max.bytes`.
    pub message_max_bytes: i32,
    /// `log.segment.bytes`.
    pub log_segment_bytes: i32,
    /// `log.roll.ms`, as `segment.ms` of topics.
    pub log_roll_ms: i64,
    /// `log.retention.check.interval.ms`: how often old records are looked for.
    pub log_retention_check_interval_ms: i64,
    /// `log.retention.bytes`, as `retention.bytes` of topics.
    pub log_retention_bytes: i64,
    /// `log.retention.ms`, as `retention.ms` of topics; unset: `log.retention.minutes` says it.
    pub log_retention_ms: Option<i64>,
    /// `log.retention.minutes`; unset: `log.retention.hours` says it.
    pub log_retention_minutes: Option<i32>,
    /// `log.retention.hours`.
    pub log_retention_hours: i32,
    /// `log.cleanup.policy`, as `cleanup.policy` of topics.
    pub log_cleanup_policy: String,
    /// `log.cleaner.enable`: whether logs are compacted at all.
    pub log_cleaner_enable: bool,
    /// `log.cleaner.backoff.ms`: how often a log to compact is looked for.
    pub log_cleaner_backoff_ms: i64,
    /// `log.cleaner.dedupe.buffer.size`: memory for the keys of one compaction.
    pub log_cleaner_dedupe_buffer_bytes: usize,
    /// `log.cleaner.delete.retention.ms`, as `delete.retention.ms` of topics.
    pub log_cleaner_delete_retention_ms: i64,
    /// `log.cleaner.min.cleanable.ratio`, as `min.cleanable.dirty.ratio` of topics.
    pub log_cleaner_min_cleanable_ratio: f64,
    /// `log.cleaner.min.compaction.lag.ms`, as `min.compaction.lag.ms` of topics.
    pub log_cleaner_min_compaction_lag_ms: i64,
    /// `log.cleaner.max.compaction.lag.ms`, as `max.compaction.lag.ms` of topics.
    pub log_cleaner_max_compaction_lag_ms: i64,
    /// `offsets.topic.segment.bytes`.
    pub offsets_segment_bytes: i32,
    /// `transaction.state.log.segment.bytes`.
    pub transaction_segment_bytes: i32,
    /// `metadata.log.max.record.bytes.between.snapshots`: how much of the catalog's log a start
    /// reads at most, about.
    pub metadata_snapshot_bytes: i64,
    /// `log.index.interval.bytes`.
    pub log_index_interval_bytes: i32,
    /// `fetch.max.bytes`: the most that one fetch returns, whatever it asks for.
    pub fetch_max_bytes: i32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub max_fetch_sessions: usize,
    /// `socket.request.max.bytes`.
    pub socket_request_max_bytes: i32,
    /// `queued.max.request.bytes`: all buffers of requests together.
    pub queued_max_request_bytes: usize,
    /// `max.connections`.
    pub max_connections: usize,
    /// `connections.max.idle.ms`.
    pub connections_max_idle_ms: i64,
    /// `once.scrub.bytes.per.second`: how fast all files are read again to find damage; 0 for never.
    pub scrub_bytes_per_second: u64,
    /// `once.scrub.interval.ms`: how often that is begun.
    pub scrub_interval_ms: i64,
    /// `once.disk.reserve.bytes`: with less room on the disk clients' data is refused.
    pub disk_reserve_bytes: u64,
    /// `log.dirs` (one directory), if given as a setting.
    pub log_dir: Option<String>,
    /// `listeners` (one PLAINTEXT listener), if given as a setting.
    pub listener: Option<(String, u16)>,
    /// What the operator set, by key, as text: DescribeConfigs tells it from defaults.
    pub given: BTreeMap<String, String>,
    /// The rule that is broken.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    pub mutant: Option<crate::mutant::Mutant>,
}

impl Config {
    /// A journal stands in front of the partitions' files.
    pub(crate) fn has_journal(&self) -> bool {
        self.flush == FlushPolicy::Disk && self.journal.is_some()
    }

    /// Whether a rule is broken on purpose: never, without the feature `mutants`.
    #[inline]
    pub(crate) fn breaks(&self, mutant: crate::mutant::Mutant) -> bool {
        #[cfg(feature = "mutants")]
        let broken = self.mutant == Some(mutant);
        #[cfg(not(feature = "mutants"))]
        let broken = {
            let _ = mutant;
            false
        };
        broken
    }

    /// What of it concerns one partition's log.
    pub(crate) fn broken_log(&self) -> Broken {
        #[cfg(feature = "mutants")]
        let broken = Broken::of(self.mutant.and_then(crate::mutant::Mutant::of_log));
        #[cfg(not(feature = "mutants"))]
        let broken = Broken::default();
        broken
    }
}

impl Default for Config {
    /// Kafka 4.3's defaults, but for flushing (to disk), the bound on queued requests, and the first
    /// rebalance of a group, which waits for nobody (as in the `server.properties` that Kafka ships).
    fn default() -> Self {
        Self {
            node_id: 1,
            flush: FlushPolicy::Disk,
            journal: Some(JournalSizes::default()),
            advertised: None,
            auto_create_topics: true,
            num_partitions: 1,
            default_replication_factor: 1,
            min_insync_replicas: 1,
            offsets_partitions: 50,
            transaction_partitions: 50,
            transaction_max_timeout_ms: 900_000,
            transactional_id_expiration_ms: 604_800_000,
            producer_id_expiration_ms: 86_400_000,
            transaction_park_ms: 5_000,
            group_initial_rebalance_delay_ms: 0,
            group_min_session_timeout_ms: 6_000,
            group_max_session_timeout_ms: 1_800_000,
            group_max_size: i32::MAX,
            group_consumer_session_timeout_ms: 45_000,
            group_consumer_heartbeat_interval_ms: 5_000,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_minutes: 10_080,
            compression_type: "producer".to_owned(),
            message_max_bytes: 1_048_588,
            log_segment_bytes: 1_073_741_824,
            log_roll_ms: 604_800_000,
            log_retention_check_interval_ms: 300_000,
            log_retention_bytes: -1,
            log_retention_ms: None,
            log_retention_minutes: None,
            log_retention_hours: 168,
            log_cleanup_policy: "delete".to_owned(),
            log_cleaner_enable: true,
            log_cleaner_backoff_ms: 15_000,
            log_cleaner_dedupe_buffer_bytes: 32 << 20,
            log_cleaner_delete_retention_ms: 86_400_000,
            log_cleaner_min_cleanable_ratio: 0.5,
            log_cleaner_min_compaction_lag_ms: 0,
            log_cleaner_max_compaction_lag_ms: i64::MAX,
            offsets_segment_bytes: 104_857_600,
            transaction_segment_bytes: 104_857_600,
            metadata_snapshot_bytes: 20 << 20,
            log_index_interval_bytes: 4_096,
            fetch_max_bytes: 57_671_680,
            max_fetch_sessions: 1_000,
            socket_request_max_bytes: 104_857_600,
            queued_max_request_bytes: 64 << 20,
            max_connections: 100_000,
            connections_max_idle_ms: 600_000,
            scrub_bytes_per_second: 8 << 20,
            scrub_interval_ms: 86_400_000,
            disk_reserve_bytes: 64 << 20,
            log_dir: None,
            listener: None,
            given: BTreeMap::new(),
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }
}

#[cfg(test)]
mod tests;
