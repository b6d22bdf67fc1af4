//! Every message of the crate by its name, so that a test can go through all of them.

use bytes::Bytes;

use crate::codec::{DecodeError, EncodeError, Message, Reader, Writer};

/// One message's type, as functions.
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// All versions, the unstable one included.
    pub(super) versions: std::ops::RangeInclusive<i16>,
    /// Decodes, drops, and gives how many bytes were left.
    pub(super) decode: fn(Reader, i16) -> Result<usize, DecodeError>,
    /// Decodes all of the bytes and encodes again.
    pub(super) recode: fn(Bytes, i16) -> Result<Bytes, String>,
    /// Encodes the default value.
    pub(super) default: fn(i16) -> Result<Bytes, EncodeError>,
}

macro_rules! entries {
    ($($message:path,)*) => {
        pub(super) fn all() -> Vec<Entry> {
            vec![$(entry::<$message>()),*]
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/all.rs"));

all_messages!(entries);

pub(super) fn find(name: &str) -> Option<Entry> {
    all().into_iter().find(|entry| entry.name == name)
}

fn entry<M: Message>() -> Entry {
    Entry {
        name: M::NAME,
        versions: M::VERSIONS.min..=M::UNSTABLE.unwrap_or(M::VERSIONS.max),
        decode: |r, version| {
            let mut r = r.allow_unstable();
            M::decode(&mut r, version)?;
            Ok(r.remaining())
        },
        recode: |bytes, version| {
            let mut r = Reader::new(bytes).allow_unstable();
            let message = M::decode(&mut r, version).map_err(|error| error.to_string())?;
            if r.remaining() > 0 {
                return Err(format!("{} bytes left of {message:?}", r.remaining()));
            }
            encode(&message, version).map_err(|error| error.to_string())
        },
        default: |version| encode(&M::default(), version),
    }
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::new().allow_unstable();
    message.encode(&mut w, version)?;
    Ok(w.finish_contiguous())
}
