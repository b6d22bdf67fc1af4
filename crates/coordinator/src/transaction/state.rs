//! What is stored of one transactional id, and the moves between its states.

use std::collections::BTreeSet;

use crate::ids::TopicPartition;
use crate::machine::{Millis, ProducerIdentity};

/// No producer id: Kafka's `RecordBatch.NO_PRODUCER_ID`.
pub(crate) const NO_PRODUCER_ID: i64 = -1;

/// No producer epoch: Kafka's `RecordBatch.NO_PRODUCER_EPOCH`.
pub(crate) const NO_PRODUCER_EPOCH: i16 = -1;

/// The state of a transactional id (Kafka: `TransactionState`).
///
/// Kafka's `Dead` and `PrepareEpochFence` are states of a transition under way, which we do not
/// have; they are never stored there either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TransactionState {
    /// Initialised; nothing was written since. From itself and the Complete states.
    Empty,
    /// Partitions were added. From itself, Empty and the Complete states.
    Ongoing,
    /// Committed: markers are being written. From Ongoing.
    PrepareCommit,
    /// Aborted: markers are being written. From Ongoing (and, in transaction version 2, from
    /// Empty and the Complete states).
    PrepareAbort,
    /// Every COMMIT marker is written. From PrepareCommit.
    CompleteCommit,
    /// Every ABORT marker is written. From PrepareAbort.
    CompleteAbort,
}

impl TransactionState {
    /// All states, in the order of their ids.
    pub const ALL: [Self; 6] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
    ];

    /// The number under which the state is stored.
    #[must_use]
    pub fn id(self) -> i8 {
        match self {
            Self::Empty => 0,
            Self::Ongoing => 1,
            Self::PrepareCommit => 2,
            Self::PrepareAbort => 3,
            Self::CompleteCommit => 4,
            Self::CompleteAbort => 5,
        }
    }

    /// The state stored as `id`, if it is one.
    #[must_use]
    pub fn from_id(id: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }

    /// Kafka's name, as DescribeTransactions and ListTransactions give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }

    /// Whether the outcome is decided and markers are still being written.
    #[must_use]
    pub fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }

    /// Whether no transaction is open: only then may the id expire or get a new epoch.
    #[must_use]
    pub fn is_idle(self) -> bool {
        matches!(
            self,
            Self::Empty | Self::CompleteCommit | Self::CompleteAbort
        )
    }

    /// Whether a transition from `self` to `next` is legal.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match next {
            Self::Empty => self.is_idle(),
            Self::Ongoing => self.is_idle() || self == Self::Ongoing,
            Self::PrepareCommit | Self::PrepareAbort => self == Self::Ongoing,
            Self::CompleteCommit => self == Self::PrepareCommit,
            Self::CompleteAbort => self == Self::PrepareAbort,
        }
    }
}

/// Which transaction protocol a request speaks (Kafka's feature `transaction.version`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum TransactionVersion {
    /// Classic transactions. Clients below EndTxn 5 count as this one.
    #[default]
    V0,
    /// The same protocol; the log's records are flexible.
    V1,
    /// KIP-890 part 2: partitions are added by writing to them, and each EndTxn bumps the epoch.
    V2,
}

impl TransactionVersion {
    /// The feature level.
    #[must_use]
    pub fn level(self) -> i16 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version of a feature level, if known.
    #[must_use]
    pub fn from_level(level: i16) -> Option<Self> {
        [Self::V0, Self::V1, Self::V2]
            .into_iter()
            .find(|version| version.level() == level)
    }
}

/// What is stored of one transactional id: the content of one record of `__transaction_state`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionMetadata {
    /// The producer that may write. Its epoch is −1 only before the first InitProducerId is
    /// answered, which is never stored.
    pub producer: ProducerIdentity,
    /// Producer id before the last transition, −1 if none: equal to the current one unless that
    /// transition rotated it.
    pub previous_producer_id: i64,
    /// Producer id that takes over when the transaction completes, −1 if none (version 2).
    pub next_producer_id: i64,
    /// Epoch of `next_producer_id`, −1 if none (KIP-939).
    pub next_producer_epoch: i16,
    /// Time after which an open transaction is aborted, in ms; `i32::MAX` is never.
    pub timeout_ms: i32,
    /// State.
    pub state: TransactionState,
    /// Partitions of the open transaction.
    pub partitions: BTreeSet<TopicPartition>,
    /// When the open or last transaction began; −1 after InitProducerId.
    pub start_ms: Millis,
    /// When this record was made.
    pub last_update_ms: Millis,
    /// Protocol of the client that made the last move of a transaction.
    pub client_version: TransactionVersion,
}

impl TransactionMetadata {
    /// An id that nobody used before: it has a producer id and no epoch yet.
    pub(crate) fn unborn(producer_id: i64, timeout_ms: i32, now: Millis) -> Self {
        Self {
            producer: ProducerIdentity {
                id: producer_id,
                epoch: NO_PRODUCER_EPOCH,
            },
            previous_producer_id: NO_PRODUCER_ID,
            next_producer_id: NO_PRODUCER_ID,
            next_producer_epoch: NO_PRODUCER_EPOCH,
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            start_ms: -1,
            last_update_ms: now,
            client_version: TransactionVersion::V0,
        }
    }

    /// The successor in `state` with everything else kept. Partitions stay only while a
    /// transaction is open; the previous producer id becomes today's, as in Kafka's
    /// `prepareTransitionTo`.
    ///
    /// # Panics
    /// The move is illegal: a broken machine must not write.
    pub(crate) fn moved_to(&self, state: TransactionState, now: Millis) -> Self {
        assert!(
            self.state.may_become(state),
            "a transaction cannot go from {} to {}",
            self.state.name(),
            state.name()
        );
        let partitions = if state.is_idle() {
            BTreeSet::new()
        } else {
            self.partitions.clone()
        };
        Self {
            producer: self.producer,
            previous_producer_id: self.producer.id,
            next_producer_id: self.next_producer_id,
            next_producer_epoch: self.next_producer_epoch,
            timeout_ms: self.timeout_ms,
            state,
            partitions,
            start_ms: self.start_ms,
            last_update_ms: now,
            client_version: self.client_version,
        }
    }

    /// Whether the epochs of the producer id are used up. `i16::MAX` is never given to a client:
    /// it stays free for fencing the last holder.
    #[must_use]
    pub fn epoch_exhausted(&self) -> bool {
        is_exhausted(self.producer.epoch)
    }
}

/// Whether `epoch` is the last that a client may hold, or the one kept for fencing.
pub(crate) fn is_exhausted(epoch: i16) -> bool {
    epoch >= i16::MAX - 1
}
