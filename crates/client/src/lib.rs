//! Exactly-once applications on any Kafka cluster.
//!
//! Everything here is said in Kafka's own words and runs on any cluster; nothing knows our
//! broker. The clients proper are an [`Engine`]: three small traits that a Kafka client crate is
//! fitted to. [`Confluent`] is the one engine today.
//!
//! The one invariant: an error says what the caller must do next. [`Error`] has a variant per
//! answer (try again, abort, give way, stop), never one per cause.

mod config;
mod confluent;
mod engine;
mod error;
mod reach;
mod record;
mod topic;

pub use config::{Compression, ConsumerConfig, ProducerConfig};
pub use confluent::{Confluent, ConfluentAdmin, ConfluentConsumer, ConfluentProducer};
pub use engine::{Ack, Admin, Consumer, Engine, Producer};
pub use error::{Cause, Error, Kind};
pub use reach::reach;
pub use record::{Appended, GroupMetadata, Header, NewRecord, Offsets, Record, TopicPartition};
pub use topic::{ConfigValue, Isolation, NewTopic, OffsetSpec, Partition, Topic};
