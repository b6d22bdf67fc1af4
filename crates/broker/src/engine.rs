//! The engine owns all of the broker's state and knows nothing of the world.
//!
//! [`Engine::step`] takes an input and the time and returns outputs. There is no clock, socket,
//! thread, file or randomness in here: appends, reads and replies are outputs that the shell
//! carries out, and their completions come back as inputs. The engine that is simulated is this
//! one.
//!
//! ```text
//!  Input::Request ─► Call::start ─► machines, partitions ─► Output::Write ─► log thread
//!                         │                                                     │
//!                         ▼                                                     ▼
//!                    reply + fences ◄── released when flushed ◄── Input::Flushed
//! ```
//!
//! One rule orders everything: nothing leaves before what it rests on is durable. Every reply and
//! effect carries fences, one for each log that was written or read for it ([`fence`]).

mod action;
mod additions;
mod asked;
mod breaks;
mod cleaner;
mod context;
mod core;
mod departures;
mod effects;
mod fence;
mod fetch_sessions;
mod flush;
mod identity;
mod ids;
mod input;
mod inspect;
mod logs;
mod metadata;
mod order;
mod output;
mod replay;
mod retention;
mod session;
mod shard;
mod space;
mod submit;
mod succession;
mod timers;
mod topics;
mod waiting;

#[cfg(test)]
mod tests;

pub use crate::api::BatchRules;
pub use cleaner::NotCompacted;
pub use core::Engine;
pub use identity::{Identity, NodeAddress};
pub use ids::{ConnectionId, LogId, ReadId};
pub(crate) use input::decoded_most;
pub use input::{Input, RequestInput, Seen};
pub use inspect::PartitionView;
pub use output::{Look, Output};
pub use replay::{Batches, RecoveredLog, ReplayError, Replayed};

pub(crate) use context::{Context, fresh_uuid};
pub(crate) use fetch_sessions::{FetchKey, FetchSessions, Remembered, SessionError, Told};
pub(crate) use replay::{METADATA_TOPIC, METADATA_TOPIC_ID, live_topics};
pub(crate) use space::reserve;
pub(crate) use submit::Settled;
