//! The machine: its state, which file decides what, and the only code that changes it.

use std::collections::{BTreeMap, BTreeSet};

use once_wire::Uuid;

use super::codec;
use super::command::{Command, Event, Reply};
use super::features::{Feature, SUPPORTED_FEATURES};
use super::name::collision_key;
use super::state::{Partition, Resource, ResourceKind, Topic};
use crate::machine::{
    DamagedRecord, Decision, LogRecord, Machine, Millis, ProducerIdentity, Waiter,
};
use crate::producer_id;

/// What the operator set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CatalogConfig {
    /// The nodes that partitions are spread over. At least one.
    pub nodes: Vec<i32>,
    /// The log directory of each node, as far as known.
    pub directories: BTreeMap<i32, Uuid>,
    /// `num.partitions`: how many a topic gets that does not say.
    pub num_partitions: i32,
    /// `default.replication.factor`: what is wished for a topic that does not say.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// Broker settings that the operator made, by Kafka's key: defaults of topic settings come
    /// from them (`message.max.bytes`, `log.retention.hours`, …). Keys that concern no topic do
    /// no harm.
    pub broker: BTreeMap<String, String>,
}

impl Default for CatalogConfig {
    /// Kafka's defaults on one node, number 1.
    fn default() -> Self {
        Self {
            nodes: vec![1],
            directories: BTreeMap::new(),
            num_partitions: 1,
            default_replication_factor: 1,
            delete_topic_enable: true,
            broker: BTreeMap::new(),
        }
    }
}

/// The catalog.
#[derive(Clone, PartialEq, Debug)]
pub struct Catalog {
    pub(super) config: CatalogConfig,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) names: BTreeMap<Uuid, String>,
    /// Names that have a '.' or '_', by what they have in common when the two are not told apart.
    pub(super) collisions: BTreeMap<String, BTreeSet<String>>,
    pub(super) configs: BTreeMap<Resource, BTreeMap<String, String>>,
    pub(super) features: BTreeMap<String, i16>,
    pub(super) next_producer_id: i64,
}

impl Catalog {
    /// A catalog with nothing in it.
    ///
    /// # Panics
    /// `config` names no node.
    #[must_use]
    pub fn new(config: CatalogConfig) -> Self {
        assert!(!config.nodes.is_empty(), "a cluster has a node");
        Self {
            config,
            topics: BTreeMap::new(),
            names: BTreeMap::new(),
            collisions: BTreeMap::new(),
            configs: BTreeMap::new(),
            features: BTreeMap::new(),
            next_producer_id: 0,
        }
    }

    /// The first producer id that is in no block yet.
    #[must_use]
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Topic> {
        self.topics.values()
    }

    /// The topic of a name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// The topic of an id.
    #[must_use]
    pub fn topic_by_id(&self, id: Uuid) -> Option<&Topic> {
        self.names.get(&id).and_then(|name| self.topics.get(name))
    }

    /// Where a partition lives, if it exists.
    #[must_use]
    pub fn partition(&self, topic: &str, index: i32) -> Option<&Partition> {
        self.topic(topic)
            .and_then(|topic| topic.partitions.get(&index))
    }

    /// The settings that were made for a resource, defaults left out.
    #[must_use]
    pub fn overrides(&self, resource: &Resource) -> Option<&BTreeMap<String, String>> {
        self.configs.get(resource)
    }

    /// What ApiVersions tells of features.
    #[must_use]
    pub fn features(&self) -> Vec<Feature> {
        let finalized = |name| self.features.get(name).copied().unwrap_or(0);
        SUPPORTED_FEATURES
            .iter()
            .map(|supported| Feature {
                name: supported.name,
                min: supported.min,
                max: supported.max,
                finalized: finalized(supported.name),
            })
            .collect()
    }

