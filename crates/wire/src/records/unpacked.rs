//! A batch's records for who leaves some of them out: compaction. What stays is copied as it stands.

use bytes::{Bytes, BytesMut};

use super::{Cursor, Part, RawRecord, put_varlong};
use crate::batch::{Batch, BatchError, BatchHeader, TimestampType};

/// The records of one batch, decompressed, each found and none copied.
#[derive(Debug)]
pub struct Unpacked {
    header: BatchHeader,
    area: Bytes,
    records: Vec<RawRecord>,
}

/// As much of a record as compaction looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// The offset in the partition.
    pub offset: i64,
    /// The key, or null.
    pub key: Option<&'a [u8]>,
    /// False of a tombstone.
    pub has_value: bool,
}

impl Unpacked {
    /// `area` is the record area, decompressed. It must hold as many records as the header says, and no more.
    pub(crate) fn new(header: BatchHeader, area: Bytes) -> Result<Self, BatchError> {
        let mut cursor = Cursor { area: &area, at: 0 };
        let mut records = Vec::new();
        for _ in 0..header.records_count() {
            records.push(cursor.record()?);
        }
        match area.len() - cursor.at {
            0 => Ok(Unpacked {
                header,
                area,
                records,
            }),
            trailing => Err(BatchError::TrailingBytes(trailing)),
        }
    }

    /// A look at each record, in order.
    pub fn glances(&self) -> impl Iterator<Item = Glance<'_>> {
        let part = |part: Part| &self.area[part.start..part.end];
        self.records.iter().map(move |raw| Glance {
            offset: (self.header.base_offset()).wrapping_add(i64::from(raw.offset_delta)),
            key: raw.key.map(part),
            has_value: raw.value.is_some(),
        })
    }

    /// The batch with those records only for which `kept`, in their order, says so: one at least. Offsets, sequences,
    /// timestamps, headers and the codec stay; the batch's offsets stay its own, whatever is left in it.
    ///
    /// With a `horizon` the batch gets that time (milliseconds since 1970) as its delete horizon (KIP-534).
    pub fn keep(&self, kept: &[bool], horizon: Option<i64>) -> Batch {
        let base = horizon.unwrap_or(self.header.base_timestamp());
        // Of records that have their batch's append time nobody reads a time of their own.
        let create_time = self.header.timestamp_type() == TimestampType::CreateTime;
        let earlier_by = if create_time {
            base.wrapping_sub(self.header.base_timestamp())
        } else {
            0
        };
        let mut area = Vec::with_capacity(self.area.len());
        let (mut count, mut latest) = (0, i64::MIN);
        for (raw, _) in self.records.iter().zip(kept).filter(|(_, kept)| **kept) {
            count += 1;
            let timestamp = (self.header.base_timestamp()).wrapping_add(raw.timestamp_delta);
            latest = latest.max(timestamp);
            if earlier_by == 0 {
                area.extend_from_slice(&self.area[raw.start..raw.end]);
            } else {
                self.put(&mut area, raw, raw.timestamp_delta.wrapping_sub(earlier_by));
            }
        }
        let latest = create_time.then_some(latest);
        Batch::with_records(&self.header, count, latest, horizon, &area)
    }

    /// The record with another distance to the base timestamp.
    fn put(&self, out: &mut Vec<u8>, raw: &RawRecord, timestamp_delta: i64) {
        let mut body = BytesMut::with_capacity(raw.end - raw.start + 10);
        let mut head = vec![raw.attributes as u8];
        put_varlong(&mut head, timestamp_delta);
        body.extend_from_slice(&head);
        body.extend_from_slice(&self.area[raw.after_timestamp..raw.end]);
        put_varlong(out, body.len() as i64);
        out.extend_from_slice(&body);
    }
}
