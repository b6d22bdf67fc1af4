//! IncrementalAlterConfigs, and the validation that creation shares
//! (Kafka: `ConfigurationControlManager`, `ConfigAdminManager`).

use std::collections::{BTreeMap, BTreeSet};

use once_wire::ErrorCode;

use super::command::{Alteration, Change, Event, Operation, Refusal};
use super::config::{ConfigKind, TopicConfigKey};
use super::config_table::{TOPIC_CONFIG_KEYS, topic_config_key};
use super::describe::broker_config_keys;
use super::machine::Catalog;
use super::name::why_invalid_topic_name;
use super::once_each::times;
use super::state::{Resource, ResourceKind};

type Altered = (Resource, Result<(), Refusal>);

impl Catalog {
    pub(super) fn alter_configs(&self, resources: &[Alteration]) -> (Vec<Event>, Vec<Altered>) {
        let mut events = Vec::new();
        let times = times(resources, |alteration| &alteration.resource);
        let results = resources.iter().map(|alteration| {
            let resource = &alteration.resource;
            let result = if times[resource] > 1 {
                Err(invalid_request("Each resource must appear at most once."))
            } else {
                self.alter(alteration).map(|changed| events.extend(changed))
            };
            (resource.clone(), result)
        });
        let results = results.collect();
        (events, results)
    }

    fn alter(&self, alteration: &Alteration) -> Result<Vec<Event>, Refusal> {
        let Alteration { resource, changes } = alteration;
        well_formed(changes)?;
        self.can_have_configs(resource)?;
        let current = self.overrides(resource).cloned().unwrap_or_default();
        let mut wanted = current.clone();
        for change in changes {
            match self.changed(resource, change, current.get(&change.key))? {
                Some(value) => wanted.insert(change.key.clone(), value),
                None => wanted.remove(&change.key),
            };
        }
        match resource.kind {
            ResourceKind::Topic => {
                self.validate_topic_configs(&wanted)?;
                if !self.exists(resource) {
                    let message = format!("The topic '{}' does not exist.", resource.name);
                    return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
                }
            }
            ResourceKind::Broker => self.validate_broker_configs(changes, &wanted)?,
            ResourceKind::BrokerLogger | ResourceKind::ClientMetrics | ResourceKind::Group => {}
        }
        let keys: BTreeSet<&String> = current.keys().chain(wanted.keys()).collect();
        let changed = keys
            .into_iter()
            .filter(|key| current.get(*key) != wanted.get(*key));
        Ok(changed
            .map(|key| Event::ConfigChanged {
                resource: resource.clone(),
                key: key.clone(),
                value: wanted.get(key).cloned(),
            })
            .collect())
    }

    /// Whether a resource of this name can have settings here at all.
    fn can_have_configs(&self, resource: &Resource) -> Result<(), Refusal> {
        let name = &resource.name;
        match resource.kind {
            ResourceKind::Topic if name.is_empty() => {
                Err(invalid_request("Default topic resources are not allowed."))
            }
            ResourceKind::Topic => match why_invalid_topic_name(name) {
                Some(reason) => Err(Refusal::new(ErrorCode::InvalidTopicException, reason)),
                None => Ok(()),
            },
            ResourceKind::Broker if self.exists(resource) => Ok(()),
            ResourceKind::Broker if name.parse::<i32>().is_err() => Err(invalid_request(format!(
                "Node id must be an integer, but it is: {name}"
            ))),
            ResourceKind::Broker => {
                let expected = self.config.nodes[0];
                let message =
                    format!("Unexpected broker id, expected {expected}, but received {name}");
                Err(invalid_request(message))
            }
            ResourceKind::BrokerLogger => Err(invalid_request(
                "Log levels are set when the broker is started.",
            )),
            ResourceKind::ClientMetrics => Err(invalid_request(
                "Client metrics are not collected by this broker.",
            )),
            ResourceKind::Group => Err(invalid_request(
                "Groups have no settings of their own in this broker.",
            )),
        }
    }

    /// The value that a change leads to; `None` is the default.
    fn changed(
        &self,
        resource: &Resource,
        change: &Change,
        current: Option<&String>,
    ) -> Result<Option<String>, Refusal> {
        let value = change.value.as_deref().unwrap_or_default();
        match change.operation {
            Operation::Set => Ok(Some(value.to_owned())),
            Operation::Delete => Ok(None),
            Operation::Append | Operation::Subtract => {
                let (key, operation) = (&change.key, change.operation.name());
                let Some(of) = list_key(resource.kind, key) else {
                    let why =
                        format!("Can't {operation} to key {key} because its type is not LIST.");
                    return Err(Refusal::new(ErrorCode::InvalidConfig, why));
                };
                let before = current.map_or(of.default, String::as_str);
                let mut list: Vec<&str> =
                    before.split(',').filter(|part| !part.is_empty()).collect();
                if change.operation == Operation::Append {
                    let mut seen: BTreeSet<&str> = list.iter().copied().collect();
                    list.extend(value.split(',').filter(|part| seen.insert(part)));
                } else {
                    let gone: BTreeSet<&str> = value.split(',').collect();
                    list.retain(|part| !gone.contains(part));
                }
                Ok(Some(list.join(",")))
            }
        }
    }

