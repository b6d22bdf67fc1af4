//! Live workloads, faults, the fault proxy and the demo, against any Kafka address.
//!
//! A black box: all it knows of a cluster is what a client learns of it. Everything it claims is
//! counted from what a separate reader finds in the log, never from what a writer was told.

pub mod cpp;
pub mod demo;
mod error;
pub mod proxy;
mod reader;
pub mod witness;

pub use error::Error;
pub use reader::Reader;
