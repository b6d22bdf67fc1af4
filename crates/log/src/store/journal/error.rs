//! Why a journal is refused.

use std::io;
use std::path::{Path, PathBuf};

use once_wire::Uuid;

use super::Spare;

/// Why a journal cannot be trusted. Each is a reason not to start.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed.
    #[error("reading the journal failed at {path}: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It was copied here from another data directory.
    #[error(
        "{path} belongs to the data directory with directory.id {found}, not to this one ({expected}): move it back"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: Uuid,
        /// Whose it should be.
        expected: Uuid,
    },
    /// A later version of this program wrote it.
    #[error(
        "{path} has version {version} of the journal's format, which this program does not know: start the version \
         that wrote it, stop it cleanly, and try again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// An entry that was flushed cannot be read.
    #[error(
        "{path} is damaged at byte {position}: {reason}; what was acknowledged may be lost, so restore the data \
         directory from a copy, or move the journal's files away to go on with what the partitions' own files hold"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// What is wrong.
        reason: String,
    },
}

impl JournalError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |error| JournalError::Io { path, error }
    }

    /// At so many bytes into a file.
    pub(super) fn damaged(file: &Spare, position: usize, reason: &str) -> Self {
        JournalError::Damaged {
            path: file.path.clone(),
            position: position as u64,
            reason: reason.to_owned(),
        }
    }
}
