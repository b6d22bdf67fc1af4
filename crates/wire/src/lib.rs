//! Kafka's wire protocol and record formats: bytes to concepts and back.
