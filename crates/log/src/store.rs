//! The files of a partition and of a data directory, in Kafka's formats, reached only through [`Disk`].
//!
//! [`Store`] carries out what [`PartitionLog`](crate::PartitionLog) decided, on whatever thread owns it;
//! [`SegmentReader`] reads ranges back, on any thread; [`recover`] turns files into state after a stop or crash;
//! [`DataDir`] is the directory around the partitions.

mod batches;
mod buffers;
mod checkpoint;
mod compact;
mod debt;
mod dir;
mod disk;
mod error;
mod journal;
mod names;
mod partition;
mod reader;
mod recover;
mod replay;
mod segment;
mod states;
mod sums;

pub use batches::Batches;
pub use buffers::ReadBuffers;
pub use compact::{Compaction, Prepared};
pub use debt::Debt;
pub use dir::{Checkpoint, DataDir, Identity, PartitionDir, SetAside};
pub use disk::{Crash, DirEntry, Disk, FakeDisk, FakeFile, RealDisk};
pub use error::{CompactFailure, DirError, ReadFailure, RecoverError};
pub use journal::{Journal, JournalAppend, JournalBatch, JournalError, JournalScan, JournalSizes};
pub use partition::Store;
pub use reader::{OpenFiles, SegmentReader};
pub use recover::{Opening, recover};
pub use replay::restore;
pub use states::{StateSnapshot, remove_states_above};
