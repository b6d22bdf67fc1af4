//! Exactly-once on Kafka: the client, and behind a feature the embedded broker.
