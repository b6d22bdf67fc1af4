//! A client's records walked without being kept: keys and values are skipped, and of a compressed batch
//! only a few kilobytes are unpacked at a time.

use super::Varints;
use crate::batch::{BatchError, BatchHeader};
use crate::compression::{Compression, Inflate};

/// What a walk over the records of a client's batch found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Bytes that decompression gave; 0 of a batch that is not compressed.
    pub inflated: usize,
    /// The smallest timestamp, in milliseconds, among the records that have one.
    pub earliest: Option<i64>,
    /// The largest timestamp, in milliseconds; −1 if no record has one.
    pub latest: i64,
    /// The first record without a key, counted from 0.
    pub keyless: Option<i32>,
}

/// What stands for no timestamp.
const NO_TIMESTAMP: i64 = -1;
/// How much is unpacked at a time.
const CHUNK: usize = 16 << 10;

/// Walks the stored record area of a client's batch: as many records as the header says, with offset deltas
/// 0, 1, …, each filling its length, and nothing after them. At most `limit` bytes are unpacked.
pub(crate) fn survey(
    header: &BatchHeader,
    area: &[u8],
    limit: usize,
) -> Result<Survey, BatchError> {
    if header.compression() == Compression::None {
        return walk(header, &mut Plain(area));
    }
    let mut packed = Packed {
        inflate: Inflate::new(header.compression(), area, limit)?,
        chunk: vec![0; CHUNK],
        at: 0,
        until: 0,
        taken: 0,
    };
    let found = walk(header, &mut packed)?;
    Ok(Survey {
        inflated: packed.taken,
        ..found
    })
}

fn walk(header: &BatchHeader, area: &mut impl Area) -> Result<Survey, BatchError> {
    let mut found = Survey {
        inflated: 0,
        earliest: None,
        latest: NO_TIMESTAMP,
        keyless: None,
    };
    for expected in 0..header.records_count() {
        let record = Within::of(area)?.record()?;
        if record.offset_delta != expected {
            return Err(BatchError::OffsetDelta {
                expected,
                found: record.offset_delta,
            });
        }
        let timestamp = header.base_timestamp().wrapping_add(record.timestamp_delta);
        if timestamp != NO_TIMESTAMP {
            let earliest = found.earliest.unwrap_or(timestamp);
            found.earliest = Some(earliest.min(timestamp));
        }
        found.latest = found.latest.max(timestamp);
        if !record.has_key && found.keyless.is_none() {
            found.keyless = Some(expected);
        }
    }
    match area.rest()? {
        0 => Ok(found),
        trailing => Err(BatchError::TrailingBytes(trailing)),
    }
}

/// Record bytes in order. What lies past their end is malformed.
trait Area: Varints {
    fn skip(&mut self, bytes: usize) -> Result<(), BatchError>;
    /// Bytes that are left; of a stream, as many as are known.
    fn rest(&mut self) -> Result<usize, BatchError>;
}

struct Plain<'a>(&'a [u8]);

impl Varints for Plain<'_> {
    fn byte(&mut self) -> Result<u8, BatchError> {
        let (first, rest) = self.0.split_first().ok_or(BatchError::MalformedRecord)?;
        self.0 = rest;
        Ok(*first)
    }
}

impl Area for Plain<'_> {
    fn skip(&mut self, bytes: usize) -> Result<(), BatchError> {
        self.0 = self.0.get(bytes..).ok_or(BatchError::MalformedRecord)?;
        Ok(())
    }

    fn rest(&mut self) -> Result<usize, BatchError> {
        Ok(self.0.len())
    }
}

struct Packed<'a> {
    inflate: Inflate<'a>,
    chunk: Vec<u8>,
    at: usize,
    until: usize,
    taken: usize,
}

impl Packed<'_> {
    /// The next chunk; none at the end.
    fn fill(&mut self) -> Result<usize, BatchError> {
        self.until = self.inflate.read(&mut self.chunk)?;
        self.at = 0;
        self.taken += self.until;
        Ok(self.until)
    }
}

impl Varints for Packed<'_> {
    fn byte(&mut self) -> Result<u8, BatchError> {
        if self.at == self.until && self.fill()? == 0 {
            return Err(BatchError::MalformedRecord);
        }
        self.at += 1;
        Ok(self.chunk[self.at - 1])
    }
}

impl Area for Packed<'_> {
    fn skip(&mut self, mut bytes: usize) -> Result<(), BatchError> {
        while bytes > self.until - self.at {
            bytes -= self.until - self.at;
            if self.fill()? == 0 {
                return Err(BatchError::MalformedRecord);
            }
        }
        self.at += bytes;
        Ok(())
    }

    fn rest(&mut self) -> Result<usize, BatchError> {
        if self.at == self.until {
            self.fill()?;
        }
        Ok(self.until - self.at)
    }
}

/// One record, as far as a broker looks at it.
struct Passed {
    timestamp_delta: i64,
    offset_delta: i32,
    has_key: bool,
}

/// The bytes of one record within its area.
struct Within<'a, A> {
    area: &'a mut A,
    left: usize,
}

impl<A: Area> Varints for Within<'_, A> {
    fn byte(&mut self) -> Result<u8, BatchError> {
        self.take(1)?;
        self.area.byte()
    }
}

impl<'a, A: Area> Within<'a, A> {
    fn of(area: &'a mut A) -> Result<Self, BatchError> {
        let left = usize::try_from(area.varint()?).map_err(|_| BatchError::MalformedRecord)?;
        Ok(Within { area, left })
    }

    /// Passes over the record, which must end where its length says.
    fn record(mut self) -> Result<Passed, BatchError> {
        let _attributes = self.byte()?;
        let passed = Passed {
            timestamp_delta: self.varlong()?,
            offset_delta: self.varint()?,
            has_key: self.part()?,
        };
        self.part()?;
        let headers = self.varint()?;
        if headers < 0 {
            return Err(BatchError::MalformedRecord);
        }
        // A count that lies ends with the record's bytes.
        for _ in 0..headers {
            if !self.part()? {
                return Err(BatchError::MalformedRecord);
            }
            self.part()?;
        }
        if self.left == 0 {
            Ok(passed)
        } else {
            Err(BatchError::MalformedRecord)
        }
    }

    /// Passes over bytes after their length; false if they are null.
    fn part(&mut self) -> Result<bool, BatchError> {
        let len = self.varint()?;
        if len == -1 {
            return Ok(false);
        }
        let len = usize::try_from(len).map_err(|_| BatchError::MalformedRecord)?;
        self.take(len)?;
        self.area.skip(len)?;
        Ok(true)
    }

    fn take(&mut self, bytes: usize) -> Result<(), BatchError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(BatchError::MalformedRecord)?;
        Ok(())
    }
}
