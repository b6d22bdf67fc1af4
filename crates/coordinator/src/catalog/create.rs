//! CreateTopics (Kafka: `ReplicationControlManager.createTopics`).

use std::collections::{BTreeMap, BTreeSet};

use once_wire::ErrorCode;

use super::command::{Assignment, CreatedTopic, Event, NewTopic, Refusal};
use super::machine::Catalog;
use super::name::{CLUSTER_METADATA, collision_key, why_invalid_topic_name};
use super::once_each::once_each;
use super::state::{Partition, Resource};

/// The most partitions that one request may make (Kafka: `MAX_PARTITIONS_PER_BATCH`), so that
/// its records fit one batch.
pub(super) const MAX_PARTITIONS: usize = 10_000;

type Created = (String, Result<CreatedTopic, Refusal>);

impl Catalog {
    pub(super) fn create_topics(&self, topics: &[NewTopic]) -> (Vec<Event>, Vec<Created>) {
        let mut events = Vec::new();
        let mut results = Vec::new();
        let mut room = MAX_PARTITIONS;
        let mut accepted = BTreeSet::new();
        for (topic, twice) in once_each(topics, |topic| &topic.name) {
            let result = if twice {
                Err(Refusal::new(
                    ErrorCode::InvalidRequest,
                    "Duplicate topic name.",
                ))
            } else {
                self.create_topic(topic, &accepted, &mut room)
            };
            let result = result.map(|(made, created)| {
                events.extend(made);
                accepted.extend(collision_key(&topic.name));
                created
            });
            results.push((topic.name.clone(), result));
        }
        (events, results)
    }

    fn create_topic(
        &self,
        topic: &NewTopic,
        accepted: &BTreeSet<String>,
        room: &mut usize,
    ) -> Result<(Vec<Event>, CreatedTopic), Refusal> {
        self.free_name(topic, accepted)?;
        let configs = self.wanted_configs(topic)?;
        let partitions = if topic.assignments.is_empty() {
            self.chosen_places(topic, *room)?
        } else {
            self.manual_places(topic)?
        };
        *room = room.checked_sub(partitions.len()).ok_or_else(too_many)?;
        let created = CreatedTopic {
            id: topic.id,
            partitions: i32::try_from(partitions.len()).expect("at most 10,000 partitions"),
            replication_factor: 1,
            wished_replication_factor: self.wished_replicas(topic),
            configs: self.created_topic_configs(&configs),
        };
        let resource = Resource::topic(topic.name.clone());
        let mut events = vec![Event::TopicCreated {
            name: topic.name.clone(),
            id: topic.id,
        }];
        events.extend(
            configs
                .into_iter()
                .map(|(key, value)| Event::ConfigChanged {
                    resource: resource.clone(),
                    key,
                    value: Some(value),
                }),
        );
        events.extend(
            (0..)
                .zip(partitions)
                .map(|(index, partition)| Event::PartitionCreated {
                    topic: topic.id,
                    index,
                    partition,
                }),
        );
        Ok((events, created))
    }

    fn free_name(&self, topic: &NewTopic, accepted: &BTreeSet<String>) -> Result<(), Refusal> {
        let name = topic.name.as_str();
        if name == CLUSTER_METADATA {
            let message = format!("Creation of internal topic {CLUSTER_METADATA} is prohibited.");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        if let Some(reason) = why_invalid_topic_name(name) {
            return Err(Refusal::new(ErrorCode::InvalidTopicException, reason));
        }
        if self.topics.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(Refusal::new(ErrorCode::TopicAlreadyExists, message));
        }
        let Some(key) = collision_key(name).filter(|_| !topic.is_internal) else {
            return Ok(());
        };
        let existing = self.collisions.get(&key).and_then(BTreeSet::first);
        let twin = existing.or_else(|| accepted.get(&key));
        let Some(twin) = twin else { return Ok(()) };
        let message = format!("Topic '{name}' collides with existing topic: {twin}");
        Err(Refusal::new(ErrorCode::InvalidTopicException, message))
    }

