//! The settings that a topic can have: Kafka 4.3's, with its types, defaults and bounds
//! (Kafka: `LogConfig`, `ServerTopicConfigSynonyms`).

use super::config::{Check, ConfigKind, Synonym, TopicConfigKey, Unit};

/// A key that Kafka takes but does not list: a segment size below the least one, for tests.
pub(super) const INTERNAL_SEGMENT_BYTES: TopicConfigKey = key(
    "internal.segment.bytes",
    ConfigKind::Int,
    "",
    Check::Any,
    &[],
    "Segment size in tests.",
);

/// The setting of a key; `None` if topics have no such setting.
#[must_use]
pub fn topic_config_key(name: &str) -> Option<&'static TopicConfigKey> {
    let found = TOPIC_CONFIG_KEYS.binary_search_by_key(&name, |key| key.name);
    match found {
        Ok(index) => Some(&TOPIC_CONFIG_KEYS[index]),
        Err(_) => (name == INTERNAL_SEGMENT_BYTES.name).then_some(&INTERNAL_SEGMENT_BYTES),
    }
}

const fn key(
    name: &'static str,
    kind: ConfigKind,
    default: &'static str,
    check: Check,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> TopicConfigKey {
    TopicConfigKey {
        name,
        kind,
        default,
        check,
        synonyms,
        doc,
    }
}

const fn same(key: &'static str) -> Synonym {
    Synonym {
        key,
        unit: Unit::Same,
    }
}

const fn minutes(key: &'static str) -> Synonym {
    Synonym {
        key,
        unit: Unit::Minutes,
    }
}

const fn hours(key: &'static str) -> Synonym {
    Synonym {
        key,
        unit: Unit::Hours,
    }
}

use Check::{Any, AtLeast, Between, BetweenOrDefault, OneOf, Ratio, ThrottledReplicas};
use ConfigKind::{Boolean, Double, Int, List, Long, String};

const NEVER: &str = "9223372036854775807";

/// Every setting, by key.
#[rustfmt::skip]
pub const TOPIC_CONFIG_KEYS: &[TopicConfigKey] = &[
    key("cleanup.policy", List, "delete", OneOf(&["compact", "delete"]), &[same("log.cleanup.policy")],
        "What happens to old data: deleted by age or size, compacted to the last value of each key, or both; nothing if empty."),
    key("compression.gzip.level", Int, "-1", BetweenOrDefault(1, 9), &[same("compression.gzip.level")],
        "Level of gzip where the broker compresses; -1 is gzip's own."),
    key("compression.lz4.level", Int, "9", Between(1, 17), &[same("compression.lz4.level")],
        "Level of lz4 where the broker compresses."),
    key("compression.type", String, "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), &[same("compression.type")],
        "How the topic's data is compressed; `producer` keeps what producers chose."),
    key("compression.zstd.level", Int, "3", Between(-131_072, 22), &[same("compression.zstd.level")],
        "Level of zstd where the broker compresses."),
    key("delete.retention.ms", Long, "86400000", AtLeast(0), &[same("log.cleaner.delete.retention.ms")],
        "How long a tombstone outlives its compaction, so that readers see it, in milliseconds."),
    key("file.delete.delay.ms", Long, "60000", AtLeast(0), &[same("log.segment.delete.delay.ms")],
        "How long a deleted file stays on disk, in milliseconds."),
    key("flush.messages", Long, NEVER, AtLeast(1), &[same("log.flush.interval.messages")],
        "A flush to disk is forced after so many messages."),
    key("flush.ms", Long, NEVER, AtLeast(0), &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")],
        "A flush to disk is forced after so many milliseconds."),
    key("follower.replication.throttled.replicas", List, "", ThrottledReplicas, &[],
        "Replicas whose replication is throttled on the follower's side."),
    key("index.interval.bytes", Int, "4096", AtLeast(0), &[same("log.index.interval.bytes")],
        "An index entry is added about every so many bytes of log."),
    key("leader.replication.throttled.replicas", List, "", ThrottledReplicas, &[],
        "Replicas whose replication is throttled on the leader's side."),
    key("local.retention.bytes", Long, "-2", AtLeast(-2), &[same("log.local.retention.bytes")],
        "With remote storage, how much stays on local disk; -2 is as retention.bytes."),
    key("local.retention.ms", Long, "-2", AtLeast(-2), &[same("log.local.retention.ms")],
        "With remote storage, how long data stays on local disk; -2 is as retention.ms."),
    key("max.compaction.lag.ms", Long, NEVER, AtLeast(1), &[same("log.cleaner.max.compaction.lag.ms")],
        "A message is compacted at the latest after so many milliseconds."),
    key("max.message.bytes", Int, "1048588", AtLeast(0), &[same("message.max.bytes")],
        "The largest record batch, after compression."),
    key("message.timestamp.after.max.ms", Long, "3600000", AtLeast(0), &[same("log.message.timestamp.after.max.ms")],
        "How far a message's timestamp may lie in the broker's future, in milliseconds."),
    key("message.timestamp.before.max.ms", Long, NEVER, AtLeast(0), &[same("log.message.timestamp.before.max.ms")],
        "How far a message's timestamp may lie in the broker's past, in milliseconds."),
    key("message.timestamp.type", String, "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), &[same("log.message.timestamp.type")],
        "Whether timestamps are the producer's or the time of the append."),
    key("min.cleanable.dirty.ratio", Double, "0.5", Ratio, &[same("log.cleaner.min.cleanable.ratio")],
        "The share of a log that must be new before it is compacted."),
    key("min.compaction.lag.ms", Long, "0", AtLeast(0), &[same("log.cleaner.min.compaction.lag.ms")],
        "A message is not compacted before so many milliseconds."),
    key("min.insync.replicas", Int, "1", AtLeast(1), &[same("min.insync.replicas")],
        "How many replicas must have a write for acks=all to succeed."),
    key("preallocate", Boolean, "false", Any, &[same("log.preallocate")],
        "Whether a new segment's file gets its full size at once."),
    key("remote.log.copy.disable", Boolean, "false", Any, &[],
        "Whether remote storage gets no further data."),
    key("remote.log.delete.on.disable", Boolean, "false", Any, &[],
        "Whether remote data is deleted when remote storage is turned off."),
    key("remote.storage.enable", Boolean, "false", Any, &[],
        "Whether data moves to remote storage."),
    key("retention.bytes", Long, "-1", Any, &[same("log.retention.bytes")],
        "How large a partition grows before its old data is deleted; -1 is without limit."),
    key("retention.ms", Long, "604800000", AtLeast(-1), &[same("log.retention.ms"), minutes("log.retention.minutes"), hours("log.retention.hours")],
        "How old data gets before it is deleted, in milliseconds; -1 is without limit."),
    key("segment.bytes", Int, "1073741824", AtLeast(1_048_576), &[same("log.segment.bytes")],
        "How large a segment's file grows."),
    key("segment.index.bytes", Int, "10485760", AtLeast(4), &[same("log.index.size.max.bytes")],
        "How large an index file grows."),
    key("segment.jitter.ms", Long, "0", AtLeast(0), &[same("log.roll.jitter.ms"), hours("log.roll.jitter.hours")],
        "How much earlier, by chance, a segment is closed than segment.ms says."),
    key("segment.ms", Long, "604800000", AtLeast(1), &[same("log.roll.ms"), hours("log.roll.hours")],
        "How old a segment gets before it is closed, in milliseconds."),
    key("unclean.leader.election.enable", Boolean, "false", Any, &[same("unclean.leader.election.enable")],
        "Whether a replica that is behind may lead when no other is left."),
];
