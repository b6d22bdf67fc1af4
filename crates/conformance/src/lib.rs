//! Drives real processes: garbage, kill rounds, comparison with Apache Kafka.
//!
//! Everything is seen from outside: brokers are processes with an address, a pid and a data
//! directory, and what is claimed of them is read back through sockets, tools and `/proc`.

mod broker;
mod calls;
pub mod compare;
mod error;
pub mod files;
pub mod flushes;
pub mod garbage;
pub mod kills;
mod link;
mod locate;
mod memory;
pub mod restart;
mod rng;
mod tool;
pub mod transcripts;

pub use broker::{BrokerCommand, BrokerProcess};
pub use error::Error;
pub use locate::find_once;
