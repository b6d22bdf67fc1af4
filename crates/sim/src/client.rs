//! Model clients: each is a task that speaks the protocol through its [`Port`], and writes down
//! what it asked and saw.

mod admin;
mod committer;
mod flight;
mod member;
mod observer;
mod offsets;
mod port;
mod processor;
mod producer;
mod reader;
mod records;
mod role;
mod session;
mod setup;
mod transactor;
mod trimmer;

pub use member::Protocol;
pub(crate) use port::{Act, Delivery, Port};
pub(crate) use reader::{Rotten, drain, read_rotten};
pub(crate) use role::Task;
pub use role::{Isolated, Role};

/// The topics that all clients use.
pub(crate) const TOPICS: [&str; 3] = ["input", "output", KEYED];
/// The one that is compacted.
pub(crate) const KEYED: &str = "keyed";
