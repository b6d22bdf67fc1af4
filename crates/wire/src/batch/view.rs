//! A batch whole: its bytes, and what its header says of them.

use std::ops::Deref;

use bytes::{Bytes, BytesMut};

use super::BatchBuilder;
use super::header::{APPEND_TIME, CODEC, DELETE_HORIZON, LENGTH_FROM, PROTECTED};
use super::{BatchError, BatchHeader, HEADER_SIZE, TimestampType};
use crate::compression::Compression;
use crate::control::ControlRecord;
use crate::records::{self, RecordIter, Survey, Unpacked};

/// How much the batches of a client's request may decompress to when they are checked: far above what a
/// producer gathers in one request, far below what hurts.
pub const CLIENT_DECOMPRESSED_MAX: usize = 64 << 20;

/// Exactly one batch, its length, header and checksum found right. Cheap to clone.
///
/// What the header says is reached through [`BatchHeader`]'s methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

impl Deref for Batch {
    type Target = BatchHeader;

    fn deref(&self) -> &BatchHeader {
        &self.header
    }
}

impl Batch {
    /// Takes `bytes` as one batch with nothing after it.
    pub fn parse(bytes: Bytes) -> Result<Batch, BatchError> {
        let mut rest = bytes;
        let batch = Batch::split_first(&mut rest)?;
        if rest.is_empty() {
            Ok(batch)
        } else {
            Err(BatchError::TrailingBytes(rest.len()))
        }
    }

    /// Takes the first batch off `bytes`. After an error `bytes` is as it was.
    pub fn split_first(bytes: &mut Bytes) -> Result<Batch, BatchError> {
        let header = BatchHeader::read(bytes)?;
        let (needed, available) = (header.size(), bytes.len());
        if needed > available {
            return Err(BatchError::Truncated { needed, available });
        }
        let computed = crc32c::crc32c(&bytes[..needed][PROTECTED]);
        if computed != header.crc {
            return Err(BatchError::WrongCrc {
                stored: header.crc,
                computed,
            });
        }
        Ok(Batch {
            header,
            bytes: bytes.split_to(needed),
        })
    }

    /// The bytes, as they go to a log or a consumer.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Checks what a broker demands of a client's batch alone: it begins at 0, its count fits its offsets
    /// and its records, it is no control batch, has a sequence if it has a producer, and create times.
    ///
    /// The records are walked, and for that decompressed, to at most `limit` bytes; no more than a few
    /// kilobytes of them (of snappy, one block) are in memory at a time. The rules that need the topic or
    /// the producer's state are not this crate's.
    pub fn check_client(&self, limit: usize) -> Result<ClientBatch, BatchError> {
        if self.base_offset != 0 {
            return Err(BatchError::BaseOffset(self.base_offset));
        }
        let (records, last_offset_delta) = (self.records_count, self.last_offset_delta);
        if records == 0 || records - 1 != last_offset_delta {
            return Err(BatchError::WrongCount {
                records,
                last_offset_delta,
            });
        }
        if self.is_control() {
            return Err(BatchError::ClientControl);
        }
        if self.producer_id >= 0 && self.base_sequence < 0 {
            return Err(BatchError::NoSequence);
        }
        if self.timestamp_type() == TimestampType::LogAppendTime {
            return Err(BatchError::ClientAppendTime);
        }
        let survey = records::survey(&self.header, &self.bytes[HEADER_SIZE..], limit)?;
        Ok(ClientBatch {
            batch: self.clone(),
            survey,
        })
    }

    /// The batch as it stands in a partition: a copy with base offset and leader epoch set. The checksum
    /// covers neither.
    pub fn placed(&self, base_offset: i64, leader_epoch: i32) -> Batch {
        self.patched(BatchHeader {
            base_offset,
            leader_epoch,
            ..self.header
        })
    }

    /// As [`placed`](Self::placed), in a topic with LogAppendTime: all records get the time `now`, in
    /// milliseconds since 1970, and the checksum is computed anew.
    pub fn placed_at(&self, base_offset: i64, leader_epoch: i32, now: i64) -> Batch {
        let mut header = BatchHeader {
            base_offset,
            leader_epoch,
            max_timestamp: now,
            ..self.header
        };
        header.attributes |= APPEND_TIME;
        header.crc = checksum(&header, &self.bytes[HEADER_SIZE..]);
        self.patched(header)
    }

    /// A copy whose header names this largest timestamp, in milliseconds since 1970, the checksum computed
    /// anew.
    pub fn with_max_timestamp(&self, max_timestamp: i64) -> Batch {
        let mut header = BatchHeader {
            max_timestamp,
            ..self.header
        };
        header.crc = checksum(&header, &self.bytes[HEADER_SIZE..]);
        self.patched(header)
    }

    fn patched(&self, header: BatchHeader) -> Batch {
        let mut bytes = BytesMut::with_capacity(self.bytes.len());
        bytes.extend_from_slice(&header.write());
        bytes.extend_from_slice(&self.bytes[HEADER_SIZE..]);
        Batch {
            header,
            bytes: bytes.freeze(),
        }
    }

