//! Why bytes are not a message, and why a message cannot become bytes.

use thiserror::Error;

/// The bytes are not what they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input ends within a value, or a length claims more than is there.
    #[error("{needed} bytes are needed where {remaining} remain")]
    Truncated {
        /// Bytes that the value needs at least.
        needed: usize,
        /// Bytes that are there.
        remaining: usize,
    },
    /// A length below −1.
    #[error("invalid length {0}")]
    InvalidLength(i64),
    /// Null where this version allows none.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A string that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    InvalidUtf8,
    /// A variable-length integer that does not fit its type.
    #[error("a variable-length integer is too long")]
    VarintTooLong,
    /// A tagged field whose content is shorter than its announced size.
    #[error("tagged field {0} does not fill its size")]
    TagSize(u32),
    /// The decoded structures would take more memory than the reader's budget.
    #[error("the message needs more than the {budget} bytes of memory it may take")]
    OverBudget {
        /// What the reader was given, in bytes.
        budget: usize,
    },
    /// The message has no such version here.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}

/// The value cannot be written in the version asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A field holds a value that would be lost: the version has no such field, and it is not ignorable.
    #[error("{field} has a value that version {version} cannot carry")]
    FieldNotInVersion {
        /// Message or struct and field, in Kafka's names.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A field is null that is not nullable in this version.
    #[error("{field} is null, which version {version} does not allow")]
    NullNotAllowed {
        /// Message or struct and field, in Kafka's names.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A string, array or byte field longer than its length prefix can say.
    #[error("a length of {0} is too long for its prefix")]
    TooLong(usize),
    /// An unknown tagged field uses a tag that the version knows.
    #[error("tag {0} is given twice")]
    DuplicateTag(u32),
    /// The message has no such version here.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}
