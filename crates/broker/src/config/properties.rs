//! `server.properties`: Java's properties format, as far as Kafka's files use it.

use super::{Config, SETTINGS};

/// A setting that was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingError {
    /// No such key, here or in Kafka's list of keys that mean nothing to a single process.
    #[error("unknown setting '{0}': see docs/configuration.md for the keys that once knows")]
    Unknown(String),
    /// The key is known, its value is not usable.
    #[error("setting {key}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with the value.
        problem: String,
    },
    /// A line that is neither comment nor `key=value`.
    #[error("line {0}: expected key=value")]
    Line(usize),
}

/// Keys of Kafka that are valid in a `server.properties` but have nothing to set here: threads
/// and buffers of the JVM broker, KRaft's quorum, replication. They are read over, with a note.
const WITHOUT_EFFECT: &[&str] = &[
    "advertised.host.name",
    "broker.id",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.io.buffer.size",
    "log.cleaner.io.max.bytes.per.second",
    "log.cleaner.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "offsets.topic.replication.factor",
    "process.roles",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "transaction.state.log.min.isr",
    "transaction.state.log.replication.factor",
];

impl Config {
    /// Sets one setting from text. Returns a note if the key is Kafka's but has no effect here.
    ///
    /// # Errors
    /// The key is unknown, or its value cannot be used.
    pub fn set(&mut self, key: &str, value: &str) -> Result<Option<String>, SettingError> {
        if WITHOUT_EFFECT.contains(&key) {
            return Ok(Some(format!(
                "setting {key} has no effect on a single node"
            )));
        }
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .ok_or_else(|| SettingError::Unknown(key.to_owned()))?;
        (setting.set)(self, value).map_err(|problem| SettingError::Value {
            key: key.to_owned(),
            problem,
        })?;
        self.given.insert(key.to_owned(), value.to_owned());
        Ok(None)
    }
}

/// The keys and values of a properties file, in order.
///
/// # Errors
/// A line that is neither blank, a comment, nor `key=value`.
pub fn parse_properties(text: &str) -> Result<Vec<(String, String)>, SettingError> {
    let mut settings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with('!') {
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or(SettingError::Line(index + 1))?;
        settings.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(settings)
}
