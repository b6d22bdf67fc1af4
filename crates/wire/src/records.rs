//! The records inside a batch: read in order, headers kept as they came, repeated ones included.

mod survey;
mod unpacked;

pub use survey::Survey;
pub(crate) use survey::survey;
pub use unpacked::{Glance, Unpacked};

use bytes::{BufMut, Bytes};

use crate::batch::{BatchError, BatchHeader, TimestampType};

/// One record, with its batch's base already added to offset and timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's own attributes: no bit is used today.
    pub attributes: i8,
    /// Milliseconds since 1970; the batch's append time if the topic uses LogAppendTime.
    pub timestamp: i64,
    /// The offset in the partition.
    pub offset: i64,
    /// The key, or null.
    pub key: Option<Bytes>,
    /// The value, or null: a tombstone.
    pub value: Option<Bytes>,
    /// Names and values in the order they were sent; a name may come more than once.
    /// A name that is not UTF-8 is shown with replacement characters, as Java shows it.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// The records of one batch. After an error it ends.
#[derive(Debug)]
pub struct RecordIter {
    header: BatchHeader,
    area: Bytes,
    at: usize,
    left: i32,
}

impl RecordIter {
    /// `area` is the record area, decompressed.
    pub(crate) fn new(header: BatchHeader, area: Bytes) -> RecordIter {
        RecordIter {
            left: header.records_count(),
            header,
            area,
            at: 0,
        }
    }

    fn read(&mut self) -> Result<Record, BatchError> {
        let mut cursor = Cursor {
            area: &self.area,
            at: self.at,
        };
        let raw = cursor.record()?;
        self.at = cursor.at;
        let slice = |part: Option<Part>| part.map(|part| self.area.slice(part.start..part.end));
        let headers = HeaderCursor {
            cursor: Cursor {
                area: &self.area[..raw.end],
                at: raw.headers,
            },
            left: raw.header_count,
        };
        let headers = headers.map(|header| {
            let (name, value) = header?;
            let name = String::from_utf8_lossy(&self.area[name.start..name.end]).into_owned();
            Ok((name, slice(value)))
        });
        let timestamp = match self.header.timestamp_type() {
            TimestampType::CreateTime => self
                .header
                .base_timestamp()
                .wrapping_add(raw.timestamp_delta),
            TimestampType::LogAppendTime => self.header.max_timestamp(),
        };
        Ok(Record {
            attributes: raw.attributes,
            timestamp,
            offset: self
                .header
                .base_offset()
                .wrapping_add(i64::from(raw.offset_delta)),
            key: slice(raw.key),
            value: slice(raw.value),
            headers: headers.collect::<Result<_, BatchError>>()?,
        })
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            let trailing = self.area.len() - self.at;
            self.at = self.area.len();
            return (trailing > 0).then_some(Err(BatchError::TrailingBytes(trailing)));
        }
        self.left -= 1;
        let record = self.read();
        if record.is_err() {
            (self.left, self.at) = (0, self.area.len());
        }
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The count is a claim: a record takes at least seven bytes.
        let bound = (self.area.len() - self.at) / RECORD_MIN + 1;
        (
            0,
            Some(bound.min(usize::try_from(self.left).unwrap_or(0) + 1)),
        )
    }
}

/// Length, attributes, two deltas, two lengths and the number of headers, one byte each.
const RECORD_MIN: usize = 7;

/// A range of bytes within the record area.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: usize,
    end: usize,
}

/// One record as it stands, nothing copied.
#[derive(Debug)]
struct RawRecord {
    /// Where its length begins.
    start: usize,
    attributes: i8,
    timestamp_delta: i64,
    /// What follows the timestamp begins here.
    after_timestamp: usize,
    offset_delta: i32,
    key: Option<Part>,
    value: Option<Part>,
    header_count: i32,
    headers: usize,
    end: usize,
}

/// Kafka's variable-length numbers: seven bits a byte, the lowest first, zig-zag.
trait Varints {
    /// The next byte.
    fn byte(&mut self) -> Result<u8, BatchError>;

    fn varlong(&mut self) -> Result<i64, BatchError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has room for one bit only.
            if shift == 63 && byte > 1 {
                return Err(BatchError::MalformedRecord);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(BatchError::MalformedRecord)
    }

