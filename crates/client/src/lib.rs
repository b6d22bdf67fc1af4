//! Exactly-once applications on any Kafka cluster.
