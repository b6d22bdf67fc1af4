//! Room on the disk, and who may still write when it runs short.
//!
//! A write that finds the disk full ends the process: memory runs ahead of the log, and only losing
//! both brings them to agree. So the engine stops taking data before. It cannot look at a disk; it
//! asks how much is free ([`Output::Measure`]) and counts what it appended since.
//!
//! ```text
//!  free ───────────────┬──────────────────┬───────────────┬────────────────┬── 0
//!   everybody writes   │ reserve: no data │ half of it: no │ the journal's  │
//!                      │ of clients       │ memberships    │ next file      │
//! ```
//!
//! What is left belongs to the ends of open transactions (Prepare, markers, completion) and to what
//! makes room again, such as the deletion of a topic. Reading goes on in any case.

use super::core::Engine;
use super::ids::LogId;
use super::output::Output;
use crate::config::Config;
use crate::mutant::Mutant;
use once_coordinator::machine::{Millis, Waiter};
use once_coordinator::{catalog, group, transaction};
use once_log::Write;
use once_wire::batch::Batch;
use once_wire::error::ErrorCode;
use std::collections::{BTreeMap, VecDeque};

/// The reserve takes no more than this part of a small file system.
const PART_OF_ALL: u64 = 10;
/// How old an answer may be when something is written: others write to the disk too.
const STALE_MS: Millis = 1_000;
/// The same while data is refused.
const STALE_WHEN_SHORT_MS: Millis = 200;
/// Bytes appended after which the engine asks again, at the least and at the most.
const STEP_LEAST: u64 = 64 << 10;
const STEP_MOST: u64 = 16 << 20;
/// What the end of a transaction takes for one partition: its marker, its place in Prepare and in
/// the completion.
const END_BYTES: u64 = 512;
/// What a new segment takes beside its batches: its files' and, of the first one, the directory's
/// last blocks, a snapshot of the producers.
const SEGMENT_BYTES: u64 = 32 << 10;
/// What a batch takes beside its bytes, in indexes and in the journal.
const BATCH_BYTES: u64 = 64;
/// Producers that were refused and are remembered.
const TURNED_AWAY_MOST: usize = 4_096;

/// The bytes that data leaves free on a file system of so many, where so many are wanted.
#[must_use]
pub(crate) fn reserve(wanted: u64, total: u64) -> u64 {
    wanted.min(total / PART_OF_ALL)
}

/// How urgent a write is when room runs short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Urgency {
    /// Clients' data and what calls for more of it: records, offsets, more partitions for a
    /// transaction, topics and their settings.
    Growth,
    /// Who is in a group and who holds a transactional id: readers need it.
    Standing,
    /// What ends something or makes room.
    End,
}

impl Urgency {
    pub(super) fn of_catalog(command: &catalog::Command) -> Self {
        match command {
            catalog::Command::CreateTopics { .. }
            | catalog::Command::CreatePartitions { .. }
            | catalog::Command::AlterConfigs { .. } => Self::Growth,
            catalog::Command::Bootstrap
            | catalog::Command::DeleteTopics { .. }
            | catalog::Command::AllocateProducerIds => Self::End,
        }
    }

    pub(super) fn of_transaction(command: &transaction::Command) -> Self {
        match command {
            transaction::Command::AddPartitions { .. } => Self::Growth,
            transaction::Command::Init { .. } => Self::Standing,
            transaction::Command::End { .. }
            | transaction::Command::MarkersWritten { .. }
            | transaction::Command::Tick => Self::End,
        }
    }

    pub(super) fn of_group(command: &group::Command) -> Self {
        match command {
            group::Command::CommitOffsets(_) | group::Command::TxnCommitOffsets(_) => Self::Growth,
            group::Command::Join(_)
            | group::Command::Sync(_)
            | group::Command::Heartbeat(_)
            | group::Command::ConsumerHeartbeat(_) => Self::Standing,
            group::Command::Leave(_)
            | group::Command::DeleteOffsets(_)
            | group::Command::DeleteGroup(_)
            | group::Command::Topics(_)
            | group::Command::Tick => Self::End,
        }
    }
}

/// What was appended, and how much of it is certainly on the disk.
#[derive(Default)]
pub(super) struct Meter {
    /// Bytes appended so far.
    appended: u64,
    /// Appends that were not flushed when it was last looked, in order: the log, its end, and what
    /// was appended before.
    pending: VecDeque<(LogId, i64, u64)>,
}

impl Meter {
    /// A log was written to and ends there now.
    pub(super) fn add(&mut self, log: LogId, end: i64, writes: &[Write]) {
        self.pending.push_back((log, end, self.appended));
        self.appended += writes.iter().map(cost).sum::<u64>();
    }

