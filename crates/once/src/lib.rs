//! Exactly-once on Kafka: what users add to their project.
//!
//! Everything here is re-exported: the client from `once-client`, and, behind the feature
//! `broker`, the embedded broker from `once-broker` for tests.

pub use once_client as client;

#[cfg(feature = "broker")]
pub use once_broker as broker;
