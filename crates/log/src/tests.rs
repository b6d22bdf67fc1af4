//! Whole partitions, driven at random through appends, flushes and crashes, against a naive reading of their
//! batches.

mod anew;
mod append;
mod compaction;
mod crash;
mod files;
mod harness;
mod holes;
mod idle;
mod model;
mod reader;
mod retain;
mod state;
mod sums;
mod timestamps;