    /// Drops what is flushed from the list.
    pub(super) fn settle(&mut self, is_flushed: impl Fn(LogId, i64) -> bool) {
        let settled = |(log, end, _): &mut (LogId, i64, u64)| is_flushed(*log, *end);
        while self.pending.pop_front_if(settled).is_some() {}
    }

    /// All of this was written before now.
    fn written(&self) -> u64 {
        self.pending
            .front()
            .map_or(self.appended, |(.., before)| *before)
    }
}

/// Bytes that a write takes of the disk, about.
fn cost(write: &Write) -> u64 {
    match write {
        Write::Batch(batch) => batch.bytes.len() as u64 + BATCH_BYTES,
        Write::Roll { .. } => SEGMENT_BYTES,
        Write::Snapshot(snapshot) => {
            let window = snapshot.window.as_ref().map_or(0, bytes::Bytes::len);
            (snapshot.producers.len() + window) as u64
        }
        Write::LeaderEpochs(_) | Write::TimeIndex { .. } | Write::Close => BATCH_BYTES,
        Write::State(state) => state.bytes.len() as u64,
        Write::DropSegments { .. } | Write::DropStates { .. } => 0,
    }
}

/// What is known of the disk's room.
pub(super) struct Space {
    /// `once.disk.reserve.bytes`.
    setting: u64,
    /// The same for the file system that it is.
    reserve: u64,
    /// What the journal takes at once.
    ahead: u64,
    /// How often a byte is written.
    copies: u64,
    /// What was free, and what was appended and written before it was looked. Without an answer
    /// nothing is refused.
    free: Option<(u64, u64)>,
    /// What was written before the look that is under way.
    asked: Option<u64>,
    asked_at: Millis,
    /// What had been appended then.
    asked_for: u64,
    /// Something was refused since.
    refused: bool,
    /// What the ends of open transactions will take.
    promised: u64,
    /// Data is refused.
    short: bool,
    /// The first sequence of a producer that a log has not met and that was refused there.
    turned_away: BTreeMap<(LogId, i64, i16), i32>,
}

impl Space {
    pub(super) fn new(config: &Config) -> Self {
        let journal = config.journal.filter(|_| config.has_journal());
        Self {
            setting: config.disk_reserve_bytes,
            reserve: config.disk_reserve_bytes,
            ahead: journal.map_or(0, |sizes| sizes.next),
            copies: 1 + u64::from(journal.is_some()),
            free: None,
            asked: None,
            asked_at: Millis::MIN,
            asked_for: 0,
            refused: false,
            promised: 0,
            short: false,
            turned_away: BTreeMap::new(),
        }
    }

    /// What is left for all but the journal and what was promised.
    fn left(&self, meter: &Meter) -> Option<u64> {
        let (free, before) = self.free?;
        let since = self.copies * meter.appended.saturating_sub(before);
        Some(free.saturating_sub(since + self.ahead + self.promised))
    }

    fn admits(&mut self, meter: &Meter, urgency: Urgency, bytes: u64) -> bool {
        let Some(left) = self.left(meter) else {
            return true;
        };
        let admitted = match urgency {
            Urgency::Growth => {
                self.short |= left < self.reserve + self.copies * bytes;
                !self.short
            }
            Urgency::Standing => left >= self.reserve / 2 + self.copies * bytes,
            Urgency::End => true,
        };
        self.refused |= !admitted;
        admitted
    }

    /// Whether it is time to look again. What nobody writes needs no room.
    fn is_due(&self, meter: &Meter, now: Millis) -> bool {
        let since = meter.appended - self.asked_for;
        if self.asked.is_some() || (since == 0 && !self.refused) {
            return false;
        }
        let stale = if self.short {
            STALE_WHEN_SHORT_MS
        } else {
            STALE_MS
        };
        let above = self.left(meter).unwrap_or(0).saturating_sub(self.reserve);
        let step = (above / (4 * self.copies)).clamp(STEP_LEAST, STEP_MOST);
        since >= step || now >= self.asked_at.saturating_add(stale)
    }

    /// Whether an answer leaves so little that promises count.
    fn is_close(&self) -> bool {
        self.free
            .is_some_and(|(free, _)| free < 4 * self.reserve + self.ahead)
    }

    /// There is room again for all: more than the reserve, so that it does not end at once.
    fn recovers(&mut self, meter: &Meter) -> bool {
        let left = self.left(meter).unwrap_or(u64::MAX);
        self.short && left >= self.reserve + self.reserve / 4 && {
            self.short = false;
            true
        }
    }
}

