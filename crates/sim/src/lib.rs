//! The production engine over a fake disk and a fake network, driven from one queue: a seed says
//! all that happens, and the same seed gives the same trace to the byte.
//!
//! ```text
//!   clients ──frames──► network ──► Engine::step ──► outputs ──► writers, over FakeDisk
//!      ▲                  │ cuts, delays, lost replies                │ crashes, failed flushes
//!      └──────────────────┴──────── replies ◄── fences ◄── flushed ◄──┘
//! ```
//!
//! [`Plan`] is what a seed draws; [`run()`] plays it. Invariants are looked at while it runs
//! (`invariant/`), and the history of what the clients saw is judged by `once-check` at the end.

mod client;
mod coverage;
mod hand;
mod invariant;
mod judge;
mod minimise;
mod mutant;
mod net;
mod node;
mod plan;
mod queue;
mod random;
mod trace;
mod world;

pub use client::{Isolated, Protocol, Role};
pub use coverage::Coverage;
pub use minimise::{Minimised, minimise};
pub use mutant::Mutant;
pub use plan::{Limits, Plan, Profile};
pub use queue::Micros;
pub use random::Random;
pub use trace::{Keep, Trace};
pub use world::{Outcome, Passed, Watch, run, run_watched};
