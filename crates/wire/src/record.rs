//! The payloads of Kafka's internal topics: `__transaction_state` ([`transaction_log`]),
//! `__consumer_offsets` ([`group`]) and `__cluster_metadata` ([`metadata`]). Generated from `schema/`.
#![allow(
    clippy::all,
    clippy::too_many_lines,
    unused_imports,
    reason = "generated; the generator is what is reviewed"
)]

include!(concat!(env!("OUT_DIR"), "/record.rs"));