    fn varint(&mut self) -> Result<i32, BatchError> {
        i32::try_from(self.varlong()?).map_err(|_| BatchError::MalformedRecord)
    }
}

struct Cursor<'a> {
    area: &'a [u8],
    at: usize,
}

impl Varints for Cursor<'_> {
    fn byte(&mut self) -> Result<u8, BatchError> {
        let byte = self.area.get(self.at).ok_or(BatchError::MalformedRecord)?;
        self.at += 1;
        Ok(*byte)
    }
}

impl Cursor<'_> {
    /// Reads one record up to its headers and moves past it.
    fn record(&mut self) -> Result<RawRecord, BatchError> {
        let start = self.at;
        let len = self.varint()?;
        let end = usize::try_from(len)
            .ok()
            .and_then(|len| self.at.checked_add(len));
        let end = end
            .filter(|end| *end <= self.area.len())
            .ok_or(BatchError::MalformedRecord)?;
        let mut body = Cursor {
            area: &self.area[..end],
            at: self.at,
        };
        let raw = RawRecord {
            start,
            attributes: body.byte()? as i8,
            timestamp_delta: body.varlong()?,
            after_timestamp: body.at,
            offset_delta: body.varint()?,
            key: body.part()?,
            value: body.part()?,
            header_count: body.varint()?,
            headers: body.at,
            end,
        };
        // A header takes two bytes at least.
        if raw.header_count < 0 || raw.header_count as usize > (end - body.at) / 2 {
            return Err(BatchError::MalformedRecord);
        }
        if raw.header_count == 0 && body.at != end {
            return Err(BatchError::MalformedRecord);
        }
        self.at = end;
        Ok(raw)
    }

    /// Bytes after their length; −1 is null.
    fn part(&mut self) -> Result<Option<Part>, BatchError> {
        let len = self.varint()?;
        if len == -1 {
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(|_| BatchError::MalformedRecord)?;
        if len > self.area.len() - self.at {
            return Err(BatchError::MalformedRecord);
        }
        let start = self.at;
        self.at += len;
        Ok(Some(Part {
            start,
            end: self.at,
        }))
    }
}

/// The headers of one record; the area ends where the record ends.
struct HeaderCursor<'a> {
    cursor: Cursor<'a>,
    left: i32,
}

impl Iterator for HeaderCursor<'_> {
    type Item = Result<(Part, Option<Part>), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let header = self.header();
        if header.is_err() {
            self.left = 0;
        }
        Some(header)
    }
}

impl HeaderCursor<'_> {
    fn header(&mut self) -> Result<(Part, Option<Part>), BatchError> {
        let name = self.cursor.part()?.ok_or(BatchError::MalformedRecord)?;
        let value = self.cursor.part()?;
        // The last header ends where the record says it ends.
        if self.left == 0 && self.cursor.at != self.cursor.area.len() {
            return Err(BatchError::MalformedRecord);
        }
        Ok((name, value))
    }
}

/// What goes into one record.
pub(crate) struct NewRecord<'a> {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a [(&'a str, Option<&'a [u8]>)],
}

impl NewRecord<'_> {
    /// Appends the record, its length before it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(32);
        body.put_u8(0);
        put_varlong(&mut body, self.timestamp_delta);
        put_varlong(&mut body, i64::from(self.offset_delta));
        put_part(&mut body, self.key);
        put_part(&mut body, self.value);
        put_varlong(&mut body, self.headers.len() as i64);
        for (name, value) in self.headers {
            put_part(&mut body, Some(name.as_bytes()));
            put_part(&mut body, *value);
        }
        put_varlong(out, body.len() as i64);
        out.extend_from_slice(&body);
    }
}

fn put_part(out: &mut Vec<u8>, part: Option<&[u8]>) {
    put_varlong(out, part.map_or(-1, |part| part.len() as i64));
    out.extend_from_slice(part.unwrap_or_default());
}

fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = (value << 1 ^ value >> 63) as u64;
    while zigzag >= 0x80 {
        out.put_u8(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.put_u8(zigzag as u8);
}
