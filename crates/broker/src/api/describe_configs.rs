//! DescribeConfigs (key 32), versions 1–4.
//!
//! All settings, or those asked for, of topics, of this node, and (an empty name) what is set for
//! all nodes while they run. The settings of a node are those that this broker has, and those that
//! topics take defaults from.
//!
//! * 1 where values come from, and synonyms; 3 types and documentation; 4 flexible.
//!
//! The same settings of the same resource are told once, where Kafka tells them as often as they are
//! asked for: a node's settings are many bytes, and its name few (also `1`, `01`, `001`).
//!
//! Left out: loggers (INVALID_REQUEST). Client metrics and groups have no settings here.

use super::distinct::distinct;
use super::{Answer, Api};
use crate::config::{Config, Kind, SETTINGS, Setting};
use crate::engine::Context;
use once_coordinator::catalog::{
    Catalog, ConfigKind, ConfigSource, DescribedConfig, DescribedSynonym, Resource, ResourceKind,
    broker_config_keys, why_invalid_topic_name,
};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use once_wire::message::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
    DescribeConfigsSynonym,
};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub(crate) struct DescribeConfigs;

/// What a resource is, however it is written: a number, where the type's names are numbers.
type Identity<'r> = (i8, Result<i32, &'r str>);

/// The settings of the resources described so far. Each is asked for in few bytes, and some differently
/// more than once.
type Known<'r> = BTreeMap<Identity<'r>, Result<Vec<Described>, Refused>>;

/// A setting, whether it can change while the broker runs, and Kafka's number for its type.
struct Described {
    config: DescribedConfig,
    read_only: bool,
    kind: i8,
}

type Refused = (ErrorCode, String);

