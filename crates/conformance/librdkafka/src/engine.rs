//! librdkafka behind the door of `once-client`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use once_client::{
    Confluent, ConfluentAdmin, ConsumerConfig, Engine, Error, GroupMetadata, ProducerConfig,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;

use crate::consumer::LibrdkafkaConsumer;
use crate::producer::LibrdkafkaProducer;

/// Makes clients.
#[derive(Clone, Default)]
pub(crate) struct Librdkafka {
    standings: Standings,
    /// Clients so far: each has a name of its own, by which a transcript tells them apart.
    clients: Arc<AtomicU64>,
}

impl Librdkafka {
    fn named(&self, properties: &BTreeMap<String, String>) -> ClientConfig {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        let mut config = raw(properties);
        config.set("client.id", format!("librdkafka-{number}"));
        config
    }
}

/// What consumers are in their groups: librdkafka keeps it behind a pointer, the door speaks of
/// plain data. So the data names the pointer.
#[derive(Clone, Default)]
pub(crate) struct Standings {
    next: Arc<AtomicU64>,
    known: Arc<Mutex<HashMap<String, ConsumerGroupMetadata>>>,
}

impl Standings {
    /// A name that no other consumer has.
    pub(crate) fn fresh(&self) -> String {
        format!("standing-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn put(&self, name: &str, standing: ConsumerGroupMetadata) {
        let known = self.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), standing);
    }

    /// Takes what was put for this consumer last.
    pub(crate) fn take(&self, group: &GroupMetadata) -> Option<ConsumerGroupMetadata> {
        let known = self.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.remove(&group.member_id)
    }
}

impl Engine for Librdkafka {
    // What is judged here is what the other clients do.
    type Admin = ConfluentAdmin;
    type Producer = LibrdkafkaProducer;
    type Consumer = LibrdkafkaConsumer;

    fn admin(&self, bootstrap: &str) -> Result<Self::Admin, Error> {
        Confluent.admin(bootstrap)
    }

    fn producer(&self, config: &ProducerConfig) -> Result<Self::Producer, Error> {
        let mut properties = translated(config.properties());
        if config.transactional_id().is_some() {
            // It must not be longer than the transaction's timeout, from which it then follows.
            properties.remove("delivery.timeout.ms");
        }
        LibrdkafkaProducer::new(&self.named(&properties), self.standings.clone())
    }

    fn consumer(&self, config: &ConsumerConfig) -> Result<Self::Consumer, Error> {
        let mut properties = translated(config.properties());
        let batch = properties.remove("max.poll.records");
        let batch = batch.and_then(|batch| batch.parse().ok()).unwrap_or(500);
        // It assigns nothing without a group's name, used or not.
        let unused = || "nobodys-group".to_owned();
        properties
            .entry("group.id".to_owned())
            .or_insert_with(unused);
        LibrdkafkaConsumer::new(&self.named(&properties), batch, self.standings.clone())
    }
}

/// Kafka's keys as librdkafka names them. It has no `group.protocol=consumer` of the same age, so
/// its groups are classic ones: the other family's are of the newer protocol.
fn translated(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut translated = properties.clone();
    translated.remove("group.protocol");
    if let Some(wait) = translated.remove("fetch.max.wait.ms") {
        translated.insert("fetch.wait.max.ms".to_owned(), wait);
    }
    translated
}

fn raw(properties: &BTreeMap<String, String>) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (key, value) in properties {
        config.set(key, value);
    }
    config
}