    /// The records in order, decompressed to at most `limit` bytes.
    pub fn records(&self, limit: usize) -> Result<RecordIter, BatchError> {
        Ok(RecordIter::new(self.header, self.area(limit)?))
    }

    /// The records for who leaves some of them out, decompressed to at most `limit` bytes.
    pub fn unpack(&self, limit: usize) -> Result<Unpacked, BatchError> {
        Unpacked::new(self.header, self.area(limit)?)
    }

    /// The batch without its records: what compaction leaves where its offsets or its producer's epoch and sequence
    /// must still be known. Its largest timestamp stays, as in Kafka.
    pub fn emptied(&self) -> Batch {
        let mut header = BatchHeader {
            base_timestamp: -1,
            records_count: 0,
            ..self.header
        };
        header.attributes &= !(CODEC | DELETE_HORIZON);
        Batch::sealed(header, &[])
    }

    /// A batch without records, of nobody, for the offsets from `first` to `last`: what compaction leaves where whole
    /// batches were, so that offsets follow each other. Readers pass over it, as over any batch that was emptied. As
    /// in those, `max_timestamp` is no record's.
    ///
    /// # Panics
    /// If there are more than 2^31 offsets: no segment spans so many.
    pub fn nothing(first: i64, last: i64, leader_epoch: i32, max_timestamp: i64) -> Batch {
        let header = BatchHeader {
            base_offset: first,
            max_timestamp,
            last_offset_delta: i32::try_from(last - first).expect("within one segment"),
            leader_epoch,
            ..BatchBuilder::new().build().header
        };
        Batch::sealed(header, &[])
    }

    /// Whether it is one of [`Batch::nothing`].
    pub fn is_nothing(&self) -> bool {
        self.records_count() == 0 && self.producer_id() < 0 && !self.is_control()
    }

    /// A batch with this header but for what its new records change: their number, the largest timestamp if it is
    /// theirs, the delete horizon if there is one, and the area, given uncompressed.
    pub(crate) fn with_records(
        header: &BatchHeader,
        records_count: i32,
        max_timestamp: Option<i64>,
        horizon: Option<i64>,
        area: &[u8],
    ) -> Batch {
        let mut header = BatchHeader {
            records_count,
            max_timestamp: max_timestamp.unwrap_or(header.max_timestamp),
            base_timestamp: horizon.unwrap_or(header.base_timestamp),
            ..*header
        };
        if horizon.is_some() {
            header.attributes |= DELETE_HORIZON;
        }
        match header.compression() {
            Compression::None => Batch::sealed(header, area),
            codec => Batch::sealed(header, &codec.compress(area)),
        }
    }

    /// A batch of a header and a stored record area: length and checksum are set.
    pub(super) fn sealed(mut header: BatchHeader, area: &[u8]) -> Batch {
        header.length = length(area);
        header.crc = checksum(&header, area);
        let mut bytes = BytesMut::with_capacity(HEADER_SIZE + area.len());
        bytes.extend_from_slice(&header.write());
        bytes.extend_from_slice(area);
        Batch {
            header,
            bytes: bytes.freeze(),
        }
    }

    /// The record of a control batch; `None` for data, and for a control record that cannot be read.
    pub fn control(&self) -> Option<ControlRecord> {
        if !self.is_control() {
            return None;
        }
        let record = self.records(self.size()).ok()?.next()?.ok()?;
        ControlRecord::read(&record.key?, &record.value?)
    }

    /// The record area, decompressed.
    fn area(&self, limit: usize) -> Result<Bytes, BatchError> {
        let stored = self.bytes.slice(HEADER_SIZE..);
        match self.compression() {
            Compression::None => Ok(stored),
            // Compaction may leave a batch without records and without a compressed stream.
            _ if stored.is_empty() => Ok(stored),
            codec => Ok(Bytes::from(codec.decompress(&stored, limit)?)),
        }
    }
}

/// A client's batch that [`Batch::check_client`] found right, and what it saw in its records, so that
/// nobody needs to unpack them again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientBatch {
    batch: Batch,
    survey: Survey,
}

impl ClientBatch {
    /// What its records are like.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The same records in another codec, for a topic whose `compression.type` is not its producers'.
    pub fn recompressed(&self, codec: Compression) -> ClientBatch {
        let area = &self.bytes[HEADER_SIZE..];
        let stored = match self.compression() {
            Compression::None => codec.compress(area),
            from => from
                .convert(area, codec, self.survey.inflated)
                .expect("its records were walked within this limit"),
        };
        ClientBatch {
            batch: Batch::sealed(self.header.with_compression(codec), &stored),
            survey: self.survey,
        }
    }
}

impl Deref for ClientBatch {
    type Target = Batch;

    fn deref(&self) -> &Batch {
        &self.batch
    }
}

/// The checksum of a batch with this header and this stored record area.
fn checksum(header: &BatchHeader, area: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header.write()[PROTECTED]), area)
}

/// The length field of a batch with this stored record area.
fn length(area: &[u8]) -> i32 {
    i32::try_from(HEADER_SIZE - LENGTH_FROM + area.len()).expect("a batch is smaller than 2 GiB")
}
