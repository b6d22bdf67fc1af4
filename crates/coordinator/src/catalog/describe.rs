//! What a setting's value is, and where it comes from: DescribeConfigs and CreateTopics' reply.

use std::collections::BTreeMap;

use super::config::{ConfigKind, TopicConfigKey, parts};
use super::config_table::{TOPIC_CONFIG_KEYS, topic_config_key};
use super::machine::Catalog;
use super::state::{Resource, ResourceKind};

/// Where a value comes from (Kafka: `ConfigSource`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigSource {
    /// Set for the topic.
    DynamicTopic,
    /// Set for a node while it runs.
    DynamicBroker,
    /// Set for all nodes while they run.
    DynamicDefaultBroker,
    /// Set when the node was started.
    StaticBroker,
    /// Set by nobody.
    Default,
}

impl ConfigSource {
    /// Kafka's number for it.
    #[must_use]
    pub fn id(self) -> i8 {
        match self {
            Self::DynamicTopic => 1,
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
        }
    }
}

/// A setting with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedConfig {
    /// The key.
    pub name: String,
    /// The value in force; a topic's setting always has one.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
    /// Type of the value.
    pub kind: ConfigKind,
    /// All values in question, the one in force first.
    pub synonyms: Vec<DescribedSynonym>,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// One value in question for a setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedSynonym {
    /// Under which key.
    pub name: String,
    /// The value, in that key's unit.
    pub value: String,
    /// Where it is set.
    pub source: ConfigSource,
}

impl Catalog {
    /// All settings of a topic by key, or one topic's to be with these `overrides`.
    #[must_use]
    pub fn describe_topic_configs(
        &self,
        overrides: Option<&BTreeMap<String, String>>,
    ) -> Vec<DescribedConfig> {
        let empty = BTreeMap::new();
        let overrides = overrides.unwrap_or(&empty);
        let listed = TOPIC_CONFIG_KEYS.iter().map(|key| key.name);
        let unlisted = overrides.keys().map(String::as_str).filter(|name| {
            TOPIC_CONFIG_KEYS
                .binary_search_by_key(name, |key| key.name)
                .is_err()
        });
        let mut names: Vec<&str> = listed.chain(unlisted).collect();
        names.sort_unstable();
        let keys = names.into_iter().filter_map(topic_config_key);
        keys.map(|key| self.describe_topic_config(key, overrides))
            .collect()
    }

    /// The value in force of a topic's setting.
    #[must_use]
    pub fn topic_config(&self, topic: &str, key: &TopicConfigKey) -> String {
        let own = self
            .overrides(&Resource::topic(topic))
            .and_then(|set| set.get(key.name));
        own.map_or_else(|| self.topic_default(key), Clone::clone)
    }

    /// The value that a topic's setting has where the topic does not say.
    pub(super) fn topic_default(&self, key: &TopicConfigKey) -> String {
        let set = self.broker_values(key).next();
        set.map_or_else(|| key.default.to_owned(), |(converted, _)| converted)
    }

    fn describe_topic_config(
        &self,
        key: &'static TopicConfigKey,
        overrides: &BTreeMap<String, String>,
    ) -> DescribedConfig {
        let own = overrides.get(key.name).map(|value| DescribedSynonym {
            name: key.name.to_owned(),
            value: value.clone(),
            source: ConfigSource::DynamicTopic,
        });
        let set = self.broker_values(key).map(|(_, synonym)| synonym);
        // The last synonym is the one that Kafka gives a default.
        let default = key.synonyms.last().map(|synonym| DescribedSynonym {
            name: synonym.key.to_owned(),
            value: broker_default(key).to_owned(),
            source: ConfigSource::Default,
        });
        let (value, source) = match (&own, self.broker_values(key).next()) {
            (Some(own), _) => (own.value.clone(), own.source),
            (None, Some((converted, synonym))) => (converted, synonym.source),
            (None, None) => (key.default.to_owned(), ConfigSource::Default),
        };
        let default = default.filter(|_| has_broker_default(key));
        DescribedConfig {
            name: key.name.to_owned(),
            value: Some(normal(key, &value)),
            source,
            kind: key.kind,
            synonyms: own.into_iter().chain(set).chain(default).collect(),
            doc: key.doc,
        }
    }

