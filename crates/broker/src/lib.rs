//! A Kafka-compatible broker in one process: it starts in milliseconds, keeps its data, and
//! keeps exactly-once's promises.
//!
//! ```no_run
//! # fn main() -> Result<(), once_broker::StartError> {
//! let broker = once_broker::Broker::builder().ephemeral().start()?;
//! println!("bootstrap.servers={}", broker.address());
//! // … any Kafka client …
//! drop(broker); // or broker.shutdown().await
//! # Ok(())
//! # }
//! ```
//!
//! [`engine`] decides everything and touches nothing; the private `shell` owns sockets, threads,
//! and the clock; [`storage`] has the parts of it that touch files and that a simulator can run too;
//! `api` has one file per API and the table of all of them.

mod api;
mod broker;
pub mod config;
pub mod engine;
#[doc(hidden)]
pub mod mutant;
mod shell;
pub mod storage;

pub use broker::{Broker, BrokerBuilder, StartError};
pub use config::FlushPolicy;
