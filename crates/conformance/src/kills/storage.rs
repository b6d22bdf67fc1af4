//! Storage that fails: what a round does to the broker's disk.

pub(super) mod failing;
pub(super) mod full;
mod shim;
mod volume;

pub(super) use shim::Shim;
pub(super) use volume::Volume;

/// What the broker says when storage ends it (exit code 74).
const LAST_WORDS: &str = "Nothing that was acknowledged is lost";
/// Its exit code then.
const STORAGE_FAILED: i32 = 74;
/// Its exit code when it cannot start.
const NOT_STARTED: i32 = 2;
