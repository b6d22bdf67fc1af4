//! The catalog: topics, their partitions and settings, features, and producer-id blocks.
//!
//! [`Catalog`] is the fold over `__cluster_metadata` (Kafka: `ReplicationControlManager`,
//! `ConfigurationControlManager`, `ProducerIdControlManager`); its events are Kafka's metadata
//! records, framed as KRaft frames them.
//!
//! The one invariant: what the catalog says exists was validated when it was made, so nobody who
//! reads a topic or a setting from it checks again.
//!
//! It parks nobody and has no timers: every command is answered at once. What must be done about
//! files follows from the events.

mod alter;
mod codec;
mod command;
mod config;
mod config_table;
mod create;
mod delete;
mod describe;
mod features;
mod machine;
mod name;
mod once_each;
mod partitions;
mod settings;
mod state;

#[cfg(test)]
mod tests;

pub use command::{
    Alteration, Assignment, Change, Command, CreatedTopic, DeletedTopic, Event, MorePartitions,
    NewTopic, Operation, Refusal, Reply, TopicRef,
};
pub use config::{Check, ConfigKind, InvalidConfig, Synonym, TopicConfigKey, Unit};
pub use config_table::{TOPIC_CONFIG_KEYS, topic_config_key};
pub use describe::{ConfigSource, DescribedConfig, DescribedSynonym, broker_config_keys};
pub use features::{Feature, SUPPORTED_FEATURES, SupportedFeature};
pub use machine::{Catalog, CatalogConfig};
pub use name::{CLUSTER_METADATA, is_valid_topic_name, why_invalid_topic_name};
pub use settings::TopicSettings;
pub use state::{Partition, Resource, ResourceKind, Topic};