    /// The broker settings made for a topic's key, the strongest first, each in the topic's unit
    /// and as it stands.
    fn broker_values<'a>(
        &'a self,
        key: &'a TopicConfigKey,
    ) -> impl Iterator<Item = (String, DescribedSynonym)> + 'a {
        key.synonyms.iter().flat_map(move |synonym| {
            self.broker_value(synonym.key).map(move |(value, source)| {
                let name = synonym.key.to_owned();
                let as_it_stands = DescribedSynonym {
                    name,
                    value: value.clone(),
                    source,
                };
                (synonym.convert(value), as_it_stands)
            })
        })
    }

    /// The values that a broker's key was given, the strongest first.
    fn broker_value<'a>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = (&'a String, ConfigSource)> + 'a {
        let node = self.config.nodes[0].to_string();
        let dynamic = move |name: &str| {
            let resource = Resource {
                kind: ResourceKind::Broker,
                name: name.to_owned(),
            };
            self.overrides(&resource).and_then(|set| set.get(key))
        };
        let own = dynamic(&node).map(|value| (value, ConfigSource::DynamicBroker));
        let all = dynamic("").map(|value| (value, ConfigSource::DynamicDefaultBroker));
        let fixed = self
            .config
            .broker
            .get(key)
            .map(|value| (value, ConfigSource::StaticBroker));
        own.into_iter().chain(all).chain(fixed)
    }

    /// A broker's key as DescribeConfigs shows it, if it is one that topics take defaults from.
    #[must_use]
    pub fn describe_broker_config(&self, name: &str) -> Option<DescribedConfig> {
        let (key, synonym) = TOPIC_CONFIG_KEYS.iter().find_map(|key| {
            let synonym = key.synonyms.iter().find(|synonym| synonym.key == name)?;
            Some((key, synonym))
        })?;
        let set = self
            .broker_value(synonym.key)
            .map(|(value, source)| DescribedSynonym {
                name: name.to_owned(),
                value: value.clone(),
                source,
            });
        let last = key.synonyms.last() == Some(synonym) && has_broker_default(key);
        let default = last.then(|| DescribedSynonym {
            name: name.to_owned(),
            value: broker_default(key).to_owned(),
            source: ConfigSource::Default,
        });
        let synonyms: Vec<_> = set.chain(default).collect();
        let first = synonyms.first();
        Some(DescribedConfig {
            name: name.to_owned(),
            value: first.map(|first| first.value.clone()),
            source: first.map_or(ConfigSource::Default, |first| first.source),
            kind: key.kind,
            doc: key.doc,
            synonyms,
        })
    }
}

/// A value as Kafka prints it back once parsed; CreateTopics and DescribeConfigs agree on it.
fn normal(key: &TopicConfigKey, value: &str) -> String {
    match key.kind {
        ConfigKind::List => parts(value).join(","),
        ConfigKind::Boolean => value.trim().to_ascii_lowercase(),
        ConfigKind::String | ConfigKind::Int | ConfigKind::Long | ConfigKind::Double => {
            value.trim().to_owned()
        }
    }
}

/// The default of the last synonym, in its own unit.
fn broker_default(key: &TopicConfigKey) -> &'static str {
    match key.name {
        "retention.ms" | "segment.ms" => "168",
        _ => key.default,
    }
}

/// Whether the last synonym has a default of its own in Kafka: where the first is unset there,
/// the broker falls back by other rules, and DescribeConfigs lists no synonym.
fn has_broker_default(key: &TopicConfigKey) -> bool {
    !matches!(key.name, "flush.ms" | "segment.ms" | "segment.jitter.ms")
}
