//! The 61 bytes before a batch's records.

use std::ops::RangeFrom;

use super::BatchError;
use crate::compression::Compression;

/// Bytes of a batch before its records.
pub const HEADER_SIZE: usize = 61;

/// The length field counts what follows it.
pub(super) const LENGTH_FROM: usize = 12;
/// The smallest length: a batch without records.
const LENGTH_MIN: i32 = (HEADER_SIZE - LENGTH_FROM) as i32;
/// What the checksum protects: from the attributes on.
pub(super) const PROTECTED: RangeFrom<usize> = 21..;

pub(super) const APPEND_TIME: i16 = 1 << 3;
pub(super) const TRANSACTIONAL: i16 = 1 << 4;
pub(super) const CONTROL: i16 = 1 << 5;
pub(super) const DELETE_HORIZON: i16 = 1 << 6;
pub(super) const CODEC: i16 = 7;

/// Who gave the records their timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer.
    CreateTime,
    /// The broker, when it appended the batch.
    LogAppendTime,
}

/// The header of a batch, read without a look at its records or its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub(super) base_offset: i64,
    pub(super) length: i32,
    pub(super) leader_epoch: i32,
    pub(super) crc: u32,
    pub(super) attributes: i16,
    pub(super) last_offset_delta: i32,
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    pub(super) records_count: i32,
}

impl BatchHeader {
    /// Reads the header at the beginning of `bytes`, which may end before the batch does.
    ///
    /// Checked: the length, the format, the codec, and that counts are not negative. Not the checksum.
    pub fn read(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let header: &[u8; HEADER_SIZE] = bytes.first_chunk().ok_or(BatchError::Truncated {
            needed: HEADER_SIZE,
            available: bytes.len(),
        })?;
        let magic = header[16] as i8;
        if magic != 2 {
            return Err(BatchError::UnsupportedMagic(magic));
        }
        let read = BatchHeader {
            base_offset: i64::from_be_bytes(at(header, 0)),
            length: i32::from_be_bytes(at(header, 8)),
            leader_epoch: i32::from_be_bytes(at(header, 12)),
            crc: u32::from_be_bytes(at(header, 17)),
            attributes: i16::from_be_bytes(at(header, 21)),
            last_offset_delta: i32::from_be_bytes(at(header, 23)),
            base_timestamp: i64::from_be_bytes(at(header, 27)),
            max_timestamp: i64::from_be_bytes(at(header, 35)),
            producer_id: i64::from_be_bytes(at(header, 43)),
            producer_epoch: i16::from_be_bytes(at(header, 51)),
            base_sequence: i32::from_be_bytes(at(header, 53)),
            records_count: i32::from_be_bytes(at(header, 57)),
        };
        if read.length < LENGTH_MIN {
            return Err(BatchError::InvalidLength(read.length));
        }
        if Compression::from_id(read.attributes & CODEC).is_none() {
            return Err(BatchError::UnknownCodec(read.attributes & CODEC));
        }
        if read.last_offset_delta < 0 || read.records_count < 0 {
            return Err(BatchError::NegativeCount);
        }
        Ok(read)
    }

    /// The same, but that the records are stored in this codec.
    pub(super) fn with_compression(self, codec: Compression) -> BatchHeader {
        BatchHeader {
            attributes: self.attributes & !CODEC | codec.id(),
            ..self
        }
    }

    pub(super) fn write(&self) -> [u8; HEADER_SIZE] {
        let mut header = [0; HEADER_SIZE];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.base_offset.to_be_bytes());
        put(8, &self.length.to_be_bytes());
        put(12, &self.leader_epoch.to_be_bytes());
        put(16, &[2]);
        put(17, &self.crc.to_be_bytes());
        put(21, &self.attributes.to_be_bytes());
        put(23, &self.last_offset_delta.to_be_bytes());
        put(27, &self.base_timestamp.to_be_bytes());
        put(35, &self.max_timestamp.to_be_bytes());
        put(43, &self.producer_id.to_be_bytes());
        put(51, &self.producer_epoch.to_be_bytes());
        put(53, &self.base_sequence.to_be_bytes());
        put(57, &self.records_count.to_be_bytes());
        header
    }

    /// The offset of the first record, or what it was before compaction.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// The offset of the last record, or what it was before compaction.
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .wrapping_add(i64::from(self.last_offset_delta))
    }

    /// The last offset less the base offset.
    pub fn last_offset_delta(&self) -> i32 {
        self.last_offset_delta
    }

    /// The epoch of the leader that appended the batch; −1 from a client.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// The checksum that the batch carries.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// The attributes, all bits.
    pub fn attributes(&self) -> i16 {
        self.attributes
    }

    /// The codec of the records.
    pub fn compression(&self) -> Compression {
        Compression::from_id(self.attributes & CODEC).expect("checked when the header was read")
    }

    /// True if the batch is part of a transaction; markers are.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// True if the batch holds a control record instead of data.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Who gave the timestamps.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & APPEND_TIME != 0 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    /// True if compaction gave the batch a time after which its tombstones or its marker go;
    /// [`base_timestamp`](Self::base_timestamp) is that time then.
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON != 0
    }

    /// What the records' timestamps are relative to: the first record's, in milliseconds since 1970.
    pub fn base_timestamp(&self) -> i64 {
        self.base_timestamp
    }

    /// The largest timestamp of a record, or the append time of all.
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// The producer's id; −1 if it is not idempotent.
    pub fn producer_id(&self) -> i64 {
        self.producer_id
    }

    /// The producer's epoch; −1 if it is not idempotent.
    pub fn producer_epoch(&self) -> i16 {
        self.producer_epoch
    }

    /// The sequence of the first record; −1 if there is none.
    pub fn base_sequence(&self) -> i32 {
        self.base_sequence
    }

    /// The sequence of the last record; after 2^31−1 comes 0. −1 if there is none.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        // The sum of two non-negative numbers, modulo 2^31.
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }

    /// How many records there are; 0 after compaction took them all.
    pub fn records_count(&self) -> i32 {
        self.records_count
    }

    /// Bytes of the whole batch, header included.
    pub fn size(&self) -> usize {
        LENGTH_FROM + self.length as usize
    }
}

fn at<const N: usize>(header: &[u8; HEADER_SIZE], from: usize) -> [u8; N] {
    *header[from..]
        .first_chunk()
        .expect("every field lies within the header")
}
