//! The judge: reads what clients of Kafka did and saw, and finds where that cannot have been
//! exactly-once.
//!
//! It depends on nothing of ours, so that it cannot share our mistakes. `docs/history.md` describes
//! the format, and every anomaly with its definition and source.

pub mod history;

pub use history::History;
