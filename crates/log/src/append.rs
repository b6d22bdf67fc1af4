//! Appending: judge on copies, place the batch, commit the copies. Nothing changes if a check fails.

use once_wire::batch::{Batch, ClientBatch, TimestampType};
use once_wire::control;

use crate::error::AppendError;
use crate::log::PartitionLog;
use crate::mutant::Mutant;
use crate::producer::{CompletedTransaction, Marker, NONE, Origin, ProducerAppend};
use crate::producers::data_batch;
use crate::segments::{Extent, Segment};
use crate::write::{BatchWrite, Write};

/// The answer to an append. It may be given to the client once the high watermark passes `last_offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first record.
    pub base_offset: i64,
    /// The offset of the last record.
    pub last_offset: i64,
    /// When the broker appended it, in milliseconds, if the topic's timestamps are the broker's, else −1.
    /// Of a duplicate it is the original's largest timestamp either way, as Kafka has it.
    pub log_append_time: i64,
    /// The log start offset.
    pub log_start_offset: i64,
    /// The batch was in the log already: the offsets are the original's, and nothing is to be written.
    pub duplicate: bool,
    /// What is to be written, in this order.
    pub writes: Vec<Write>,
}

impl PartitionLog {
    /// Appends a client's batch: size, timestamps, keys, then duplicates, epoch, sequence and transaction are
    /// judged. Its records are not unpacked again.
    ///
    /// The header's largest timestamp becomes that of the records, if the client told another one (Kafka's
    /// `LogValidator`): searches by time rely on it.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing has changed.
    pub fn append_client(
        &mut self,
        now: i64,
        batch: &ClientBatch,
    ) -> Result<Appended, AppendError> {
        self.check_size(batch)?;
        self.check_timestamps(now, batch)?;
        self.check_keys(batch)?;
        if let Some(original) = self.duplicate_of(batch) {
            return Ok(original);
        }
        let latest = batch.survey().latest;
        if batch.max_timestamp() != latest {
            return self.append_data(now, Origin::Client, &batch.with_max_timestamp(latest));
        }
        self.append_data(now, Origin::Client, batch)
    }

    /// Whether the batch is one of its producer's remembered batches: appended again it is a duplicate.
    #[must_use]
    pub fn holds(&self, batch: &Batch) -> bool {
        self.duplicate_of(batch).is_some()
    }

    /// Appends a batch that a coordinator of this broker made (offset commits, transaction state): no sequence
    /// checks; a transactional batch opens the transaction here.
    ///
    /// Size, timestamps and keys are not judged: those are bounds on clients, and what a coordinator decided has
    /// been answered for.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing has changed.
    pub fn append_coordinator(&mut self, now: i64, batch: &Batch) -> Result<Appended, AppendError> {
        self.append_data(now, Origin::Coordinator, batch)
    }

    /// Ends a producer's transaction in this partition, if one is open; a marker is written in any case.
    ///
    /// # Errors
    /// [`AppendError::StaleProducerEpoch`], [`AppendError::CoordinatorFenced`]; nothing has changed.
    pub fn append_marker(&mut self, now: i64, marker: &Marker) -> Result<Appended, AppendError> {
        let offset = self.offsets.end();
        let mut producer = self.producers.prepare(marker.producer_id);
        let completed = producer.marker(Origin::Coordinator, marker, offset, now)?;
        let batch = control::marker(
            marker.producer_id,
            marker.producer_epoch,
            marker.coordinator_epoch,
            marker.commit,
            now,
        );
        let placed = batch.placed(offset, self.leader_epoch);
        Ok(self.place(now, placed, Some(producer), completed))
    }

    fn append_data(
        &mut self,
        now: i64,
        origin: Origin,
        batch: &Batch,
    ) -> Result<Appended, AppendError> {
        let placed = match self.config.timestamp_type {
            TimestampType::CreateTime => batch.placed(self.offsets.end(), self.leader_epoch),
            TimestampType::LogAppendTime => {
                batch.placed_at(self.offsets.end(), self.leader_epoch, now)
            }
        };
        let mut producer = None;
        if placed.producer_id() >= 0 {
            let origin = match origin {
                Origin::Client if self.config.breaks(Mutant::EpochCheck) => Origin::Replay,
                Origin::Client
                    if self.config.breaks(Mutant::SequenceCheck)
                        || self.config.breaks(Mutant::Dedupe) =>
                {
                    Origin::Coordinator
                }
                judged => judged,
            };
            let mut append = self.producers.prepare(placed.producer_id());
            append.data(origin, &data_batch(&placed, now))?;
            producer = Some(append);
        }
        Ok(self.place(now, placed, producer, None))
    }

