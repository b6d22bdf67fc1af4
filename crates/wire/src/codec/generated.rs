//! What the generated messages need, in one import.

pub(crate) use bytes::Bytes;

pub(crate) use super::{
    DecodeError, EncodeError, Message, Reader, Record, Request, TaggedFields, Tags, Version,
    VersionRange, Wire, Writer, read_tagged_nullable,
};
pub(crate) use crate::Uuid;
pub(crate) use crate::api::ApiKey;

/// Decodes a message whose versions are flexible from `flexible_from` on.
pub(crate) fn decode<M: Message + Wire>(
    r: &mut Reader,
    number: i16,
    flexible_from: i16,
) -> Result<M, DecodeError> {
    if !knows::<M>(number, r.allows_unstable()) {
        return Err(DecodeError::UnsupportedVersion {
            message: M::NAME,
            version: number,
        });
    }
    M::read(
        r,
        Version {
            number,
            flexible: number >= flexible_from,
        },
    )
}

/// Encodes a message whose versions are flexible from `flexible_from` on.
pub(crate) fn encode<M: Message + Wire>(
    message: &M,
    w: &mut Writer,
    number: i16,
    flexible_from: i16,
) -> Result<(), EncodeError> {
    if !knows::<M>(number, w.allows_unstable()) {
        return Err(EncodeError::UnsupportedVersion {
            message: M::NAME,
            version: number,
        });
    }
    message.write(
        w,
        Version {
            number,
            flexible: number >= flexible_from,
        },
    )
}

fn knows<M: Message>(version: i16, unstable: bool) -> bool {
    M::VERSIONS.contains(version) || (unstable && M::UNSTABLE == Some(version))
}

/// A field has a value that this version cannot carry.
#[cold]
pub(crate) fn absent(field: &'static str, v: Version) -> EncodeError {
    EncodeError::FieldNotInVersion {
        field,
        version: v.number,
    }
}

/// The value of a field that is nullable in other versions only.
pub(crate) fn required<'a, T>(
    value: &'a Option<T>,
    field: &'static str,
    v: Version,
) -> Result<&'a T, EncodeError> {
    value.as_ref().ok_or(EncodeError::NullNotAllowed {
        field,
        version: v.number,
    })
}