    /// Events that make an empty catalog equal to this one: what a snapshot holds, as the log's
    /// records have no keys and cannot be compacted.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Event> {
        let features = self
            .features
            .iter()
            .map(|(name, level)| Event::FeatureFinalized {
                name: name.clone(),
                level: *level,
            });
        let mut events: Vec<Event> = features.collect();
        for topic in self.topics.values() {
            let (name, id) = (topic.name.clone(), topic.id);
            events.push(Event::TopicCreated { name, id });
            events.extend(topic.partitions.iter().map(|(index, partition)| {
                let partition = partition.clone();
                Event::PartitionCreated {
                    topic: id,
                    index: *index,
                    partition,
                }
            }));
        }
        for (resource, configs) in &self.configs {
            events.extend(configs.iter().map(|(key, value)| Event::ConfigChanged {
                resource: resource.clone(),
                key: key.clone(),
                value: Some(value.clone()),
            }));
        }
        if self.next_producer_id > 0 {
            let (node, next) = (self.config.nodes[0], self.next_producer_id);
            events.push(Event::ProducerIdsTaken { node, next });
        }
        events
    }

    fn create(&mut self, name: &str, id: Uuid) {
        if let Some(key) = collision_key(name) {
            self.collisions
                .entry(key)
                .or_default()
                .insert(name.to_owned());
        }
        let topic = Topic {
            name: name.to_owned(),
            id,
            partitions: BTreeMap::new(),
        };
        let before = self.topics.insert(name.to_owned(), topic);
        assert!(before.is_none(), "a topic is made where none is: {name}");
        self.names.insert(id, name.to_owned());
    }

    fn remove(&mut self, id: Uuid) {
        let name = self
            .names
            .remove(&id)
            .expect("a topic that is removed exists");
        self.topics.remove(&name);
        self.configs.remove(&Resource::topic(name.clone()));
        let Some(key) = collision_key(&name) else {
            return;
        };
        if let Some(names) = self.collisions.get_mut(&key) {
            names.remove(&name);
            if names.is_empty() {
                self.collisions.remove(&key);
            }
        }
    }

    fn change_config(&mut self, resource: &Resource, key: &str, value: Option<&String>) {
        let configs = self.configs.entry(resource.clone()).or_default();
        match value {
            Some(value) => configs.insert(key.to_owned(), value.clone()),
            None => configs.remove(key),
        };
        if configs.is_empty() {
            self.configs.remove(resource);
        }
    }

    /// Whether a resource exists, so that it may have settings.
    pub(super) fn exists(&self, resource: &Resource) -> bool {
        match resource.kind {
            ResourceKind::Topic => self.topics.contains_key(&resource.name),
            ResourceKind::Broker => {
                let node = resource.name.parse().ok();
                resource.name.is_empty() || node.is_some_and(|id| self.config.nodes.contains(&id))
            }
            ResourceKind::BrokerLogger | ResourceKind::ClientMetrics | ResourceKind::Group => false,
        }
    }
}

impl Machine for Catalog {
    type Command = Command;
    type Event = Event;
    type Reply = Reply;
    type Effect = std::convert::Infallible;

    fn decide(&self, _now: Millis, waiter: Waiter, command: &Command) -> Decision<Self> {
        let (events, reply) = match command {
            Command::Bootstrap => (self.bootstrap(), Reply::Bootstrap),
            Command::CreateTopics {
                topics,
                validate_only,
            } => {
                let (events, results) = self.create_topics(topics);
                (unless(*validate_only, events), Reply::CreateTopics(results))
            }
            Command::DeleteTopics { topics } => {
                let (events, results) = self.delete_topics(topics);
                (events, Reply::DeleteTopics(results))
            }
            Command::CreatePartitions {
                topics,
                validate_only,
            } => {
                let (events, results) = self.create_partitions(topics);
                (
                    unless(*validate_only, events),
                    Reply::CreatePartitions(results),
                )
            }
            Command::AlterConfigs {
                resources,
                validate_only,
            } => {
                let (events, results) = self.alter_configs(resources);
                (unless(*validate_only, events), Reply::AlterConfigs(results))
            }
            Command::AllocateProducerIds => {
                let block = producer_id::block_from(self.next_producer_id);
                let node = self.config.nodes[0];
                let taken = Event::ProducerIdsTaken {
                    node,
                    next: block.end,
                };
                (vec![taken], Reply::ProducerIds(block))
            }
        };
        Decision {
            events,
            replies: vec![(waiter, reply)],
            effects: Vec::new(),
        }
    }

    fn apply(&mut self, _offset: i64, event: &Event) {
        match event {
            Event::TopicCreated { name, id } => self.create(name, *id),
            Event::PartitionCreated {
                topic,
                index,
                partition,
            } => {
                let name = self.names.get(topic).expect("a partition's topic exists");
                let topic = self
                    .topics
                    .get_mut(name)
                    .expect("both maps hold the same topics");
                topic.partitions.insert(*index, partition.clone());
            }
            Event::TopicRemoved { id } => self.remove(*id),
            Event::ConfigChanged {
                resource,
                key,
                value,
            } => {
                self.change_config(resource, key, value.as_ref());
            }
            Event::ProducerIdsTaken { next, .. } => {
                assert!(
                    *next >= self.next_producer_id,
                    "producer ids are given once"
                );
                self.next_producer_id = *next;
            }
            Event::FeatureFinalized { name, level } => {
                if *level == 0 {
                    self.features.remove(name);
                } else {
                    self.features.insert(name.clone(), *level);
                }
            }
        }
    }

    fn deadline(&self) -> Option<Millis> {
        None
    }

    fn encode(event: &Event) -> Option<LogRecord> {
        Some(codec::encode(event))
    }

    fn decode(
        record: &LogRecord,
        _producer: Option<ProducerIdentity>,
    ) -> Result<Option<Event>, DamagedRecord> {
        codec::decode(record)
    }
}

fn unless(validate_only: bool, events: Vec<Event>) -> Vec<Event> {
    if validate_only { Vec::new() } else { events }
}
