//! The engine on the `confluent-kafka` crate: Kafka ≥ 4.0, groups by KIP-848 only.
//!
//! Its own names clash with ours and with each other (an inherent `send` shadows the trait's), so
//! nothing of it is imported by glob, and nothing of it leaves this folder.

mod admin;
mod consumer;
mod error;
mod producer;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::{ConsumerConfig, ProducerConfig};
use crate::engine::Engine;
use crate::error::Error;

pub use admin::ConfluentAdmin;
pub use consumer::ConfluentConsumer;
pub use producer::ConfluentProducer;

/// The engine on the `confluent-kafka` crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Confluent;

impl Engine for Confluent {
    type Admin = ConfluentAdmin;
    type Producer = ConfluentProducer;
    type Consumer = ConfluentConsumer;

    fn admin(&self, bootstrap: &str) -> Result<ConfluentAdmin, Error> {
        ConfluentAdmin::new(bootstrap)
    }

    fn producer(&self, config: &ProducerConfig) -> Result<ConfluentProducer, Error> {
        ConfluentProducer::new(config)
    }

    fn consumer(&self, config: &ConsumerConfig) -> Result<ConfluentConsumer, Error> {
        ConfluentConsumer::new(config)
    }
}

/// The properties in the crate's own form, if it knows every key. It accepts unknown keys in
/// silence, so a misspelt `transactional.id` would produce without transactions.
fn known_properties(
    doing: &str,
    properties: &BTreeMap<String, String>,
    known: &HashSet<String>,
) -> Result<HashMap<String, String>, Error> {
    match properties.keys().find(|key| !known.contains(*key)) {
        Some(key) => Err(Error::config(doing, format!("no setting is called {key}"))),
        None => Ok(properties
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[tokio::test]
    async fn a_misspelt_setting_is_refused_instead_of_ignored() {
        let config = ProducerConfig::new("127.0.0.1:1").set("transactionalid", "x");
        let error = Confluent.producer(&config).err().expect("refused");
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(
            error.to_string(),
            "make a producer: no setting is called transactionalid"
        );
        let config = ConsumerConfig::new("127.0.0.1:1").set("group", "g");
        assert_eq!(
            Confluent.consumer(&config).err().expect("refused").kind(),
            Kind::Config
        );
    }

    #[tokio::test]
    async fn our_own_settings_are_all_known_to_the_engine() {
        let producer = ProducerConfig::new("127.0.0.1:1")
            .transactional("t")
            .compression(crate::Compression::Zstd)
            .transaction_timeout(std::time::Duration::from_secs(1));
        Confluent.producer(&producer).expect("a producer");
        let plain = ProducerConfig::new("127.0.0.1:1").without_idempotence();
        Confluent.producer(&plain).expect("a producer");
        let consumer = ConsumerConfig::new("127.0.0.1:1")
            .group("g")
            .isolation(crate::Isolation::ReadCommitted);
        Confluent.consumer(&consumer).expect("a consumer");
        Confluent.admin("127.0.0.1:1").expect("an admin");
    }
}