impl Engine {
    /// Whether there is room for so many bytes of this urgency.
    pub(super) fn has_room(&mut self, urgency: Urgency, bytes: u64) -> bool {
        if self.config.breaks(Mutant::IgnoreFullDisk) {
            return true;
        }
        let before = self.space.short;
        let admitted = self.space.admits(self.logs.meter(), urgency, bytes);
        if self.space.short && !before {
            self.warn(format!(
                "the disk runs full: less than {} bytes are left beside what open transactions need.                  Records and offsets are refused until there is room",
                self.space.reserve
            ));
        }
        admitted
    }

    /// Whether so many bytes may be written once that could be left unwritten: nobody else is to be refused for
    /// them.
    pub(super) fn has_spare(&self, bytes: u64) -> bool {
        let left = self.space.left(self.logs.meter());
        left.is_none_or(|left| {
            !self.space.short && left >= self.space.reserve.saturating_add(bytes)
        })
    }

    /// Whether what a group would write is not too much. What members say of themselves can be: nothing
    /// bounds how many there are. Offsets are bounded one by one.
    ///
    /// # Errors
    /// As `Context::decide_group`.
    pub(super) fn admit_group(
        &mut self,
        shard: usize,
        waiter: Waiter,
        command: &group::Command,
    ) -> Result<(), ErrorCode> {
        let urgency = Urgency::of_group(command);
        if urgency != Urgency::Standing && self.has_room(urgency, 0) {
            return Ok(());
        }
        let owner = &self.groups[shard];
        let sizes = owner.sizes(self.now, waiter, command);
        let log = self.logs.get(owner.log);
        let most = log.map_or(0, |log| log.log.config().max_message_bytes as usize);
        if sizes.iter().any(|size| *size > most) {
            return Err(ErrorCode::UnknownServerError);
        }
        let bytes = sizes.iter().sum::<usize>() as u64;
        if !sizes.is_empty() && !self.has_room(urgency, bytes) {
            return Err(ErrorCode::NotCoordinator);
        }
        Ok(())
    }

    /// Whether data is refused because the disk runs full.
    #[must_use]
    pub fn is_short_of_room(&self) -> bool {
        self.space.short
    }

    /// The disk was looked at: so many bytes are free, of so many.
    pub(super) fn measured(&mut self, free: u64, total: u64) {
        let Some(before) = self.space.asked.take() else {
            return;
        };
        self.space.free = Some((free, before));
        self.space.reserve = reserve(self.space.setting, total);
        self.space.promised = 0;
        if self.space.is_close() {
            let shards = self.transactions.iter();
            let open = shards.map(|shard| shard.machine.open_partitions().count() as u64);
            self.space.promised = END_BYTES * self.space.copies * open.sum::<u64>();
        }
        if self.space.recovers(self.logs.meter()) {
            self.warn("there is room on the disk again: everything is taken".to_owned());
        }
    }

    /// A transaction will have to end in so many more partitions.
    pub(super) fn promise_room(&mut self, partitions: usize) {
        self.space.promised += END_BYTES * self.space.copies * partitions as u64;
    }

    /// Asks how much room there is, if that is not known well enough.
    pub(super) fn look_at_the_disk(&mut self) {
        self.logs.settle_meter();
        if self.space.is_due(self.logs.meter(), self.now) {
            self.ask_for_room();
        }
    }

    /// Asks how much room there is.
    pub(super) fn ask_for_room(&mut self) {
        let meter = self.logs.meter();
        self.space.asked = Some(meter.written());
        self.space.asked_for = meter.appended;
        self.space.asked_at = self.now;
        self.space.refused = false;
        self.outputs.push(Output::Measure);
    }

    /// Whether a client's batch may be appended to a log that does not have it yet.
    ///
    /// Of several batches on their way the first may be refused and the second find room. A log that
    /// has not met the producer would take it, whatever its sequence, and the first never after it;
    /// so who was turned away begins where it was.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR: later. OUT_OF_ORDER_SEQUENCE_NUMBER: an earlier one first.
    pub(super) fn room_for(&mut self, log: LogId, batch: &Batch) -> Result<(), ErrorCode> {
        let key = (log, batch.producer_id(), batch.producer_epoch());
        if self.has_room(Urgency::Growth, batch.size() as u64 + BATCH_BYTES) {
            return match self.space.turned_away.get(&key) {
                Some(first) if *first < batch.base_sequence() => {
                    Err(ErrorCode::OutOfOrderSequenceNumber)
                }
                Some(_) => {
                    self.space.turned_away.remove(&key);
                    Ok(())
                }
                None => Ok(()),
            };
        }
        if batch.producer_id() >= 0 && !self.logs.knows(log, batch.producer_id()) {
            if self.space.turned_away.len() >= TURNED_AWAY_MOST {
                self.space.turned_away.clear();
            }
            let sequence = batch.base_sequence();
            let first = self.space.turned_away.entry(key).or_insert(sequence);
            *first = sequence.min(*first);
        }
        Err(ErrorCode::KafkaStorageError)
    }
}