    /// Everything was judged: the batch goes to the end of the log, and what was judged on copies holds.
    fn place(
        &mut self,
        now: i64,
        batch: Batch,
        producer: Option<ProducerAppend>,
        completed: Option<CompletedTransaction>,
    ) -> Appended {
        let mut writes = Vec::with_capacity(1);
        let extent = Extent::of(&batch);
        self.make_room(now, &extent, &mut writes);
        self.offsets.appended(extent.last_offset);
        let aborted = producer.and_then(|append| self.producers.commit(append, completed));
        let segment = self
            .segments
            .last_mut()
            .expect("make_room leaves a segment to append to");
        let position = segment.size;
        let (index, time_index) = segment.push(&extent, self.config.index_interval_bytes);
        segment.aborted.extend(aborted);
        self.tail.push(segment.base, &batch);
        writes.push(Write::Batch(BatchWrite {
            segment: segment.base,
            position,
            end: extent.last_offset + 1,
            bytes: batch.as_bytes().clone(),
            index,
            time_index,
            aborted,
        }));
        let stamped =
            self.config.timestamp_type == TimestampType::LogAppendTime && !batch.is_control();
        Appended {
            base_offset: batch.base_offset(),
            last_offset: extent.last_offset,
            log_append_time: if stamped { batch.max_timestamp() } else { NONE },
            log_start_offset: self.offsets.start(),
            duplicate: false,
            writes,
        }
    }

    /// Writes the leader epochs if they are new, and rolls if the batch may not go to the last segment.
    fn make_room(&mut self, now: i64, batch: &Extent, writes: &mut Vec<Write>) {
        if self.epochs_unwritten {
            writes.push(Write::LeaderEpochs(self.epochs.entries().to_vec()));
            self.epochs_unwritten = false;
        }
        let last = self.segments.last();
        if last.is_none_or(|active| active.must_roll(&self.config, now, batch)) {
            self.roll(now, writes);
        }
    }

    /// Closes the last segment, and begins another at the log's end.
    pub(crate) fn roll(&mut self, now: i64, writes: &mut Vec<Write>) {
        let base = self.offsets.end();
        if let Some(active) = self.segments.last_mut() {
            let segment = active.base;
            writes.extend(
                active
                    .take_time_entry()
                    .map(|entry| Write::TimeIndex { segment, entry }),
            );
            if self.last_snapshot != Some(base) {
                writes.push(Write::Snapshot(self.snapshot()));
                self.last_snapshot = Some(base);
            }
        }
        writes.push(Write::Roll { base });
        self.segments.push(Segment::new(base, now));
    }

    fn check_size(&self, batch: &Batch) -> Result<(), AppendError> {
        let limit = self.config.max_message_bytes;
        if batch.size() as u64 > u64::from(limit) {
            return Err(AppendError::TooLarge {
                size: batch.size(),
                limit,
            });
        }
        Ok(())
    }

    fn check_timestamps(&self, now: i64, batch: &ClientBatch) -> Result<(), AppendError> {
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            return Ok(());
        }
        let earliest = now.saturating_sub(self.config.timestamp_before_max_ms);
        let latest = now.saturating_add(self.config.timestamp_after_max_ms);
        let seen = batch.survey();
        for timestamp in [seen.earliest.unwrap_or(NONE), seen.latest] {
            if timestamp != NONE && !(earliest..=latest).contains(&timestamp) {
                return Err(AppendError::TimestampOutOfRange {
                    timestamp,
                    earliest,
                    latest,
                });
            }
        }
        Ok(())
    }

    fn check_keys(&self, batch: &ClientBatch) -> Result<(), AppendError> {
        match batch.survey().keyless {
            Some(offset_delta) if self.config.compacted => Err(AppendError::MissingKey {
                offset_delta: i64::from(offset_delta),
            }),
            _ => Ok(()),
        }
    }

    /// The original's answer, if the batch is one of its producer's remembered batches.
    fn duplicate_of(&self, batch: &Batch) -> Option<Appended> {
        let entry = self.producers.get(batch.producer_id())?;
        let original = entry.duplicate_of(
            batch.producer_epoch(),
            batch.base_sequence(),
            batch.last_sequence(),
        )?;
        let last = entry.last_sequence() == batch.last_sequence();
        if self.config.breaks(Mutant::Dedupe) || (self.config.breaks(Mutant::DedupeWindow) && !last)
        {
            return None;
        }
        Some(Appended {
            base_offset: original.first_offset(),
            last_offset: original.last_offset,
            log_append_time: original.timestamp,
            log_start_offset: self.offsets.start(),
            duplicate: true,
            writes: Vec::new(),
        })
    }
}
