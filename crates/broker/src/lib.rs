//! The Kafka-compatible broker: engine, one file per API, async shell.
