//! What goes wrong with files, in sentences: what happened, to which path, and what to do.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use once_wire::Uuid;
use rustix::io::Errno;

/// Why a range could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadFailure {
    /// The segment is gone: retention took it after the read was planned.
    #[error("the segment {0} no longer exists")]
    Gone(PathBuf),
    /// Compaction has put another file in the place of the segment after the read was planned: to be planned again.
    #[error("the segment {0} was compacted")]
    Moved(PathBuf),
    /// The disk failed.
    #[error("reading {path} failed: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The bytes are not what was written.
    #[error("{path} is damaged at byte {position}: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the batch begins that cannot be read.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReadFailure {
    /// Whether it is no word about the file: the process or the machine has too little of what reading takes.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let ReadFailure::Io { error, .. } = self else {
            return false;
        };
        let short = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
        Errno::from_io_error(error).is_some_and(|errno| short.contains(&errno))
    }

    pub(crate) fn io(path: PathBuf, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            ReadFailure::Gone(path)
        } else {
            ReadFailure::Io {
                path,
                error: Arc::new(error),
            }
        }
    }
}

/// Why a compaction came to nothing. The log is as it was, unless the process has to end.
#[derive(Debug, thiserror::Error)]
pub enum CompactFailure {
    /// A segment cannot be read. Unless that is [passing](ReadFailure::is_passing), no other compaction of the log will do
    /// better until somebody has seen to it.
    #[error("{0}")]
    Read(#[from] ReadFailure),
    /// The new segment would be larger than Kafka's index entries reach.
    #[error("{0} would be larger than 2 GiB")]
    TooLarge(PathBuf),
    /// A new segment cannot be written; there may be room later.
    #[error("a compacted segment cannot be written: {0}")]
    Write(io::Error),
    /// A new segment cannot be flushed: the process has to end.
    #[error("a compacted segment cannot be flushed: {0}")]
    Flush(io::Error),
    /// It was told to give up.
    #[error("it was told to stop")]
    Stopped,
}

/// Why a partition cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The disk failed.
    #[error("opening the partition in {path} failed: {error}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The directory belongs to another topic of the same name.
    #[error(
        "{path} belongs to topic id {found}, but the topic has id {expected}: move the directory away"
    )]
    OtherTopic {
        /// The directory.
        path: PathBuf,
        /// The id in its `partition.metadata`.
        found: Uuid,
        /// The id the topic has.
        expected: Uuid,
    },
    /// Batches are missing that the journal does not hold.
    #[error(
        "the files in {path} end at offset {end}, and the journal goes on at offset {next}: records in between are \
         lost; restore the directory from a copy"
    )]
    Hole {
        /// The directory.
        path: PathBuf,
        /// Where the files end.
        end: i64,
        /// Where the journal goes on.
        next: i64,
    },
    /// A file that is no torn end but damage: cutting it would lose what was acknowledged.
    #[error(
        "{path} is damaged at byte {position}, below what had been flushed: {reason}; restore the file; to go on \
         without the records of its segment and of those after it, delete these and remove the partition's line from \
         recovery-point-offset-checkpoint"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the batch begins that cannot be read.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// All that is there is sound, and it ends too early.
    #[error(
        "the files in {path} end at offset {end}, and had been flushed up to {point}: records are missing; restore the \
         directory from a copy; to go on without them, remove the partition's line from \
         recovery-point-offset-checkpoint"
    )]
    Short {
        /// The directory.
        path: PathBuf,
        /// Where the files end.
        end: i64,
        /// The recovery point.
        point: i64,
    },
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// The disk failed.
    #[error("using the data directory failed at {path}: {error}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data directory {0} is in use by another broker: stop that one, or use another directory"
    )]
    InUse(PathBuf),
    /// It belongs to another node or cluster.
    #[error(
        "the data directory {path} belongs to {field} {found}, not {expected}: use another directory"
    )]
    OtherOwner {
        /// The directory.
        path: PathBuf,
        /// `node.id`.
        field: &'static str,
        /// What `meta.properties` says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A later version of this program, or of Kafka, wrote it.
    #[error(
        "{path} has version {version}, which this program does not know: start the version that wrote this directory"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A checkpoint that is not what was written.
    #[error(
        "{path} is not as it was written: a bit of it has changed, or of {sums}, which says what it holds, or somebody edited \
         it; restore both from a copy, or remove the second to take the first as it is"
    )]
    Changed {
        /// The checkpoint.
        path: PathBuf,
        /// The file that says what it may hold.
        sums: PathBuf,
    },
    /// A file that does not read as what it should be.
    #[error("{path} cannot be understood: {reason}; restore it from a copy, or remove it")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl DirError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| DirError::Io { path, error }
    }
}

impl RecoverError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| RecoverError::Io { path, error }
    }
}

impl From<ReadFailure> for RecoverError {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Gone(path) | ReadFailure::Moved(path) => RecoverError::Io {
                path,
                error: io::ErrorKind::NotFound.into(),
            },
            ReadFailure::Io { path, error } => RecoverError::Io {
                path,
                error: io::Error::new(error.kind(), error.to_string()),
            },
            ReadFailure::Corrupt {
                path,
                position,
                reason,
            } => RecoverError::Damaged {
                path,
                position,
                reason,
            },
        }
    }
}
