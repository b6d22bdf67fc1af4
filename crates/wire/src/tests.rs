//! Laws that hold for every message: against the notation, against `kafka-protocol`, and against garbage.
//!
//! The vectors come from an interpreter of the notation, not from the generated code, so that a fault in the
//! generator cannot hide from them.

mod allocations;
mod bounds;
mod encoding;
mod every_message;
mod oracle;
#[allow(dead_code, reason = "the build script uses the rest")]
#[path = "../build/schema.rs"]
mod schema;
mod vectors;
