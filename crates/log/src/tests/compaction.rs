//! Compacted logs, against a naive reading of everything that was ever written to them.

mod laws;
mod rig;
