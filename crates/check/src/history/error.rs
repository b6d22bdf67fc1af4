//! Why a history cannot be read or written.

/// Why a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A line that is no event.
    #[error("line {line} is no event of a history: {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The file, or whatever carries the lines, failed.
    #[error("the history cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// A completion of an operation that is not under way.
    #[error("operation {0} is not under way")]
    NotUnderWay(u64),
}
