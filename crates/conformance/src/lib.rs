//! Drives real processes: garbage, kill rounds, comparison with Apache Kafka.
