//! Pure machines: the catalog of topics, transactions, and consumer groups.
//!
//! Each machine decides without mutating and is mutated only by applying an event, live and in
//! recovery ([`machine`] has the shape and its laws). Nothing here knows of logs, sockets, clocks
//! or randomness: time and fresh identities arrive in commands, and what must be written leaves
//! as events and effects.

pub mod catalog;
pub mod group;
pub mod ids;
pub mod machine;
pub mod producer_id;
#[cfg(test)]
mod rig;
pub mod transaction;