    /// Judges settings of a topic, each for itself.
    pub(super) fn validate_each(configs: &BTreeMap<String, String>) -> Result<(), Refusal> {
        if let Some(unknown) = configs.keys().find(|name| topic_config_key(name).is_none()) {
            return invalid(format!("Unknown topic config name: {unknown}"));
        }
        for (name, value) in configs {
            let key = topic_config_key(name).expect("unknown names are refused above");
            if let Err(error) = key.validate(value) {
                return invalid(error.to_string());
            }
        }
        Ok(())
    }

    /// Judges all settings that a topic would have.
    pub(super) fn validate_topic_configs(
        &self,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        Self::validate_each(configs)?;
        let value = |name| {
            let key = topic_config_key(name).expect("a key of the table");
            let value = configs
                .get(name)
                .cloned()
                .unwrap_or_else(|| self.topic_default(key));
            (key, value)
        };
        let number = |name| {
            let (key, value) = value(name);
            key.whole(&value)
                .unwrap_or_else(|_| key.whole(key.default).expect("a default is valid"))
        };
        let (min, max) = (
            number("min.compaction.lag.ms"),
            number("max.compaction.lag.ms"),
        );
        if min > max {
            return invalid(format!(
                "conflict topic config setting min.compaction.lag.ms ({min}) > \
                 max.compaction.lag.ms ({max})"
            ));
        }
        let (remote, enabled) = value("remote.storage.enable");
        if remote.boolean(&enabled) == Ok(true) {
            return invalid(
                "Tiered Storage functionality is disabled in the broker. \
                 Topic cannot be configured with remote log storage."
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Of a broker's settings those can change while it runs that topics take defaults from, each
    /// under its strongest key.
    fn validate_broker_configs(
        &self,
        changes: &[Change],
        wanted: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let fixed: Vec<&str> = changes
            .iter()
            .map(|change| change.key.as_str())
            .filter(|key| !is_dynamic(key))
            .collect();
        if !fixed.is_empty() {
            let keys = fixed.join(", ");
            return Err(invalid_request(format!(
                "Cannot update these configs dynamically: [{keys}]"
            )));
        }
        for (name, value) in wanted {
            let key = topic_key_of(name).expect("other keys are refused above and never stored");
            if let Err(error) = key.validate(value) {
                return Err(invalid_request(error.to_string()));
            }
        }
        Ok(())
    }
}

fn invalid(message: String) -> Result<(), Refusal> {
    Err(Refusal::new(ErrorCode::InvalidConfig, message))
}

/// What Kafka's broker checks before its controller sees the request.
fn well_formed(changes: &[Change]) -> Result<(), Refusal> {
    let keys: BTreeSet<&String> = changes.iter().map(|change| &change.key).collect();
    if keys.len() < changes.len() {
        return Err(invalid_request("Error due to duplicate config keys"));
    }
    let null = changes
        .iter()
        .filter(|change| change.value.is_none() && change.operation != Operation::Delete);
    let null: Vec<&str> = null.map(|change| change.key.as_str()).collect();
    if null.is_empty() {
        return Ok(());
    }
    Err(invalid_request(format!(
        "Null value not supported for : {}",
        null.join(", ")
    )))
}

/// The key of a topic's or a broker's setting, if its value is a list.
fn list_key(kind: ResourceKind, name: &str) -> Option<TopicConfigKey> {
    let key = match kind {
        ResourceKind::Broker => topic_key_of(name),
        _ => topic_config_key(name).copied(),
    };
    key.filter(|key| key.kind == ConfigKind::List)
}

fn is_dynamic(broker_key: &str) -> bool {
    broker_config_keys().any(|(key, dynamic)| dynamic && key == broker_key)
}

/// The topic's setting whose default a broker's key makes, under the broker's name.
fn topic_key_of(broker_key: &str) -> Option<TopicConfigKey> {
    TOPIC_CONFIG_KEYS.iter().find_map(|key| {
        let synonym = key
            .synonyms
            .iter()
            .find(|synonym| synonym.key == broker_key)?;
        Some(TopicConfigKey {
            name: synonym.key,
            ..*key
        })
    })
}

fn invalid_request(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}