impl Api for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    const VERSIONS: VersionRange = VersionRange::new(1, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DescribeConfigsResponse>, ErrorCode> {
        let questions = request
            .resources
            .iter()
            .map(|resource| (resource, identity(resource), keys(resource)));
        let questions = distinct(questions, |(_, identity, keys)| (*identity, keys.clone()));
        let mut known = Known::new();
        let results = questions.map(|(resource, identity, keys)| {
            let described = known
                .entry(identity)
                .or_insert_with(|| describe(cx, resource));
            let outcome = match described {
                Err(refused) => Err(refused.clone()),
                Ok(all) => Ok(chosen(all, &keys).map(|one| told(request, one)).collect()),
            };
            result(resource, outcome)
        });
        Ok(Answer::Now(DescribeConfigsResponse {
            results: results.collect(),
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> DescribeConfigsResponse {
        let resources = request.resources.iter();
        let results = resources.map(|resource| result(resource, Err((error, String::new()))));
        DescribeConfigsResponse {
            results: results.collect(),
            ..Default::default()
        }
    }
}

fn identity(resource: &DescribeConfigsResource) -> Identity<'_> {
    let name = resource.resource_name.as_str();
    let number = match ResourceKind::from_id(resource.resource_type) {
        Some(ResourceKind::Broker | ResourceKind::BrokerLogger) => name.parse().ok(),
        _ => None,
    };
    (resource.resource_type, number.ok_or(name))
}

/// The settings asked for; none means all of them.
fn keys(resource: &DescribeConfigsResource) -> BTreeSet<&str> {
    let keys = resource.configuration_keys.iter().flatten();
    keys.map(String::as_str).collect()
}

/// Of settings that are sorted by name, those asked for.
fn chosen<'d>(all: &'d [Described], keys: &BTreeSet<&str>) -> impl Iterator<Item = &'d Described> {
    let everything = if keys.is_empty() { all } else { &[] };
    let named = keys.iter().filter_map(|key| {
        let at = all.binary_search_by(|one| one.config.name.as_str().cmp(key));
        Some(&all[at.ok()?])
    });
    let named: Vec<_> = named.collect();
    everything.iter().chain(named)
}

fn describe(
    cx: &mut Context<'_>,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Described>, Refused> {
    let invalid = |message: String| Err((ErrorCode::InvalidRequest, message));
    let name = resource.resource_name.as_str();
    match ResourceKind::from_id(resource.resource_type) {
        Some(ResourceKind::Topic) => topic(cx, name),
        Some(ResourceKind::Broker) if name.is_empty() => Ok(all_nodes(cx.catalog())),
        Some(ResourceKind::Broker) => {
            let node = cx.node().id;
            match name.parse::<i32>() {
                Ok(id) if id == node => Ok(this_node(cx)),
                Ok(_) => invalid(format!(
                    "Unexpected broker id, expected {node} or empty string, but received {name}"
                )),
                Err(_) => invalid(format!("Broker id must be an integer, but it is: {name}")),
            }
        }
        Some(ResourceKind::ClientMetrics | ResourceKind::Group) if name.is_empty() => {
            invalid("The name of a group or subscription must not be empty".to_owned())
        }
        Some(ResourceKind::ClientMetrics | ResourceKind::Group) => Ok(Vec::new()),
        Some(ResourceKind::BrokerLogger) => {
            invalid("Log levels are set when the broker is started.".to_owned())
        }
        None => invalid(format!(
            "Unsupported resource type: {}",
            resource.resource_type
        )),
    }
}

fn topic(cx: &mut Context<'_>, name: &str) -> Result<Vec<Described>, Refused> {
    if let Some(reason) = why_invalid_topic_name(name) {
        return Err((ErrorCode::InvalidTopicException, reason));
    }
    let catalog = cx.catalog();
    if catalog.topic(name).is_none() {
        return Err((ErrorCode::UnknownTopicOrPartition, String::new()));
    }
    let all = catalog.describe_topic_configs(catalog.overrides(&Resource::topic(name)));
    let changeable = |config: DescribedConfig| Described {
        read_only: false,
        kind: config.kind.id(),
        config,
    };
    Ok(all.into_iter().map(changeable).collect())
}

/// What is set for all nodes while they run.
fn all_nodes(catalog: &Catalog) -> Vec<Described> {
    let resource = Resource {
        kind: ResourceKind::Broker,
        name: String::new(),
    };
    let set = catalog.overrides(&resource).into_iter().flatten();
    let described = set.filter_map(|(key, value)| {
        let mut config = catalog.describe_broker_config(key)?;
        config.value = Some(value.clone());
        config.source = ConfigSource::DynamicDefaultBroker;
        config
            .synonyms
            .retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
        Some(Described {
            read_only: false,
            kind: config.kind.id(),
            config,
        })
    });
    described.collect()
}

/// The settings of this node: what the catalog knows of a key, as it can change; else what the
/// node was started with.
fn this_node(cx: &mut Context<'_>) -> Vec<Described> {
    let changeable: BTreeMap<&str, bool> = broker_config_keys().collect();
    let fixed = SETTINGS
        .iter()
        .filter(|setting| !changeable.contains_key(setting.key));
    let mut settings: Vec<Described> = fixed
        .map(|setting| started_with(setting, cx.config()))
        .collect();
    for (key, dynamic) in changeable {
        let config = cx.catalog().describe_broker_config(key);
        settings.extend(config.map(|config| Described {
            read_only: !dynamic,
            kind: config.kind.id(),
            config,
        }));
    }
    settings.sort_by(|a, b| a.config.name.cmp(&b.config.name));
    settings
}

/// What the operator gave is listed also where it says what the default says.
fn started_with(setting: &Setting, config: &Config) -> Described {
    let default = (setting.get)(&Config::default());
    let given = config.given.contains_key(setting.key);
    let value = (setting.get)(config);
    let synonym = |value: &String, source| DescribedSynonym {
        name: setting.key.to_owned(),
        value: value.clone(),
        source,
    };
    let own = value.iter().filter(|_| given || value != default);
    let own = own.map(|value| synonym(value, ConfigSource::StaticBroker));
    let fallback = default
        .iter()
        .map(|value| synonym(value, ConfigSource::Default));
    let synonyms: Vec<_> = own.chain(fallback).collect();
    let config = DescribedConfig {
        name: setting.key.to_owned(),
        value,
        source: synonyms
            .first()
            .map_or(ConfigSource::Default, |first| first.source),
        kind: ConfigKind::String,
        synonyms,
        doc: "",
    };
    Described {
        config,
        read_only: true,
        kind: kind_id(setting.kind),
    }
}

fn kind_id(kind: Kind) -> i8 {
    /// Kafka's number of the one type that no topic's setting has.
    const SHORT: i8 = 4;
    match kind {
        Kind::Boolean => ConfigKind::Boolean.id(),
        Kind::Short => SHORT,
        Kind::Int => ConfigKind::Int.id(),
        Kind::Long => ConfigKind::Long.id(),
        Kind::Double => ConfigKind::Double.id(),
        Kind::String => ConfigKind::String.id(),
        Kind::List => ConfigKind::List.id(),
    }
}

fn told(request: &DescribeConfigsRequest, one: &Described) -> DescribeConfigsResourceResult {
    let config = &one.config;
    let synonyms = config.synonyms.iter().filter(|_| request.include_synonyms);
    DescribeConfigsResourceResult {
        name: config.name.clone(),
        value: config.value.clone(),
        read_only: one.read_only,
        config_source: config.source.id(),
        synonyms: synonyms
            .map(|synonym| DescribeConfigsSynonym {
                name: synonym.name.clone(),
                value: Some(synonym.value.clone()),
                source: synonym.source.id(),
                ..Default::default()
            })
            .collect(),
        config_type: one.kind,
        documentation: request.include_documentation.then(|| config.doc.to_owned()),
        ..Default::default()
    }
}

/// Kafka sends an empty message, not none, where there is nothing to say.
fn result(
    resource: &DescribeConfigsResource,
    outcome: Result<Vec<DescribeConfigsResourceResult>, Refused>,
) -> DescribeConfigsResult {
    let (code, message, configs) = match outcome {
        Ok(configs) => (ErrorCode::None, String::new(), configs),
        Err((code, message)) => (code, message, Vec::new()),
    };
    DescribeConfigsResult {
        error_code: code.code(),
        error_message: Some(message),
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        configs,
        ..Default::default()
    }
}
