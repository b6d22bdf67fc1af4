//! A load whose clients write down what they do and see, as `once-check` reads it.
//!
//! Idempotent senders, transactional producers that commit, abort and die, consume-process-produce
//! in a group, and readers of both isolations, on any [`Engine`](once_client::Engine), against any
//! cluster, whatever happens to it meanwhile. When it is over, [`drain`] reads everything back. The
//! judge then looks at the history alone; `docs/history.md` says what it knows.
//!
//! The one rule: an invocation is written before its request may leave, a completion after its
//! answer came, and what a client is not sure of is `info`.

mod arguments;
mod chance;
mod drain;
mod group;
mod load;
mod merge;
mod payload;
mod processor;
mod reader;
mod recorder;
mod sender;
mod transactor;

pub use chance::Chance;
pub use drain::drain;
pub use load::{Load, LoadOptions, Topics};
pub use merge::merge;
pub use recorder::{Counts, Recorder, Witness};
