//! Settings: Kafka's keys, with our defaults where they differ, and a method for each that the
//! code itself sets.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::topic::Isolation;

/// How long a retrying request waits before it tries again. Kafka's default, 100 ms, is paid
/// after nearly every commit: the next transaction meets `CONCURRENT_TRANSACTIONS` until the
/// markers of the last one are written.
const RETRY_BACKOFF_MS: &str = "5";

/// Settings of a producer. Idempotent unless switched off.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    properties: BTreeMap<String, String>,
}

/// Settings of a consumer. It never commits offsets by itself.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    properties: BTreeMap<String, String>,
}

/// `compression.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kafka's and say all")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl ProducerConfig {
    /// An idempotent producer (`enable.idempotence=true`, `acks=all`) of this cluster.
    pub fn new(bootstrap: &str) -> Self {
        let properties = BTreeMap::new();
        Self { properties }
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("retry.backoff.ms", RETRY_BACKOFF_MS)
    }

    /// Transactions under this id, which fences every earlier producer of it.
    #[must_use]
    pub fn transactional(self, id: &str) -> Self {
        self.set("transactional.id", id)
    }

    /// Switches idempotence off: a retry may then store a record twice.
    #[must_use]
    pub fn without_idempotence(self) -> Self {
        self.set("enable.idempotence", "false")
    }

    /// `compression.type`; Kafka's default is none.
    #[must_use]
    pub fn compression(self, compression: Compression) -> Self {
        self.set("compression.type", compression.name())
    }

    /// `transaction.timeout.ms`: the coordinator aborts a transaction that is open for longer.
    #[must_use]
    pub fn transaction_timeout(self, timeout: Duration) -> Self {
        self.set("transaction.timeout.ms", &timeout.as_millis().to_string())
    }

    /// Sets any of Kafka's keys. An unknown key or a bad value is refused when the producer is
    /// made.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The transactional id, if there is one.
    pub fn transactional_id(&self) -> Option<&str> {
        self.properties.get("transactional.id").map(String::as_str)
    }

    /// All settings by key: for an engine.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.properties
    }
}

impl ConsumerConfig {
    /// A reader of this cluster, without a group. It starts at the log start where nothing else
    /// says (`auto.offset.reset=earliest`).
    pub fn new(bootstrap: &str) -> Self {
        let properties = BTreeMap::new();
        Self { properties }
            .set("bootstrap.servers", bootstrap)
            .set("group.protocol", "consumer")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("retry.backoff.ms", RETRY_BACKOFF_MS)
    }

    /// A member of this group (KIP-848).
    #[must_use]
    pub fn group(self, id: &str) -> Self {
        self.set("group.id", id)
    }

    /// `isolation.level`.
    #[must_use]
    pub fn isolation(self, isolation: Isolation) -> Self {
        self.set("isolation.level", isolation.name())
    }

    /// Sets any of Kafka's keys. An unknown key or a bad value is refused when the consumer is
    /// made.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.to_owned(), value.to_owned());
        self
    }

    /// All settings by key: for an engine.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.properties
    }
}

impl Compression {
    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }
}
