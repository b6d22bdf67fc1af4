//! What a setting's value is, and where it comes from: DescribeConfigs and CreateTopics' reply.

use std::collections::BTreeMap;

use super::config::{ConfigKind, Synonym, TopicConfigKey, Unit, parts};
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
    pub fn topic_config(&self, topic: &str, key: &'static TopicConfigKey) -> String {
        let own = self
            .overrides(&Resource::topic(topic))
            .and_then(|set| set.get(key.name));
        own.map_or_else(|| self.topic_default(key), Clone::clone)
    }

    /// The value that a topic's setting has where the topic does not say: of the keys that were set,
    /// the strongest counts, wherever it was set (Kafka: `AbstractKafkaConfig.logRetentionTimeMillis`
    /// and its like).
    pub(super) fn topic_default(&self, key: &'static TopicConfigKey) -> String {
        let given = self.given(key.synonyms);
        let strongest = key
            .synonyms
            .iter()
            .find_map(|synonym| given.iter().find(|(of, _)| of == synonym));
        strongest.map_or_else(|| key.default.to_owned(), in_topics_unit)
    }

    /// Kafka's `ConfigHelper.createTopicConfigEntry`.
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
        let value = match &own {
            Some(own) => own.value.clone(),
            None => self.topic_default(key),
        };
        let first = key.synonyms.first();
        let others = first.map(|first| self.listed(key, key.synonyms, first.key));
        let synonyms = own.into_iter().chain(others.into_iter().flatten());
        described(key, key.name, Some(normal(key, &value)), synonyms.collect())
    }

    /// All settings by key of a topic that is made with these `overrides`, as CreateTopics tells
    /// them. A value comes from the strongest place here, under whichever key, also where
    /// DescribeConfigs lists no synonym for it (Kafka: `KafkaConfigSchema`).
    pub(super) fn created_topic_configs(
        &self,
        overrides: &BTreeMap<String, String>,
    ) -> Vec<DescribedConfig> {
        let mut configs = self.describe_topic_configs(Some(overrides));
        for config in &mut configs {
            let key = topic_config_key(&config.name).expect("what is described is in the table");
            let given = self.given(key.synonyms);
            if config.source != ConfigSource::DynamicTopic
                && let Some(strongest) = given.first()
            {
                config.value = Some(normal(key, &in_topics_unit(strongest)));
                config.source = strongest.1.source;
            }
        }
        configs
    }

    /// The values that broker keys were given: by place, the strongest first, and there by key.
    fn given(&self, keys: &'static [Synonym]) -> Vec<(Synonym, DescribedSynonym)> {
        let dynamic = |name: String| {
            let kind = ResourceKind::Broker;
            self.overrides(&Resource { kind, name })
        };
        let places = [
            (
                ConfigSource::DynamicBroker,
                dynamic(self.config.nodes[0].to_string()),
            ),
            (ConfigSource::DynamicDefaultBroker, dynamic(String::new())),
            (ConfigSource::StaticBroker, Some(&self.config.broker)),
        ];
        let mut given = Vec::new();
        for (source, values) in places {
            for synonym in keys {
                let value = values.and_then(|values| values.get(synonym.key));
                given.extend(value.map(|value| {
                    let name = synonym.key.to_owned();
                    let value = value.clone();
                    (
                        *synonym,
                        DescribedSynonym {
                            name,
                            value,
                            source,
                        },
                    )
                }));
            }
        }
        given
    }

    /// The values of broker keys as DescribeConfigs lists them for one of them, `of`: with the
    /// default, which only the last key of a topic's has, and from the first of `of` itself on
    /// (Kafka: `ConfigHelper.configSynonyms`, which so drops what listeners override).
    fn listed(
        &self,
        key: &'static TopicConfigKey,
        keys: &'static [Synonym],
        of: &str,
    ) -> Vec<DescribedSynonym> {
        let given = self.given(keys).into_iter().map(|(_, given)| given);
        let last = keys.iter().filter(|s| key.synonyms.last() == Some(s));
        let default = last.map(|last| DescribedSynonym {
            name: last.key.to_owned(),
            value: broker_default(key).to_owned(),
            source: ConfigSource::Default,
        });
        let all = given.chain(default);
        all.skip_while(|synonym| synonym.name != of).collect()
    }

    /// A broker's key as DescribeConfigs shows it, if it is one that topics take defaults from.
    #[must_use]
    pub fn describe_broker_config(&self, name: &str) -> Option<DescribedConfig> {
        let (key, at) = TOPIC_CONFIG_KEYS.iter().find_map(|key| {
            let at = key.synonyms.iter().position(|s| s.key == name)?;
            Some((key, at))
        })?;
        // Where one key is the other's default, not another unit of it, only that way round.
        let from = if key.name == "flush.ms" { at } else { 0 };
        let synonyms = self.listed(key, &key.synonyms[from..], name);
        let value = synonyms.first().map(|first| first.value.clone());
        let kind = match key.synonyms[at].unit {
            Unit::Same => key.kind,
            Unit::Minutes | Unit::Hours => ConfigKind::Int,
        };
        let config = described(key, name, value, synonyms);
        Some(DescribedConfig { kind, ..config })
    }
}

/// The broker's keys that topics take defaults from, each with whether it can change while the
/// broker runs: of several for one setting, only the strongest (Kafka: `DynamicLogConfig`).
pub fn broker_config_keys() -> impl Iterator<Item = (&'static str, bool)> {
    TOPIC_CONFIG_KEYS.iter().flat_map(|key| {
        let synonyms = key.synonyms.iter().enumerate();
        synonyms.map(|(at, synonym)| (synonym.key, at == 0))
    })
}

fn in_topics_unit((synonym, given): &(Synonym, DescribedSynonym)) -> String {
    synonym.convert(&given.value)
}

fn described(
    key: &TopicConfigKey,
    name: &str,
    value: Option<String>,
    synonyms: Vec<DescribedSynonym>,
) -> DescribedConfig {
    let first = synonyms.first();
    DescribedConfig {
        name: name.to_owned(),
        value,
        source: first.map_or(ConfigSource::Default, |first| first.source),
        kind: key.kind,
        synonyms,
        doc: key.doc,
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

/// The default of a broker's last key for a topic's setting, in that key's unit.
fn broker_default(key: &TopicConfigKey) -> &'static str {
    match key.name {
        "retention.ms" | "segment.ms" => "168",
        _ => key.default,
    }
}
