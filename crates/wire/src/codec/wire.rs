//! How each type of Kafka's schema language looks on the wire.

use bytes::Bytes;

use super::{DecodeError, EncodeError, Reader, Writer};
use crate::Uuid;

/// The version of the message being coded, and whether it is a flexible one (KIP-482): compact lengths,
/// tagged fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) number: i16,
    pub(crate) flexible: bool,
}

impl Version {
    /// The same version in the classic encoding, for the few fields that keep it.
    pub(crate) fn classic(self) -> Version {
        Version {
            flexible: false,
            ..self
        }
    }
}

/// A type that can stand in a field. The generated structures implement it; `Message` calls it.
pub(crate) trait Wire: Sized {
    /// No value of this type takes fewer bytes in this version.
    fn min_size(v: Version) -> usize;

    fn read(r: &mut Reader, v: Version) -> Result<Self, DecodeError>;

    fn write(&self, w: &mut Writer, v: Version) -> Result<(), EncodeError>;

    /// A nullable structure: one byte, negative for null, then the structure.
    fn read_nullable(r: &mut Reader, v: Version) -> Result<Option<Self>, DecodeError> {
        if r.i8()? < 0 {
            Ok(None)
        } else {
            Self::read(r, v).map(Some)
        }
    }

    fn write_nullable(value: Option<&Self>, w: &mut Writer, v: Version) -> Result<(), EncodeError> {
        w.i8(if value.is_some() { 1 } else { -1 });
        value.map_or(Ok(()), |value| value.write(w, v))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn min_size(_: Version) -> usize {
        1
    }

    fn read(r: &mut Reader, v: Version) -> Result<Self, DecodeError> {
        T::read_nullable(r, v)
    }

    fn write(&self, w: &mut Writer, v: Version) -> Result<(), EncodeError> {
        T::write_nullable(self.as_ref(), w, v)
    }
}

/// Types of a fixed size.
macro_rules! fixed {
    ($($type:ty, $read:expr, $write:expr;)*) => {$(
        impl Wire for $type {
            fn min_size(_: Version) -> usize {
                size_of::<$type>()
            }

            fn read(r: &mut Reader, _: Version) -> Result<Self, DecodeError> {
                r.array().map($read)
            }

            fn write(&self, w: &mut Writer, _: Version) -> Result<(), EncodeError> {
                w.slice(&$write(*self));
                Ok(())
            }
        }
    )*};
}

fixed! {
    bool, |[byte]| byte != 0, |value| [u8::from(value)];
    i8, i8::from_be_bytes, i8::to_be_bytes;
    i16, i16::from_be_bytes, i16::to_be_bytes;
    u16, u16::from_be_bytes, u16::to_be_bytes;
    i32, i32::from_be_bytes, i32::to_be_bytes;
    u32, u32::from_be_bytes, u32::to_be_bytes;
    i64, i64::from_be_bytes, i64::to_be_bytes;
    f64, f64::from_be_bytes, f64::to_be_bytes;
    Uuid, Uuid, |id: Uuid| id.0;
}

/// Types with a length prefix, where null is a length of its own.
macro_rules! prefixed {
    (($($generic:tt)*) $type:ty, $classic:ident, $min:expr, $read:expr, $write:expr) => {
        impl<$($generic)*> Wire for $type {
            fn min_size(v: Version) -> usize {
                if v.flexible { 1 } else { $min }
            }

            fn read(r: &mut Reader, v: Version) -> Result<Self, DecodeError> {
                Self::read_nullable(r, v)?.ok_or(DecodeError::UnexpectedNull)
            }

            fn write(&self, w: &mut Writer, v: Version) -> Result<(), EncodeError> {
                Self::write_nullable(Some(self), w, v)
            }

            fn read_nullable(r: &mut Reader, v: Version) -> Result<Option<Self>, DecodeError> {
                let len = if v.flexible { i64::from(r.uvarint()?) - 1 } else { i64::from(r.$classic()?) };
                if len == -1 { Ok(None) } else { $read(r, len, v).map(Some) }
            }

            fn write_nullable(value: Option<&Self>, w: &mut Writer, v: Version) -> Result<(), EncodeError> {
                match value {
                    None if v.flexible => w.uvarint(0),
                    None => w.$classic(-1),
                    Some(value) => {
                        let len = value.len();
                        if v.flexible {
                            // One less than `u32::MAX`: the prefix is the length plus one.
                            let len = i32::try_from(len).map_err(|_| EncodeError::TooLong(len))?;
                            w.uvarint(len as u32 + 1);
                        } else {
                            w.$classic(len.try_into().map_err(|_| EncodeError::TooLong(len))?);
                        }
                        $write(value, w, v)?;
                    }
                }
                Ok(())
            }
        }
    };
}

prefixed!(() String, i16, 2, |r: &mut Reader, len, _| r.utf8(len), |text: &String, w: &mut Writer, _| {
    w.slice(text.as_bytes());
    Ok::<(), EncodeError>(())
});

prefixed!(() Bytes, i32, 4, read_bytes, |bytes, w: &mut Writer, _| {
    w.bytes(bytes);
    Ok::<(), EncodeError>(())
});

prefixed!((T: Wire) Vec<T>, i32, 4, read_array, |items: &Vec<T>, w: &mut Writer, v| {
    items.iter().try_for_each(|item| item.write(w, v))
});

fn read_bytes(r: &mut Reader, len: i64, _: Version) -> Result<Bytes, DecodeError> {
    let len = r.length(len, 1)?;
    r.take(len)
}

fn read_array<T: Wire>(r: &mut Reader, len: i64, v: Version) -> Result<Vec<T>, DecodeError> {
    let len = r.length(len, T::min_size(v))?;
    r.charge(len.saturating_mul(size_of::<T>()))?;
    let mut items = Vec::with_capacity(len);
    for _ in 0..len {
        items.push(T::read(r, v)?);
    }
    Ok(items)
}
