//! How a message becomes bytes and back: the traits, the [`Reader`], the [`Writer`] and their errors.

mod error;
mod reader;
mod tagged;
mod wire;
mod writer;

use std::fmt::Debug;

pub use error::{DecodeError, EncodeError};
pub use reader::Reader;
pub use tagged::TaggedFields;
pub(crate) use tagged::Tags;
pub(crate) use wire::{Version, Wire, check_version};
pub use writer::Writer;

/// An inclusive range of message versions. Empty if `max < min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl VersionRange {
    /// From `min` to `max`, both included.
    pub const fn new(min: i16, max: i16) -> VersionRange {
        VersionRange { min, max }
    }

    /// True if `version` lies in the range.
    pub const fn contains(&self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// The versions in ascending order.
    pub fn iter(&self) -> std::ops::RangeInclusive<i16> {
        self.min..=self.max
    }
}

/// A structure of Kafka's protocol or of one of its internal records, in all its versions.
pub trait Message: Sized + Default + Clone + Debug + PartialEq {
    /// Kafka's name of the message, such as `ProduceRequest`.
    const NAME: &'static str;
    /// The stable versions.
    const VERSIONS: VersionRange;
    /// The version after the stable ones that Kafka marks unstable, if there is one.
    ///
    /// It is decoded and encoded only by a [`Reader`] or [`Writer`] told so by `allow_unstable`.
    const UNSTABLE: Option<i16>;

    /// Reads one message from where `r` stands; fields that `version` lacks get their defaults.
    ///
    /// Bytes that follow the message stay in `r`. After an error the position of `r` is undefined.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Appends the message. After an error `w` holds a part of it and is of no more use.
    ///
    /// A field that `version` lacks must have its default value or be one that Kafka marks ignorable.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;
}
