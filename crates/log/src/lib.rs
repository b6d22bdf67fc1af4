//! One Kafka partition: its pure state and, apart from it, its files.
