//! Control batches: the markers that end a transaction, and KRaft's own.

use bytes::{Buf, Bytes};

use crate::batch::{Batch, BatchBuilder};
use crate::codec::{Message, Writer};
use crate::message::snapshot_footer_record::SnapshotFooterRecord;
use crate::message::snapshot_header_record::SnapshotHeaderRecord;

/// What a control record says: the type in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlType {
    /// The transaction was aborted.
    Abort,
    /// The transaction was committed.
    Commit,
    /// A new KRaft leader.
    LeaderChange,
    /// The beginning of a KRaft snapshot.
    SnapshotHeader,
    /// The end of a KRaft snapshot.
    SnapshotFooter,
    /// The version of KRaft in use.
    KraftVersion,
    /// The voters of the KRaft quorum.
    KraftVoters,
    /// A type that Kafka 4.3 does not know.
    Unknown(i16),
}

impl ControlType {
    /// The number in the key.
    pub const fn id(self) -> i16 {
        match self {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::LeaderChange => 2,
            ControlType::SnapshotHeader => 3,
            ControlType::SnapshotFooter => 4,
            ControlType::KraftVersion => 5,
            ControlType::KraftVoters => 6,
            ControlType::Unknown(id) => id,
        }
    }

    /// The type of this number.
    pub const fn from_id(id: i16) -> ControlType {
        match id {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            2 => ControlType::LeaderChange,
            3 => ControlType::SnapshotHeader,
            4 => ControlType::SnapshotFooter,
            5 => ControlType::KraftVersion,
            6 => ControlType::KraftVoters,
            id => ControlType::Unknown(id),
        }
    }
}

/// The one record of a control batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRecord {
    /// What it says.
    pub kind: ControlType,
    /// The epoch of the transaction coordinator that wrote a marker; −1 for what is no marker.
    pub coordinator_epoch: i32,
}

impl ControlRecord {
    /// Reads the record of a control batch from its key and value; `None` if they are not one.
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Option<ControlRecord> {
        let (mut key, mut value) = (key, value);
        let _version = key.try_get_i16().ok()?;
        let kind = ControlType::from_id(key.try_get_i16().ok()?);
        let coordinator_epoch = match kind {
            ControlType::Abort | ControlType::Commit => {
                let _version = value.try_get_i16().ok()?;
                value.try_get_i32().ok()?
            }
            _ => -1,
        };
        Some(ControlRecord {
            kind,
            coordinator_epoch,
        })
    }
}

/// The batch of 78 bytes that ends a transaction in a partition, to be [`placed`](Batch::placed) there.
pub fn marker(
    producer_id: i64,
    epoch: i16,
    coordinator_epoch: i32,
    commit: bool,
    timestamp: i64,
) -> Batch {
    let kind = if commit {
        ControlType::Commit
    } else {
        ControlType::Abort
    };
    let mut value = [0; 6];
    value[2..].copy_from_slice(&coordinator_epoch.to_be_bytes());
    BatchBuilder::new()
        .producer(producer_id, epoch, -1)
        .transactional(true)
        .control(true)
        .push(timestamp, Some(&key(kind)), Some(&value), &[])
        .build()
}

/// The batch that begins a KRaft snapshot: the log that it stands for ends with a record of time `last_contained`,
/// in milliseconds.
pub fn snapshot_header(last_contained: i64, timestamp: i64) -> Batch {
    let header = SnapshotHeaderRecord {
        last_contained_log_timestamp: last_contained,
        ..Default::default()
    };
    krafts(ControlType::SnapshotHeader, &encoded(&header), timestamp)
}

/// The batch that ends a KRaft snapshot: without it the snapshot is not whole.
pub fn snapshot_footer(timestamp: i64) -> Batch {
    let footer = SnapshotFooterRecord::default();
    krafts(ControlType::SnapshotFooter, &encoded(&footer), timestamp)
}

/// A control batch of KRaft's own belongs to no transaction.
fn krafts(kind: ControlType, value: &[u8], timestamp: i64) -> Batch {
    BatchBuilder::new()
        .control(true)
        .push(timestamp, Some(&key(kind)), Some(value), &[])
        .build()
}

fn encoded<M: Message>(record: &M) -> Bytes {
    let mut writer = Writer::new();
    record
        .encode(&mut writer, 0)
        .expect("numbers fit their record");
    writer.finish_contiguous()
}

fn key(kind: ControlType) -> [u8; 4] {
    let mut key = [0; 4];
    key[2..].copy_from_slice(&kind.id().to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_begins_and_ends_with_control_records_of_their_own() {
        let header = snapshot_header(0x0102, 7);
        let footer = snapshot_footer(8);
        for (batch, kind) in [
            (&header, ControlType::SnapshotHeader),
            (&footer, ControlType::SnapshotFooter),
        ] {
            assert!(batch.is_control() && !batch.is_transactional());
            assert_eq!(batch.control().map(|control| control.kind), Some(kind));
        }
        let mut records = header.records(100).expect("not compressed");
        let record = records.next().expect("one").expect("sound");
        let version_time_and_no_tags = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0];
        assert_eq!(record.value.expect("one"), version_time_and_no_tags[..]);
    }
}
