//! What the judge says, in one word.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The judgement of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that the history can show was looked at, and nothing was found.
    Valid,
    /// Nothing was found, but something that had to be looked at is not in the history.
    Unknown,
    /// Something happened that must not.
    Invalid,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        })
    }
}
