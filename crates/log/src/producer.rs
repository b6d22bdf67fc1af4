//! What a partition knows of one producer, and the rules that refuse its duplicates, gaps and zombies.
//!
//! The rules are Kafka's (`ProducerAppendInfo`, `ProducerStateEntry`). They are judged on a copy of the entry,
//! [`ProducerAppend`]; the copy replaces the entry only when the batch is in the log.

use crate::error::AppendError;

#[cfg(test)]
mod tests;

/// How many of a producer's last batches are remembered, to answer a retry as the original was answered.
/// Clients may have five requests in flight (KIP-98), so five suffice.
pub const WINDOW: usize = 5;

/// "None" in the fields of a batch: no producer id, no epoch, no sequence, no timestamp.
pub(crate) const NONE: i64 = -1;

/// What is remembered of one batch: enough to recognise it and to repeat its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetadata {
    /// The sequence of its last record.
    pub last_sequence: i32,
    /// The offset of its last record.
    pub last_offset: i64,
    /// Last offset minus first, and so last sequence minus first.
    pub offset_delta: i32,
    /// Its largest timestamp, in milliseconds.
    pub timestamp: i64,
}

impl BatchMetadata {
    const UNUSED: BatchMetadata = BatchMetadata {
        last_sequence: -1,
        last_offset: -1,
        offset_delta: 0,
        timestamp: -1,
    };

    /// The sequence of its first record; sequences wrap from 2^31−1 to 0.
    #[must_use]
    pub fn first_sequence(&self) -> i32 {
        self.last_sequence.wrapping_sub(self.offset_delta) & i32::MAX
    }

    /// The offset of its first record.
    #[must_use]
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// One producer's state in one partition. Two are equal if they know the same, whenever they were heard of.
#[derive(Clone, Debug, Eq)]
pub struct ProducerEntry {
    /// The highest epoch seen from it; −1 before the first batch.
    pub epoch: i16,
    /// The epoch of the coordinator that wrote its last marker; −1 if none did.
    pub coordinator_epoch: i32,
    /// When its last batch or marker came, in milliseconds of the broker's clock, or the batch's largest timestamp if
    /// that is later. After a start it is the time of the start, of batches that were read again. (Kafka: the timestamp alone,
    /// so that who sends old records is forgotten while it sends, and its next retry is a second copy.)
    pub last_timestamp: i64,
    /// The first offset of its open transaction.
    pub current_txn_first_offset: Option<i64>,
    window: [BatchMetadata; WINDOW],
    in_window: usize,
}

impl PartialEq for ProducerEntry {
    fn eq(&self, other: &Self) -> bool {
        let known = |entry: &Self| {
            let transaction = entry.current_txn_first_offset;
            (entry.epoch, entry.coordinator_epoch, transaction)
        };
        known(self) == known(other) && self.batches() == other.batches()
    }
}

impl ProducerEntry {
    /// A producer of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        ProducerEntry {
            epoch: -1,
            coordinator_epoch: -1,
            last_timestamp: NONE,
            current_txn_first_offset: None,
            window: [BatchMetadata::UNUSED; WINDOW],
            in_window: 0,
        }
    }

    /// Its last batches under the current epoch, oldest first, at most [`WINDOW`].
    #[must_use]
    pub fn batches(&self) -> &[BatchMetadata] {
        &self.window[..self.in_window]
    }

    /// The sequence of its last record under the current epoch; −1 if there was none.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        self.batches().last().map_or(-1, |b| b.last_sequence)
    }

    /// The remembered batch with exactly these sequences under this epoch: a retry of it is a duplicate.
    #[must_use]
    pub fn duplicate_of(
        &self,
        epoch: i16,
        first_sequence: i32,
        last_sequence: i32,
    ) -> Option<&BatchMetadata> {
        if epoch != self.epoch {
            return None;
        }
        self.batches()
            .iter()
            .find(|b| b.last_sequence == last_sequence && b.first_sequence() == first_sequence)
    }

    /// True if it may be forgotten at `now`: idle for long enough, and no open transaction pins it.
    #[must_use]
    pub fn is_expired(&self, now: i64, expiration_ms: i64) -> bool {
        self.current_txn_first_offset.is_none()
            && now.saturating_sub(self.last_timestamp) >= expiration_ms
    }

    /// Remembers one more batch; the oldest goes when the window is full.
    pub(crate) fn push(&mut self, batch: BatchMetadata) {
        if self.in_window == WINDOW {
            self.window.rotate_left(1);
            self.in_window -= 1;
            self.window[self.in_window] = BatchMetadata::UNUSED;
        }
        self.window[self.in_window] = batch;
        self.in_window += 1;
    }

    /// Replaces the remembered batches.
    pub(crate) fn set_batches(&mut self, batches: &[BatchMetadata]) {
        self.window = [BatchMetadata::UNUSED; WINDOW];
        self.in_window = 0;
        for batch in batches {
            self.push(*batch);
        }
    }

    /// Another epoch begins its sequences anew.
    fn set_epoch(&mut self, epoch: i16) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.set_batches(&[]);
        }
    }
}

