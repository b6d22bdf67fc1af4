//! What the coordinator can be asked, what can become true, be answered, be done outside.

use once_wire::error::ErrorCode;

use super::state::{TransactionMetadata, TransactionVersion};
use crate::ids::TopicPartition;
use crate::machine::{Millis, ProducerIdentity, Waiter};

/// Settings, under Kafka's names where Kafka has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionConfig {
    /// `transaction.max.timeout.ms`: the longest timeout a client may ask for.
    pub max_timeout_ms: i32,
    /// `transactional.id.expiration.ms`: an idle id is forgotten after this long.
    pub id_expiration_ms: Millis,
    /// How long a request waits for a transaction to complete before it is answered as Kafka
    /// answers at once.
    pub park_ms: Millis,
    /// The finalized level of the feature `transaction.version`, which the coordinator's own
    /// aborts are made in.
    pub version: TransactionVersion,
}

impl Default for TransactionConfig {
    /// Kafka's defaults: 15 minutes, 7 days; 5 seconds of parking; version 1.
    fn default() -> Self {
        Self {
            max_timeout_ms: 900_000,
            id_expiration_ms: 604_800_000,
            park_ms: 5_000,
            version: TransactionVersion::V1,
        }
    }
}

/// What can be asked. The empty transactional id is answered INVALID_REQUEST.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// InitProducerId with a transactional id.
    Init {
        /// Who.
        transactional_id: String,
        /// Timeout of its transactions.
        timeout_ms: i32,
        /// Whom the client believes to be (KIP-360); `None` for a client that starts.
        expected: Option<ProducerIdentity>,
        /// A producer id that nobody used, for an id that is new or whose epochs are used up.
        /// It is lost if not needed.
        fresh_producer_id: i64,
    },
    /// AddPartitionsToTxn, or AddOffsetsToTxn with the group's partition of
    /// `__consumer_offsets`. The partitions exist and may be written: the caller looked.
    AddPartitions {
        /// Who.
        transactional_id: String,
        /// As whom.
        producer: ProducerIdentity,
        /// What.
        partitions: Vec<TopicPartition>,
        /// Protocol of the request.
        client_version: TransactionVersion,
    },
    /// EndTxn.
    End {
        /// Who.
        transactional_id: String,
        /// As whom.
        producer: ProducerIdentity,
        /// Commit or abort.
        commit: bool,
        /// Protocol of the request.
        client_version: TransactionVersion,
    },
    /// Every marker of a [`Effect::WriteMarkers`] is durable. Said once for each effect: in
    /// transaction version 1 nothing tells two transactions of one producer apart.
    MarkersWritten {
        /// Of which id.
        transactional_id: String,
        /// The effect's producer.
        producer: ProducerIdentity,
    },
    /// The deadline passed.
    Tick,
}

/// What can become true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The id now stands so. Durable.
    Stored {
        /// Whose.
        transactional_id: String,
        /// What is stored.
        metadata: TransactionMetadata,
    },
    /// The id expired. Durable, a tombstone.
    Removed {
        /// Whose.
        transactional_id: String,
    },
    /// How a retried InitProducerId will be judged. Volatile.
    Remembered {
        /// Whose.
        transactional_id: String,
        /// What.
        memory: RetryMemory,
    },
    /// A request waits for the transaction to complete. Volatile.
    Parked {
        /// Whose.
        transactional_id: String,
        /// Which request.
        waiter: Waiter,
        /// When it is answered at the latest.
        until: Millis,
        /// For what it waits.
        wait: Wait,
    },
    /// A parked request was answered. Volatile.
    Released {
        /// Whose.
        transactional_id: String,
        /// Which request.
        waiter: Waiter,
    },
}

/// For what a parked request waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// EndTxn: for the completion.
    End,
    /// InitProducerId: for its turn after the completion.
    Init {
        /// As in the command.
        timeout_ms: i32,
        /// As in the command.
        expected: Option<ProducerIdentity>,
        /// As in the command.
        fresh_producer_id: i64,
    },
}

/// What tells a retried InitProducerId from a fenced producer. Forgotten when the producer id or
/// epoch changes and at a restart, as Kafka forgets its `lastProducerEpoch`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RetryMemory {
    /// The epoch that the holder of the current one named when it asked (Kafka:
    /// `lastProducerEpoch`): asked again, it gets the current one again.
    pub last_epoch: Option<i16>,
    /// The epoch of the producer at whose wish the open transaction is being aborted: it may go
    /// on although the abort itself moved the epoch.
    pub claimant: Option<i16>,
}

/// What can be answered. The error is the one that the newest request version sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// To Init: the producer to be.
    Init(Result<ProducerIdentity, ErrorCode>),
    /// To AddPartitions: one result for all of them.
    AddPartitions(Result<(), ErrorCode>),
    /// To End: the producer with which to go on.
    End(Result<ProducerIdentity, ErrorCode>),
}

/// What must be done outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Write a marker to each partition, then say [`Command::MarkersWritten`]. A partition that
    /// no longer exists counts as written; with no partitions at all that is at once.
    WriteMarkers {
        /// Whose.
        transactional_id: String,
        /// Producer id and epoch for the markers: those of the Prepare record.
        producer: ProducerIdentity,
        /// Which marker.
        commit: bool,
        /// Where, in order.
        partitions: Vec<TopicPartition>,
        /// Leader epoch of this coordinator's partition.
        coordinator_epoch: i32,
        /// By which rule partitions judge the marker's epoch.
        transaction_version: TransactionVersion,
    },
}
