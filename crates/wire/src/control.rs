//! Control batches: the markers that end a transaction, and KRaft's own.

use bytes::Buf;

use crate::batch::{Batch, BatchBuilder};

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
    let mut key = [0; 4];
    key[2..].copy_from_slice(&kind.id().to_be_bytes());
    let mut value = [0; 6];
    value[2..].copy_from_slice(&coordinator_epoch.to_be_bytes());
    BatchBuilder::new()
        .producer(producer_id, epoch, -1)
        .transactional(true)
        .control(true)
        .push(timestamp, Some(&key), Some(&value), &[])
        .build()
}