/// Who hands a batch to the log, and so which rules judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A producer: every rule.
    Client,
    /// A coordinator of this broker: the epoch rule, no sequences.
    Coordinator,
    /// The log itself, read again: it was judged when it was written.
    Replay,
}

/// What the rules need to know of a batch of data that is about to be, or was, placed in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataBatch {
    /// The epoch it claims.
    pub epoch: i16,
    /// The sequence of its first record.
    pub base_sequence: i32,
    /// The sequence of its last record.
    pub last_sequence: i32,
    /// The offset its first record gets.
    pub base_offset: i64,
    /// The offset its last record gets.
    pub last_offset: i64,
    /// Its largest timestamp, in milliseconds.
    pub max_timestamp: i64,
    /// When it came, or was read again, in milliseconds.
    pub now: i64,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
}

/// The end of a transaction, as a coordinator asks a partition to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whose transaction ends.
    pub producer_id: i64,
    /// Under which epoch.
    pub producer_epoch: i16,
    /// The epoch of the coordinator that says so.
    pub coordinator_epoch: i32,
    /// Commit, or abort.
    pub commit: bool,
    /// The transaction version under which it ends: from 2 on (KIP-890) each end has an epoch of its own.
    pub transaction_version: i16,
}

/// A transaction that has just ended in this partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTransaction {
    /// Whose it was.
    pub producer_id: i64,
    /// Its first record.
    pub first_offset: i64,
    /// Its marker.
    pub last_offset: i64,
    /// How it ended.
    pub committed: bool,
}

/// A producer's entry as it will be once a batch is in the log: judged and changed here, committed later.
#[derive(Clone, Debug)]
pub struct ProducerAppend {
    producer_id: i64,
    known: bool,
    entry: ProducerEntry,
}

impl ProducerAppend {
    /// Starts from a copy of what is known, if anything is.
    #[must_use]
    pub fn new(producer_id: i64, current: Option<&ProducerEntry>) -> Self {
        ProducerAppend {
            producer_id,
            known: current.is_some(),
            entry: current.cloned().unwrap_or_else(ProducerEntry::unknown),
        }
    }

