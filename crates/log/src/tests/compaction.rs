//! Compacted logs, against a naive reading of everything that was ever written to them.

mod aborted;
mod files;
mod laws;
mod offsets;
mod rig;
