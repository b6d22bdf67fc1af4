//! A topic's settings as the program uses them.

use super::config::parts;
use super::config_table::{INTERNAL_SEGMENT_BYTES, topic_config_key};
use super::machine::Catalog;
use super::state::Resource;

/// The settings of a topic in force, under Kafka's names. Units are those of the keys.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicSettings {
    /// `cleanup.policy` has `compact`.
    pub compact: bool,
    /// `cleanup.policy` has `delete`.
    pub delete: bool,
    /// `compression.type`.
    pub compression_type: String,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: i64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: i32,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`.
    pub max_message_bytes: i32,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub log_append_time: bool,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `preallocate`.
    pub preallocate: bool,
    /// `retention.bytes`, −1 without limit.
    pub retention_bytes: i64,
    /// `retention.ms`, −1 without limit.
    pub retention_ms: i64,
    /// `segment.bytes`, or `internal.segment.bytes` where that is set.
    pub segment_bytes: i32,
    /// `segment.index.bytes`.
    pub segment_index_bytes: i32,
    /// `segment.ms`.
    pub segment_ms: i64,
}

impl Catalog {
    /// The settings of a topic; of one that does not exist, the defaults.
    #[must_use]
    pub fn topic_settings(&self, topic: &str) -> TopicSettings {
        let read = Read {
            catalog: self,
            topic,
        };
        let policy = read.text("cleanup.policy");
        let policy = parts(&policy);
        let own = self.overrides(&Resource::topic(topic));
        let internal = own.and_then(|set| set.get(INTERNAL_SEGMENT_BYTES.name));
        let internal = internal.and_then(|value| value.trim().parse().ok());
        TopicSettings {
            compact: policy.contains(&"compact"),
            delete: policy.contains(&"delete"),
            compression_type: read.text("compression.type").trim().to_owned(),
            delete_retention_ms: read.long("delete.retention.ms"),
            file_delete_delay_ms: read.long("file.delete.delay.ms"),
            flush_messages: read.long("flush.messages"),
            flush_ms: read.long("flush.ms"),
            index_interval_bytes: read.int("index.interval.bytes"),
            max_compaction_lag_ms: read.long("max.compaction.lag.ms"),
            max_message_bytes: read.int("max.message.bytes"),
            timestamp_after_max_ms: read.long("message.timestamp.after.max.ms"),
            timestamp_before_max_ms: read.long("message.timestamp.before.max.ms"),
            log_append_time: read.text("message.timestamp.type").trim() == "LogAppendTime",
            min_cleanable_dirty_ratio: read.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: read.long("min.compaction.lag.ms"),
            min_insync_replicas: read.int("min.insync.replicas"),
            preallocate: read.boolean("preallocate"),
            retention_bytes: read.long("retention.bytes"),
            retention_ms: read.long("retention.ms"),
            segment_bytes: internal.unwrap_or_else(|| read.int("segment.bytes")),
            segment_index_bytes: read.int("segment.index.bytes"),
            segment_ms: read.long("segment.ms"),
        }
    }
}

/// Reads one topic's values. What was stored was validated; a value of the operator's that was
/// not counts as unset.
struct Read<'a> {
    catalog: &'a Catalog,
    topic: &'a str,
}

impl Read<'_> {
    fn text(&self, name: &str) -> String {
        let key = topic_config_key(name).expect("a key of the table");
        let value = self.catalog.topic_config(self.topic, key);
        if key.validate(&value).is_ok() {
            value
        } else {
            key.default.to_owned()
        }
    }

    fn long(&self, name: &str) -> i64 {
        self.text(name).trim().parse().expect("a value of its type")
    }

    fn int(&self, name: &str) -> i32 {
        self.text(name).trim().parse().expect("a value of its type")
    }

    fn double(&self, name: &str) -> f64 {
        self.text(name).trim().parse().expect("a value of its type")
    }

    fn boolean(&self, name: &str) -> bool {
        self.text(name).trim().eq_ignore_ascii_case("true")
    }
}
