//! The engine's hands on the disk, without threads, clocks or sockets: what the shell runs on log
//! threads and the simulator runs from its queue is the same code over another
//! [`Disk`](once_log::store::Disk).
//!
//! [`recover()`] turns a data directory into an engine; [`Places`] knows where each log's files
//! are and which writer owns them; a [`Writer`] carries out groups of work and flushes them; a
//! [`Cleaning`] compacts a log beside it; [`scrub()`] reads one to see whether it still can be read.

mod batches;
mod cleaner;
mod journal;
mod places;
mod points;
mod recovery;
mod scrub;
mod sorted;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(test)]
pub(crate) use batches::FileBatches;
pub use cleaner::{Begun, Cleaning, Swapped};
pub use journal::{JournalLimits, Journaling};
pub use places::Places;
pub use points::{Checkpoints, Kept, Offsets, Points, mark_clean};
pub use recovery::{Recovery, recover};
pub use scrub::scrub;
pub use writer::{Debts, Owner, StorageError, Work, Writer, settle};