    /// A batch of data: epoch, sequence and transaction rules, in Kafka's order.
    ///
    /// # Errors
    /// [`AppendError::StaleProducerEpoch`], [`AppendError::OutOfOrderSequence`] and
    /// [`AppendError::NotTransactional`]; the copy is then worthless.
    pub fn data(&mut self, origin: Origin, batch: &DataBatch) -> Result<(), AppendError> {
        if origin != Origin::Replay {
            self.check_epoch(batch.epoch)?;
        }
        if origin == Origin::Client {
            self.check_sequence(batch)?;
        }
        if self.entry.current_txn_first_offset.is_some()
            && !batch.transactional
            && origin != Origin::Replay
        {
            return Err(AppendError::NotTransactional {
                producer_id: self.producer_id,
            });
        }
        self.entry.set_epoch(batch.epoch);
        self.entry.push(BatchMetadata {
            last_sequence: batch.last_sequence,
            last_offset: batch.last_offset,
            offset_delta: i32::try_from(batch.last_offset - batch.base_offset)
                .expect("a batch's last offset delta has 31 bits"),
            timestamp: batch.max_timestamp,
        });
        self.entry.last_timestamp = batch.max_timestamp.max(batch.now);
        if batch.transactional {
            self.entry
                .current_txn_first_offset
                .get_or_insert(batch.base_offset);
        }
        Ok(())
    }

    /// A marker at `offset`: epoch and coordinator fence, then the transaction, if one is open, is complete.
    ///
    /// # Errors
    /// [`AppendError::StaleProducerEpoch`] and [`AppendError::CoordinatorFenced`]; the copy is then worthless.
    pub fn marker(
        &mut self,
        origin: Origin,
        marker: &Marker,
        offset: i64,
        timestamp: i64,
    ) -> Result<Option<CompletedTransaction>, AppendError> {
        if origin != Origin::Replay {
            self.check_marker(marker)?;
        }
        self.entry.set_epoch(marker.producer_epoch);
        self.entry.coordinator_epoch = marker.coordinator_epoch;
        self.entry.last_timestamp = timestamp;
        Ok(self
            .entry
            .current_txn_first_offset
            .take()
            .map(|first_offset| CompletedTransaction {
                producer_id: self.producer_id,
                first_offset,
                last_offset: offset,
                committed: marker.commit,
            }))
    }

    /// Whose entry, and the entry as it now is.
    #[must_use]
    pub fn into_entry(self) -> (i64, ProducerEntry) {
        (self.producer_id, self.entry)
    }

    fn check_epoch(&self, epoch: i16) -> Result<(), AppendError> {
        if epoch < self.entry.epoch {
            return Err(self.stale(epoch));
        }
        Ok(())
    }

    /// Of an unknown producer any sequence is accepted: its state may have been lost to retention.
    fn check_sequence(&self, batch: &DataBatch) -> Result<(), AppendError> {
        let first = batch.base_sequence;
        let last = self.entry.last_sequence();
        let in_order = !self.known
            || if batch.epoch == self.entry.epoch {
                i64::from(first) == i64::from(last) + 1 || (first == 0 && last == i32::MAX)
            } else {
                first == 0
            };
        if in_order {
            return Ok(());
        }
        Err(AppendError::OutOfOrderSequence {
            producer_id: self.producer_id,
            epoch: batch.epoch,
            first_sequence: first,
            current_epoch: self.entry.epoch,
            current_last_sequence: last,
        })
    }

    /// Under transaction version 2 an end bumps the epoch, so a marker of the current epoch is late, unless
    /// nothing is open (a retry of a marker already written, KAFKA-19999) or no epoch is left to bump to.
    fn check_marker(&self, marker: &Marker) -> Result<(), AppendError> {
        self.check_epoch(marker.producer_epoch)?;
        let late = marker.transaction_version >= 2
            && marker.producer_epoch == self.entry.epoch
            && marker.producer_epoch != i16::MAX
            && self.entry.current_txn_first_offset.is_some();
        if late {
            return Err(self.stale(marker.producer_epoch));
        }
        if marker.coordinator_epoch < self.entry.coordinator_epoch {
            return Err(AppendError::CoordinatorFenced {
                producer_id: self.producer_id,
                coordinator_epoch: marker.coordinator_epoch,
                current: self.entry.coordinator_epoch,
            });
        }
        Ok(())
    }

    fn stale(&self, epoch: i16) -> AppendError {
        AppendError::StaleProducerEpoch {
            producer_id: self.producer_id,
            epoch,
            current: self.entry.epoch,
        }
    }
}
