//! Compacted logs, against a naive reading of everything that was ever written to them.

mod files;
mod laws;
mod rig;
