//! One test per law of the catalog. What is refused, and how, was seen on Apache Kafka 4.3.1.

mod bytes;
mod configs;
mod described;
mod places;
mod random;
mod topics;

use once_wire::{ErrorCode, Uuid};

use super::*;
use crate::machine::Machine;
use crate::rig::Rig;

/// A catalog under test, with a source of topic ids.
struct Bench {
    rig: Rig<Catalog>,
    next_id: u8,
}

impl Bench {
    fn new() -> Self {
        Self::with(CatalogConfig::default())
    }

    fn with(config: CatalogConfig) -> Self {
        Self {
            rig: Rig::new(Catalog::new(config), Catalog::clone),
            next_id: 0,
        }
    }

    fn run(&mut self, command: &Command) -> Reply {
        let (waiter, mut decision) = self.rig.step(0, command);
        assert_eq!(decision.replies.len(), 1);
        let (to, reply) = decision.replies.remove(0);
        assert_eq!(to, waiter);
        reply
    }

    fn topic(&mut self, name: &str) -> NewTopic {
        self.next_id += 1;
        NewTopic {
            name: name.to_owned(),
            id: Uuid([self.next_id; 16]),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
            is_internal: false,
        }
    }

    fn create(&mut self, topic: NewTopic) -> Result<CreatedTopic, Refusal> {
        let topics = vec![topic];
        let command = Command::CreateTopics {
            topics,
            validate_only: false,
        };
        match self.run(&command) {
            Reply::CreateTopics(mut results) if results.len() == 1 => results.remove(0).1,
            other => panic!("{other:?}"),
        }
    }

    fn create_plain(&mut self, name: &str) -> CreatedTopic {
        let topic = self.topic(name);
        self.create(topic).expect("a plain topic is made")
    }

    fn alter(&mut self, resource: &Resource, changes: Vec<Change>) -> Result<(), Refusal> {
        let resources = vec![Alteration {
            resource: resource.clone(),
            changes,
        }];
        let command = Command::AlterConfigs {
            resources,
            validate_only: false,
        };
        match self.run(&command) {
            Reply::AlterConfigs(mut results) if results.len() == 1 => results.remove(0).1,
            other => panic!("{other:?}"),
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.rig.live
    }
}

fn change(key: &str, operation: Operation, value: &str) -> Change {
    Change {
        key: key.to_owned(),
        operation,
        value: Some(value.to_owned()),
    }
}

fn set(key: &str, value: &str) -> Vec<Change> {
    vec![change(key, Operation::Set, value)]
}

fn refused<T>(code: ErrorCode, message: &str) -> Result<T, Refusal> {
    Err(Refusal::new(code, message))
}

fn all_nodes() -> Resource {
    Resource {
        kind: ResourceKind::Broker,
        name: String::new(),
    }
}
