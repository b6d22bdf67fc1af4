//! How a message becomes bytes and back: the traits, the [`Reader`], the [`Writer`] and their errors.

mod error;
pub(crate) mod generated;
mod reader;
mod tagged;
mod wire;
mod writer;

use std::fmt::Debug;

use crate::api::ApiKey;

pub use error::{DecodeError, EncodeError};
pub use reader::{Reader, budget};
pub use tagged::TaggedFields;
pub(crate) use tagged::{Tags, read_tagged_nullable};
pub(crate) use wire::{Version, Wire};
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

/// A request of an API.
pub trait Request: Message {
    /// Which API it asks.
    const KEY: ApiKey;
    /// What is answered, in the same version.
    type Response: Message;

    /// The version of the request header that goes before this version.
    fn header_version(version: i16) -> i16 {
        Self::KEY.request_header_version(version)
    }

    /// The version of the response header that goes before the answer.
    fn response_header_version(version: i16) -> i16 {
        Self::KEY.response_header_version(version)
    }
}

/// A record of an internal topic, or the key of one.
pub trait Record: Message {
    /// The number by which a log names this kind of record: the key's type in the coordinators' topics,
    /// the record's api key in the cluster metadata.
    const TYPE: i16;
}