    fn wanted_configs(&self, topic: &NewTopic) -> Result<BTreeMap<String, String>, Refusal> {
        let null = topic.configs.iter().filter(|(_, value)| value.is_none());
        let null: Vec<&str> = null.map(|(key, _)| key.as_str()).collect();
        if !null.is_empty() {
            let keys = null.join(",");
            let message = format!("Null value not supported for topic configs: {keys}");
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        }
        let set = topic.configs.iter().cloned();
        let configs = set
            .filter_map(|(key, value)| value.map(|value| (key, value)))
            .collect();
        if topic.is_internal {
            Self::validate_each(&configs)?;
        } else {
            self.validate_topic_configs(&configs)?;
        }
        Ok(configs)
    }

    fn wished_replicas(&self, topic: &NewTopic) -> i16 {
        let manual = topic
            .assignments
            .first()
            .map(|assignment| assignment.nodes.len());
        match (manual, topic.replication_factor) {
            (Some(nodes), _) => i16::try_from(nodes).unwrap_or(i16::MAX),
            (None, -1) => self.config.default_replication_factor,
            (None, factor) => factor,
        }
    }

    /// Places for as many partitions as are wished for, spread over the nodes.
    fn chosen_places(&self, topic: &NewTopic, room: usize) -> Result<Vec<Partition>, Refusal> {
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            return Err(Refusal::new(
                ErrorCode::InvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            ));
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            return Err(Refusal::new(
                ErrorCode::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            ));
        }
        let count = if topic.partitions == -1 {
            self.config.num_partitions
        } else {
            topic.partitions
        };
        let count = usize::try_from(count).map_err(|_| too_many())?;
        if count > room {
            return Err(too_many());
        }
        Ok((0..count)
            .map(|index| self.partition_on(self.place(index)))
            .collect())
    }

    /// A new partition on a node.
    pub(super) fn partition_on(&self, node: i32) -> Partition {
        Partition::on(node, self.config.directories.get(&node).copied())
    }

    /// The node of a partition that may be anywhere.
    pub(super) fn place(&self, index: usize) -> i32 {
        self.config.nodes[index % self.config.nodes.len()]
    }

    fn manual_places(&self, topic: &NewTopic) -> Result<Vec<Partition>, Refusal> {
        for (set, what) in [
            (topic.replication_factor != -1, "replication factor"),
            (topic.partitions != -1, "numPartitions"),
        ] {
            if set {
                let message = format!(
                    "A manual partition assignment was specified, but {what} was not set to -1."
                );
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
        }
        let mut places = BTreeMap::new();
        let mut replicas = None;
        for Assignment { partition, nodes } in &topic.assignments {
            if places.contains_key(partition) {
                return Err(invalid_assignment(format!(
                    "Found multiple manual partition assignments for partition {partition}"
                )));
            }
            let place = self.manual_place(nodes, replicas)?;
            replicas = Some(nodes.len());
            places.insert(*partition, place);
        }
        if !places.keys().copied().eq((0..).take(places.len())) {
            return Err(invalid_assignment(
                "partitions should be a consecutive 0-based integer sequence",
            ));
        }
        Ok(places.into_values().collect())
    }

    /// A partition on the first of `nodes`, which all exist. `replicas` is how many nodes other
    /// partitions of the topic were given.
    pub(super) fn manual_place(
        &self,
        nodes: &[i32],
        replicas: Option<usize>,
    ) -> Result<Partition, Refusal> {
        let Some(first) = nodes.first() else {
            return Err(invalid_assignment(
                "The manual partition assignment includes an empty replica list.",
            ));
        };
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable();
        for (index, node) in sorted.iter().enumerate() {
            if !self.config.nodes.contains(node) {
                return Err(invalid_assignment(format!(
                    "The manual partition assignment includes broker {node}, but no such broker \
                     is registered."
                )));
            }
            if index > 0 && sorted[index - 1] == *node {
                return Err(invalid_assignment(format!(
                    "The manual partition assignment includes the broker {node} more than once."
                )));
            }
        }
        match replicas {
            Some(others) if others != nodes.len() => Err(invalid_assignment(format!(
                "The manual partition assignment includes a partition with {} replica(s), but \
                 this is not consistent with previous partitions, which have {others} replica(s).",
                nodes.len()
            ))),
            _ => Ok(self.partition_on(*first)),
        }
    }
}

/// Refuses an assignment.
pub(super) fn invalid_assignment(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidReplicaAssignment, message)
}

/// Refuses what would not fit one batch.
pub(super) fn too_many() -> Refusal {
    let message = "Excessively large number of partitions per request.";
    Refusal::new(ErrorCode::PolicyViolation, message)
}
