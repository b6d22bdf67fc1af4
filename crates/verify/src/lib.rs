//! Live workloads, faults, the fault proxy and the demo, against any Kafka address.
