//! The world: sockets, threads, files, the clock. No decision is made here.

pub(crate) mod budget;
pub(crate) mod checks;
pub(crate) mod clock;
pub(crate) mod connection;
pub(crate) mod disk;
pub(crate) mod driver;
pub(crate) mod files;
pub(crate) mod listener;
mod panic;
pub(crate) mod start;
