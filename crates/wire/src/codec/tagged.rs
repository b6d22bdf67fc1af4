//! Tagged fields (KIP-482): the unknown ones are kept and written back in their place.

use bytes::Bytes;

use super::generated::absent;
use super::{DecodeError, EncodeError, Reader, Version, Wire, Writer};

/// The tagged fields of a structure that its schema does not know, in the order they came.
///
/// One pointer when empty, which it nearly always is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::box_collection,
    reason = "every flexible structure has one: a pointer, not three words"
)]
pub struct TaggedFields(Option<Box<Vec<(u32, Bytes)>>>);

/// A field on the wire: tag and size.
const MIN_FIELD: usize = 2;

/// What an unknown field costs: twice its entry, as the vector grows by doubling.
const UNKNOWN: usize = 2 * size_of::<(u32, Bytes)>();
/// What the first one costs beside: the vector itself, and its first four places.
const FIRST_UNKNOWN: usize = size_of::<Vec<(u32, Bytes)>>() + 4 * size_of::<(u32, Bytes)>();

impl TaggedFields {
    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The content of the field with this tag.
    pub fn get(&self, tag: u32) -> Option<&Bytes> {
        self.iter()
            .find(|(t, _)| *t == tag)
            .map(|(_, content)| content)
    }

    /// Adds a field that the schema does not know. Kafka writes tags in ascending order; so does `encode`.
    pub fn insert(&mut self, tag: u32, content: Bytes) {
        self.0.get_or_insert_default().push((tag, content));
    }

    /// Tags and contents.
    pub fn iter(&self) -> impl Iterator<Item = &(u32, Bytes)> {
        self.0.iter().flat_map(|fields| fields.iter())
    }

    /// Reads a section of tagged fields, giving each to `known` first, which reads it if it knows the tag.
    pub(crate) fn read(
        r: &mut Reader,
        v: Version,
        mut known: impl FnMut(&mut Reader, u32) -> Result<bool, DecodeError>,
    ) -> Result<TaggedFields, DecodeError> {
        let mut unknown = TaggedFields::default();
        if !v.flexible {
            return Ok(unknown);
        }
        let announced = r.uvarint()?;
        for _ in 0..r.length(i64::from(announced), MIN_FIELD)? {
            let tag = r.uvarint()?;
            let size = r.uvarint()? as usize;
            let (is_known, left) = r.within(size, |r| known(r, tag))?;
            if !is_known {
                let first = if unknown.is_empty() { FIRST_UNKNOWN } else { 0 };
                r.charge(first + UNKNOWN)?;
                unknown.insert(tag, r.take(size)?);
            } else if left > 0 {
                return Err(DecodeError::TagSize(tag));
            }
        }
        Ok(unknown)
    }

    /// Reads a section in which no tag is known.
    pub(crate) fn read_unknown(r: &mut Reader, v: Version) -> Result<TaggedFields, DecodeError> {
        TaggedFields::read(r, v, |_, _| Ok(false))
    }

    /// Writes a section in which no tag is known.
    pub(crate) fn write(&self, w: &mut Writer, v: Version) -> Result<(), EncodeError> {
        Tags::default().write(w, v, self)
    }
}

/// Reads a nullable structure in a tagged field; see [`Tags::add_nullable`].
pub(crate) fn read_tagged_nullable<T: Wire>(
    r: &mut Reader,
    v: Version,
) -> Result<Option<T>, DecodeError> {
    if r.uvarint()? == 0 {
        Ok(None)
    } else {
        T::read(r, v).map(Some)
    }
}

/// The known tagged fields of one structure on their way out.
#[derive(Debug, Default)]
pub(crate) struct Tags(Vec<(u32, Bytes)>);

impl Tags {
    /// Adds a known field. Tags are added in ascending order.
    pub(crate) fn add<T: Wire>(
        &mut self,
        w: &Writer,
        tag: u32,
        value: &T,
        v: Version,
    ) -> Result<(), EncodeError> {
        let mut content = w.apart();
        value.write(&mut content, v)?;
        self.0.push((tag, content.finish_contiguous()));
        Ok(())
    }

    /// Adds a known field that is a nullable structure: in a tagged field 0 marks null, and 1 a structure
    /// (elsewhere it is −1 and 1; Kafka's generated classes differ so).
    pub(crate) fn add_nullable<T: Wire>(
        &mut self,
        w: &Writer,
        tag: u32,
        value: &Option<T>,
        v: Version,
    ) -> Result<(), EncodeError> {
        let mut content = w.apart();
        content.uvarint(value.is_some().into());
        value
            .iter()
            .try_for_each(|value| value.write(&mut content, v))?;
        self.0.push((tag, content.finish_contiguous()));
        Ok(())
    }

    /// Writes the section: the known fields and the `unknown` ones, by ascending tag.
    pub(crate) fn write(
        mut self,
        w: &mut Writer,
        v: Version,
        unknown: &TaggedFields,
    ) -> Result<(), EncodeError> {
        if !v.flexible {
            let lost = !unknown.is_empty();
            return if lost {
                Err(absent("tagged fields", v))
            } else {
                Ok(())
            };
        }
        if !unknown.is_empty() {
            let known = self.0.len();
            for (tag, content) in unknown.iter() {
                if self.0[..known].iter().any(|(t, _)| t == tag) {
                    return Err(EncodeError::DuplicateTag(*tag));
                }
                self.0.push((*tag, content.clone()));
            }
            // A stable sort: repeated unknown tags keep their order.
            self.0.sort_by_key(|(tag, _)| *tag);
        }
        w.uvarint(u32::try_from(self.0.len()).map_err(|_| EncodeError::TooLong(self.0.len()))?);
        for (tag, content) in &self.0 {
            w.uvarint(*tag);
            w.uvarint(
                u32::try_from(content.len()).map_err(|_| EncodeError::TooLong(content.len()))?,
            );
            w.bytes(content);
        }
        Ok(())
    }
}
