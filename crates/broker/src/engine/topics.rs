//! Topics as logs: what the catalog's events open, change and remove.

use super::action::Action;
use super::core::Engine;
use super::ids::LogId;
use super::logs::Partition;
use super::output::Output;
use super::replay::{METADATA_TOPIC, METADATA_TOPIC_ID};
use super::shard::Shard;
use super::space::Urgency;
use super::timers::Alarm;
use crate::api::BatchRules;
use crate::api::internal::{CONSUMER_OFFSETS, TRANSACTION_STATE, is_internal};
use once_coordinator::catalog::{self, NewTopic, Resource, ResourceKind};
use once_coordinator::group::{self, GroupConfig, Groups, TopicImage, TopicInfo};
use once_coordinator::transaction::{TransactionConfig, Transactions};
use once_log::PartitionLog;
use once_wire::error::ErrorCode;
use once_wire::hash::partition_for;
use once_wire::ids::Uuid;
use std::sync::Arc;

/// Leader and coordinator epoch of everything on a single node: leadership never moves.
pub(super) const LEADER_EPOCH: i32 = 0;

/// Flushed records kept in memory for readers at the end of logs: of all logs together, and the
/// bounds of one log's share.
const TAIL_BYTES: usize = 64 << 20;
const TAIL_LEAST: usize = 16 << 10;
pub(super) const TAIL_MOST: usize = 1 << 20;

impl Engine {
    /// Opens the logs of new partitions, changes and removes others, and tells the groups.
    pub(super) fn follow_catalog(&mut self, events: &[catalog::Event]) {
        let mut topics_changed = false;
        for event in events {
            match event {
                catalog::Event::PartitionCreated { topic, index, .. } => {
                    self.open_log(*topic, *index);
                    topics_changed = true;
                }
                catalog::Event::TopicRemoved { id } => {
                    self.remove_logs(*id);
                    topics_changed = true;
                }
                catalog::Event::ConfigChanged { resource, .. } => self.configure_logs(resource),
                catalog::Event::TopicCreated { .. }
                | catalog::Event::ProducerIdsTaken { .. }
                | catalog::Event::FeatureFinalized { .. } => {}
            }
        }
        if topics_changed {
            self.topics_changed = true;
            self.open_shards();
        }
    }

    /// Tells the groups of new topics: once a step, however many there are.
    pub(super) fn follow_topics(&mut self) {
        if std::mem::take(&mut self.topics_changed) {
            self.share_tail();
            self.tell_groups();
            self.act();
        }
    }

    /// The settings of a topic's logs: its own, else the broker's.
    pub(super) fn log_config(&self, topic: &str) -> once_log::LogConfig {
        let mut config = crate::config::log_config(&self.config, &self.catalog.machine, topic);
        config.tail_bytes = self.tail_share;
        config
    }

    /// What holds for a topic's batches; `None` if there is no such topic.
    #[must_use]
    pub fn batch_rules(&self, topic: &str) -> Option<BatchRules> {
        let log = *self.logs.of_topic(topic).first()?;
        let config = self.logs.get(log)?.log.config();
        Some(BatchRules {
            max_bytes: config.max_message_bytes,
            compression: config.compression,
        })
    }

    /// Whether some topic may have a codec of its own: it had one once since the start.
    #[must_use]
    pub fn recompresses(&self) -> bool {
        self.recompresses
    }

    /// A topic for a client that named one that does not exist.
    pub(super) fn auto_create_topic(&mut self, name: &str, id: Uuid) -> Result<(), ErrorCode> {
        match name {
            TRANSACTION_STATE => self.ensure_transaction_topic(),
            CONSUMER_OFFSETS => self.ensure_offsets_topic(),
            _ if !self.has_room(Urgency::Growth, 0) => return Err(ErrorCode::KafkaStorageError),
            _ => return self.create_topic(name, id, -1, &[]),
        }
        Ok(())
    }

    /// Makes sure that `__transaction_state` exists.
    pub(super) fn ensure_transaction_topic(&mut self) {
        let partitions = self.config.transaction_partitions;
        let segment_bytes = self.config.transaction_segment_bytes;
        self.ensure_internal(TRANSACTION_STATE, partitions, segment_bytes);
    }

    /// Makes sure that `__consumer_offsets` exists.
    pub(super) fn ensure_offsets_topic(&mut self) {
        let partitions = self.config.offsets_partitions;
        let segment_bytes = self.config.offsets_segment_bytes;
        self.ensure_internal(CONSUMER_OFFSETS, partitions, segment_bytes);
    }

    /// The shard that owns a transactional id. The topic comes into being with its first use.
    pub(super) fn transaction_shard(&mut self, transactional_id: &str) -> usize {
        self.ensure_transaction_topic();
        shard_for(transactional_id, self.transactions.len())
    }

