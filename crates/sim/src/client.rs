//! Model clients: each is a task that speaks the protocol through its [`Port`], and writes down
//! what it asked and saw.

mod flight;
mod port;
mod producer;
mod reader;
mod records;
mod role;
mod setup;

pub(crate) use port::{Act, Delivery, Port};
pub(crate) use reader::drain;
pub use role::Role;
pub(crate) use role::Task;

/// The topics that all clients use.
pub(crate) const TOPICS: [&str; 2] = ["input", "output"];
