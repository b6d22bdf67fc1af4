//! Writes a batch.

use super::header::{CONTROL, DELETE_HORIZON, TRANSACTIONAL};
use super::{Batch, BatchHeader, HEADER_SIZE};
use crate::compression::Compression;
use crate::records::NewRecord;

/// Gathers records and makes a [`Batch`] of them.
///
/// Without further word: no producer, no transaction, no compression, base offset 0, leader epoch −1.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    compression: Compression,
    area: Vec<u8>,
    /// The least offset delta that the next record may have.
    next_delta: i32,
}

impl Default for BatchBuilder {
    fn default() -> BatchBuilder {
        let header = BatchHeader {
            base_offset: 0,
            length: 0,
            leader_epoch: -1,
            crc: 0,
            attributes: 0,
            last_offset_delta: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records_count: 0,
        };
        BatchBuilder {
            header,
            compression: Compression::None,
            area: Vec::new(),
            next_delta: 0,
        }
    }
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new() -> BatchBuilder {
        BatchBuilder::default()
    }

    /// Who writes, and the sequence of the first record (−1 for none).
    pub fn producer(mut self, producer_id: i64, epoch: i16, base_sequence: i32) -> BatchBuilder {
        self.header.producer_id = producer_id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Whether the batch is part of a transaction.
    pub fn transactional(self, transactional: bool) -> BatchBuilder {
        self.attribute(TRANSACTIONAL, transactional)
    }

    /// Whether the batch is a control batch.
    pub fn control(self, control: bool) -> BatchBuilder {
        self.attribute(CONTROL, control)
    }

    /// How the records are compressed.
    pub fn compression(mut self, compression: Compression) -> BatchBuilder {
        self.compression = compression;
        self
    }

    /// The offset of the record with delta 0.
    pub fn base_offset(mut self, base_offset: i64) -> BatchBuilder {
        self.header.base_offset = base_offset;
        self
    }

    /// The epoch of the leader that appends the batch.
    pub fn leader_epoch(mut self, leader_epoch: i32) -> BatchBuilder {
        self.header.leader_epoch = leader_epoch;
        self
    }

    /// The time after which compaction may drop tombstones or the marker, in milliseconds since 1970.
    /// It takes the place of the base timestamp, so it comes before the first record.
    pub fn delete_horizon(mut self, horizon: i64) -> BatchBuilder {
        assert_eq!(
            self.header.records_count, 0,
            "the records' timestamps are relative to the horizon"
        );
        self.header.base_timestamp = horizon;
        self.attribute(DELETE_HORIZON, true)
    }

    /// The last offset delta, where records that compaction dropped came after the last one that is left.
    pub fn last_offset_delta(mut self, delta: i32) -> BatchBuilder {
        assert!(
            delta >= self.header.last_offset_delta,
            "a record has a larger offset delta"
        );
        self.header.last_offset_delta = delta;
        self
    }

    /// Appends a record at the next offset. The timestamp is in milliseconds since 1970.
    pub fn push(
        self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> BatchBuilder {
        let delta = self.next_delta;
        self.push_at(delta, timestamp, key, value, headers)
    }

    /// Appends a record at this offset delta, which is above those of the records before it.
    pub fn push_at(
        mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> BatchBuilder {
        assert!(
            offset_delta >= self.next_delta,
            "offsets ascend within a batch"
        );
        let header = &mut self.header;
        if header.records_count == 0 && header.attributes & DELETE_HORIZON == 0 {
            header.base_timestamp = timestamp;
        }
        header.max_timestamp = if header.records_count == 0 {
            timestamp
        } else {
            header.max_timestamp.max(timestamp)
        };
        header.records_count += 1;
        header.last_offset_delta = header.last_offset_delta.max(offset_delta);
        let timestamp_delta = timestamp.wrapping_sub(header.base_timestamp);
        NewRecord {
            timestamp_delta,
            offset_delta,
            key,
            value,
            headers,
        }
        .write(&mut self.area);
        self.next_delta = offset_delta + 1;
        self
    }

    /// True if there are no records yet.
    pub fn is_empty(&self) -> bool {
        self.header.records_count == 0
    }

    /// Bytes that the batch would take uncompressed.
    pub fn size(&self) -> usize {
        HEADER_SIZE + self.area.len()
    }

    /// The batch.
    pub fn build(self) -> Batch {
        let (mut header, area) = match self.compression {
            Compression::None => (self.header, self.area),
            codec => (self.header, codec.compress(&self.area)),
        };
        header.attributes |= self.compression.id();
        Batch::sealed(header, &area)
    }

    fn attribute(mut self, bit: i16, on: bool) -> BatchBuilder {
        if on {
            self.header.attributes |= bit;
        } else {
            self.header.attributes &= !bit;
        }
        self
    }
}