    /// The shard that owns a group. Who asks for the first of all is assigned what topics there are.
    pub(super) fn group_shard(&mut self, group_id: &str) -> usize {
        let known = self.groups.len();
        self.ensure_offsets_topic();
        if self.groups.len() > known {
            self.tell_groups();
        }
        shard_for(group_id, self.groups.len())
    }

    fn ensure_internal(&mut self, name: &str, partitions: i32, segment_bytes: i32) {
        if self.catalog.machine.topic(name).is_some() {
            return;
        }
        let id = self.fresh_uuid();
        // Topics of clients may not have segments so small.
        let key = if segment_bytes < 1 << 20 {
            "internal.segment.bytes"
        } else {
            "segment.bytes"
        };
        let segment_bytes = segment_bytes.to_string();
        let configs = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            (key, &segment_bytes),
        ];
        self.create_topic(name, id, partitions, &configs)
            .expect("an internal topic's name and settings are valid");
    }

    fn create_topic(
        &mut self,
        name: &str,
        id: Uuid,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<(), ErrorCode> {
        let configs = configs.iter();
        let configs = configs.map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())));
        let topic = NewTopic {
            name: name.to_owned(),
            id,
            partitions,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: configs.collect(),
            is_internal: is_internal(name),
        };
        let command = catalog::Command::CreateTopics {
            topics: vec![topic],
            validate_only: false,
        };
        let nobody = self.fresh_waiter();
        match self.run_catalog(nobody, &command) {
            Some(catalog::Reply::CreateTopics(mut results)) => match results.pop() {
                Some((_, Err(refusal))) => Err(refusal.code),
                Some((_, Ok(_))) | None => Ok(()),
            },
            _ => Err(ErrorCode::UnknownServerError),
        }
    }

    /// An identity for something that no request brings one for.
    fn fresh_uuid(&mut self) -> Uuid {
        self.uuids_made += 1;
        super::context::fresh_uuid(self.entropy, self.uuids_made)
    }

    pub(super) fn fresh_log(&mut self) -> LogId {
        self.next_log += 1;
        LogId(self.next_log)
    }

    /// The log of the catalog, on the first start.
    pub(super) fn open_metadata(&mut self) {
        self.outputs.push(Output::Open {
            log: LogId::METADATA,
            topic: METADATA_TOPIC.to_owned(),
            topic_id: METADATA_TOPIC_ID,
            partition: 0,
        });
    }

    pub(super) fn open_log(&mut self, topic_id: Uuid, index: i32) {
        let Some(topic) = self.catalog.machine.topic_by_id(topic_id) else {
            return;
        };
        let name = topic.name.clone();
        let id = self.fresh_log();
        self.succession.comes(id, &name);
        let config = self.log_config(&name);
        self.recompresses |= config.compression.is_some();
        let log = PartitionLog::new(config, LEADER_EPOCH);
        self.logs.insert(
            id,
            Partition {
                topic: name.clone(),
                topic_id,
                index,
                log,
            },
        );
        self.outputs.push(Output::Open {
            log: id,
            topic: name,
            topic_id,
            partition: index,
        });
    }

    fn remove_logs(&mut self, topic_id: Uuid) {
        let fence = self.end_of(self.catalog.log);
        for (log, topic) in self.logs.remove_topic(topic_id) {
            self.succession.leaves(log, topic);
            self.forget_cleaning(log);
            self.wake_watchers(log);
            self.hold(&[fence], Action::Remove(log));
        }
    }

    /// A topic's deletion is durable: its files go, and who waits for its name goes on.
    pub(super) fn remove_files(&mut self, log: LogId) {
        let before = std::mem::take(&mut self.outputs);
        self.outputs = self.succession.keep_back(before);
        self.outputs.push(Output::Remove { log });
        self.log_is_gone(log);
        let after = self.succession.gone(log);
        self.outputs.extend(after);
    }

    fn configure_logs(&mut self, resource: &Resource) {
        let names: Vec<String> = if resource.kind == ResourceKind::Topic {
            vec![resource.name.clone()]
        } else {
            self.catalog
                .machine
                .topics()
                .map(|topic| topic.name.clone())
                .collect()
        };
        for name in names {
            let config = self.log_config(&name);
            self.recompresses |= config.compression.is_some();
            for log in self.logs.of_topic(&name) {
                if let Some(partition) = self.logs.get_mut(log) {
                    partition.log.set_config(config.clone());
                }
            }
        }
    }

    /// A machine for each partition of the internal topics.
    pub(super) fn open_shards(&mut self) {
        for log in self
            .logs
            .of_topic(TRANSACTION_STATE)
            .into_iter()
            .skip(self.transactions.len())
        {
            let machine = Transactions::new(self.transaction_config(), LEADER_EPOCH);
            self.transactions.push(Shard { machine, log });
        }
        let config = Arc::new(self.group_config());
        for log in self
            .logs
            .of_topic(CONSUMER_OFFSETS)
            .into_iter()
            .skip(self.groups.len())
        {
            let machine = Groups::new(Arc::clone(&config));
            self.groups.push(Shard { machine, log });
        }
    }

    /// Keeps the recent records of all logs together within a bound. The share of one changes by
    /// powers of two, so that logs are seldom told anew.
    pub(super) fn share_tail(&mut self) {
        let logs = self.logs.iter().count().max(1);
        let share = (TAIL_BYTES / logs).max(1).ilog2();
        let share = (1 << share).clamp(TAIL_LEAST, TAIL_MOST);
        if share == self.tail_share {
            return;
        }
        self.tail_share = share;
        for (_, partition) in self.logs.iter_mut() {
            let mut config = partition.log.config().clone();
            config.tail_bytes = share;
            partition.log.set_config(config);
        }
    }

    /// Tells the groups which topics there are.
    pub(super) fn tell_groups(&mut self) {
        if self.groups.is_empty() {
            return;
        }
        let topics = self.catalog.machine.topics().map(|topic| {
            let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
            (
                topic.name.clone(),
                TopicInfo {
                    id: topic.id,
                    partitions,
                },
            )
        });
        let image = Arc::new(TopicImage::new(topics));
        for shard in 0..self.groups.len() {
            let nobody = self.fresh_waiter();
            self.run_groups(shard, nobody, &group::Command::Topics(Arc::clone(&image)));
        }
    }

    fn transaction_config(&self) -> TransactionConfig {
        TransactionConfig {
            max_timeout_ms: self.config.transaction_max_timeout_ms,
            id_expiration_ms: self.config.transactional_id_expiration_ms,
            park_ms: self.config.transaction_park_ms,
            ..TransactionConfig::default()
        }
    }

    fn group_config(&self) -> GroupConfig {
        GroupConfig {
            min_session_timeout_ms: self.config.group_min_session_timeout_ms,
            max_session_timeout_ms: self.config.group_max_session_timeout_ms,
            initial_rebalance_delay_ms: self.config.group_initial_rebalance_delay_ms,
            max_size: usize::try_from(self.config.group_max_size).unwrap_or(usize::MAX),
            offset_metadata_max_bytes: usize::try_from(self.config.offset_metadata_max_bytes)
                .unwrap_or(usize::MAX),
            offsets_retention_ms: i64::from(self.config.offsets_retention_minutes) * 60_000,
            consumer_session_timeout_ms: self.config.group_consumer_session_timeout_ms,
            consumer_heartbeat_interval_ms: self.config.group_consumer_heartbeat_interval_ms,
            ..GroupConfig::default()
        }
    }

    /// Sets the next look for idle producers.
    pub(super) fn schedule_producer_expiry(&mut self) {
        /// Kafka's `producer.id.expiration.check.interval.ms`.
        const EVERY_MS: i64 = 600_000;
        self.timers
            .set(Alarm::ExpireProducers, Some(self.now + EVERY_MS));
    }

    /// A producer id that nobody had before; `None` until a block of them is durable.
    pub(super) fn take_producer_id(&mut self) -> Option<i64> {
        let id = self.producer_ids.take();
        if self.producer_ids.wants_block() && !self.producer_ids_ordered {
            self.order_producer_ids();
        }
        id
    }

    /// Asks the catalog for a block of producer ids. It is used once it is durable: an id from a
    /// block that a crash forgets would be given to somebody else again, and two transactional
    /// ids would share one producer.
    pub(super) fn order_producer_ids(&mut self) {
        self.producer_ids_ordered = true;
        let nobody = self.fresh_waiter();
        let reply = self.run_catalog(nobody, &catalog::Command::AllocateProducerIds);
        if let Some(catalog::Reply::ProducerIds(block)) = reply {
            let fence = self.end_of(self.catalog.log);
            self.hold(&[fence], Action::Refill(block));
        }
    }

    /// A block of producer ids is durable.
    pub(super) fn refill_producer_ids(&mut self, block: std::ops::Range<i64>) {
        self.producer_ids_ordered = false;
        self.producer_ids.refill(block);
    }
}

fn shard_for(key: &str, shards: usize) -> usize {
    let shards = i32::try_from(shards).expect("partitions are counted in i32");
    usize::try_from(partition_for(key, shards)).expect("a partition is not negative")
}
