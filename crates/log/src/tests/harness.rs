//! A partition under test: its state, its files on a fake disk, and every batch it ever took.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use once_wire::Uuid;
use once_wire::batch::{Batch, BatchBuilder};
use proptest::prelude::*;

use super::model;
use crate::producers::Producers;
use crate::store::{Crash, Disk, FakeDisk, Opening, RecoverError, Store, recover};
use crate::{
    AppendError, Appended, Deletion, Isolation, LogConfig, Marker, PartitionLog, Read, Source,
    Write,
};

/// One thing that happens to a partition.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A producer's next batch, in its transaction if it is a transactional one.
    Data {
        producer: u8,
        records: u8,
        size: u8,
        ticks: u8,
    },
    /// A retry of one of its last batches, 0 being the last.
    Retry { producer: u8, back: u8 },
    /// A batch that leaves a gap in the sequence.
    Gap { producer: u8 },
    /// A batch of no idempotent producer.
    Plain { records: u8, size: u8 },
    /// The producer's transaction ends.
    End { producer: u8, commit: bool },
    /// The producer's epoch is raised by a marker, as when it is fenced.
    Fence { producer: u8 },
    /// What was written is flushed.
    Flush,
    /// Everything is flushed, index files too.
    Checkpoint,
    /// The log's files are closed for now.
    Release,
    /// Records are deleted, up to so many hundredths of the high watermark: decided, and the start made durable.
    Delete { percent: u8 },
    /// As [`Step::Delete`], by size.
    Retain,
    /// The log hears that its start is durable; files go.
    Started,
}

/// Any step; data is the most likely one.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let producer = 0..4u8;
    prop_oneof![
        8 => (producer.clone(), 1..4u8, 0..60u8, 0..3u8)
            .prop_map(|(producer, records, size, ticks)| Step::Data { producer, records, size, ticks }),
        2 => (producer.clone(), 0..7u8).prop_map(|(producer, back)| Step::Retry { producer, back }),
        1 => producer.clone().prop_map(|producer| Step::Gap { producer }),
        1 => (1..4u8, 0..60u8).prop_map(|(records, size)| Step::Plain { records, size }),
        4 => (producer.clone(), any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        1 => producer.prop_map(|producer| Step::Fence { producer }),
        3 => Just(Step::Flush),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Release),
    ]
}

/// As [`steps`], and records are deleted.
pub(super) fn deleting_steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let any = prop_oneof![
        10 => step(),
        1 => (0..=100u8).prop_map(|percent| Step::Delete { percent }),
        1 => Just(Step::Retain),
        2 => Just(Step::Started),
    ];
    prop::collection::vec(any, 0..most)
}

/// Steps for one life of a partition.
pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..most)
}

/// Small segments, dense indexes and a short tail, so that every path is met.
pub(super) fn small_config() -> LogConfig {
    LogConfig {
        segment_bytes: 1500,
        index_interval_bytes: 200,
        tail_bytes: 600,
        retention_bytes: 4000,
        ..LogConfig::default()
    }
}

/// What a client knows of its own sending. Producers 0 and 1 are transactional, 2 and 3 only idempotent.
#[derive(Clone, Debug, Default)]
struct Client {
    epoch: i16,
    next_sequence: i32,
    /// Batches under this epoch, with the offset each got.
    sent: Vec<(Batch, i64)>,
}

/// A partition under test.
pub(super) struct Partition {
    pub(super) config: LogConfig,
    pub(super) disk: Arc<FakeDisk>,
    pub(super) dir: PathBuf,
    pub(super) log: PartitionLog,
    pub(super) store: Store<FakeDisk>,
    /// Every batch of the log, those that were deleted too.
    pub(super) batches: Vec<Batch>,
    /// The flush policy: with it a flush syncs, and recovery makes durable what it found.
    fsync: bool,
    /// What a checkpoint said is durable.
    pub(super) recovery_point: i64,
    /// What a checkpoint said is the log start.
    pub(super) start: i64,
    clients: BTreeMap<u8, Client>,
    now: i64,
}

pub(super) const TOPIC_ID: Uuid = Uuid([9; 16]);

impl Partition {
    pub(super) fn new(config: LogConfig) -> Self {
        let (disk, dir) = (Arc::new(FakeDisk::new()), PathBuf::from("/data/topic-0"));
        // The data directory is there, durably, as `DataDir` makes it.
        disk.create_dir(Path::new("/data")).expect("makes");
        disk.sync_dir(Path::new("/")).expect("syncs");
        Partition {
            log: PartitionLog::new(config.clone(), 0),
            store: Store::new(Arc::clone(&disk), dir.clone(), TOPIC_ID),
            config,
            disk,
            dir,
            batches: Vec::new(),
            fsync: true,
            recovery_point: 0,
            start: 0,
            clients: BTreeMap::new(),
            now: 1_000_000,
        }
    }

    /// As [`Partition::new`], with `--flush os`: what was written counts as flushed.
    pub(super) fn without_fsync(config: LogConfig) -> Self {
        Partition {
            fsync: false,
            ..Partition::new(config)
        }
    }

    /// Runs a step; panics where the log breaks a rule that can be told at once.
    pub(super) fn run(&mut self, step: &Step) {
        match *step {
            Step::Data {
                producer,
                records,
                size,
                ticks,
            } => {
                self.now += i64::from(ticks);
                let batch = self.next_batch(producer, records, size);
                let appended = self
                    .append(&batch)
                    .expect("the next batch of a producer is taken");
                self.client(producer)
                    .sent
                    .push((batch.clone(), appended.base_offset));
                self.client(producer).next_sequence =
                    batch.last_sequence().wrapping_add(1) & i32::MAX;
            }
            Step::Retry { producer, back } => self.retry(producer, usize::from(back)),
            Step::Gap { producer } => {
                let known = self.client(producer).next_sequence > 0;
                self.client(producer).next_sequence += 1;
                let batch = self.next_batch(producer, 1, 0);
                self.client(producer).next_sequence -= 1;
                if known {
                    let refused = self.append(&batch);
                    assert!(
                        matches!(refused, Err(AppendError::OutOfOrderSequence { .. })),
                        "{refused:?}"
                    );
                }
            }
            Step::Plain { records, size } => {
                let batch = fill(BatchBuilder::new(), self.now, records, size).build();
                self.append(&batch).expect("a plain batch is taken");
            }
            Step::End { producer, commit } => {
                let epoch = self.client(producer).epoch;
                self.mark(producer, epoch, commit);
            }
            Step::Fence { producer } => {
                let epoch = self.client(producer).epoch + 1;
                self.mark(producer, epoch, false);
                *self.client(producer) = Client {
                    epoch,
                    ..Client::default()
                };
            }
            Step::Flush => self.flush(),
            Step::Checkpoint => {
                self.recovery_point = self.store.checkpoint().expect("syncs");
                self.log.flushed(self.recovery_point);
            }
            Step::Release => self.store.release(),
            Step::Delete { percent } => {
                let offset = self.log.high_watermark() * i64::from(percent) / 100;
                let (_, deletion) = self.log.delete_records(offset).expect("in range");
                self.delete(deletion);
            }
            Step::Retain => {
                let deletion = self.log.retain(self.now);
                self.delete(deletion);
            }
            Step::Started => {
                let writes = self.log.starts_at(self.start);
                self.store.write_all(&writes).expect("removes");
            }
        }
    }

    /// What a deletion asks for is done; the log does not know yet.
    fn delete(&mut self, deletion: Option<Deletion>) {
        if let Some(Deletion { start, writes }) = deletion {
            self.store.write_all(&writes).expect("writes");
            self.start = start;
        }
    }

    pub(super) fn flush(&mut self) {
        if self.fsync {
            self.store.sync().expect("syncs");
        }
        self.log.flushed(self.store.end_offset());
    }

    /// The process ends as told, and another one recovers what is left. What was flushed must be there, and what
    /// is there must be a beginning of what was.
    pub(super) fn crash(&mut self, how: Crash) {
        let safe = self.fsync || how == Crash::Process;
        let flushed = if safe {
            self.log.high_watermark()
        } else {
            self.recovery_point
        };
        self.disk.crash(how);
        let (recovered, store) = self.recover();
        let end = recovered.end_offset;
        assert!(
            end >= flushed,
            "flushed up to {flushed}, recovered up to {end}"
        );
        let start = recovered.log_start_offset;
        assert!(
            !safe || start >= self.start,
            "the log started at {}, and starts at {start} again",
            self.start
        );
        self.start = start;
        self.batches.retain(|batch| batch.base_offset() < end);
        self.forget_lost(end);
        self.log =
            PartitionLog::recovered(self.config.clone(), self.log.leader_epoch() + 1, recovered);
        self.store = store;
        if self.fsync {
            self.recovery_point = end;
        }
    }

    pub(super) fn recover(&self) -> (crate::Recovered, Store<FakeDisk>) {
        self.open(false).expect("recovers")
    }

    pub(super) fn try_recover(&self) -> Result<(), RecoverError> {
        self.open(false).map(|_| ())
    }

    pub(super) fn open_clean(&self) -> (crate::Recovered, Store<FakeDisk>) {
        self.open(true).expect("opens")
    }

    pub(super) fn open(
        &self,
        clean: bool,
    ) -> Result<(crate::Recovered, Store<FakeDisk>), RecoverError> {
        let opening = Opening {
            topic_id: TOPIC_ID,
            clean,
            recovery_point: self.recovery_point,
            log_start_offset: self.start,
            cleaned_to: 0,
            durable: self.fsync,
            now: self.now,
        };
        recover(
            Arc::clone(&self.disk),
            self.dir.clone(),
            &self.config,
            &opening,
        )
    }

    /// Every batch a reader gets from the log start on, in as many reads as it takes, and of the data what it delivers.
    pub(super) fn read_all(
        &self,
        isolation: Isolation,
        max_bytes: usize,
    ) -> (Vec<Batch>, Vec<i64>) {
        let (mut read, mut delivered) = (Vec::new(), Vec::new());
        let mut from = self.log.log_start_offset();
        loop {
            let planned = self
                .log
                .read(from, isolation, max_bytes, true)
                .expect("in range");
            let batches = self.batches_of(&planned);
            let Some(last) = batches.last() else {
                return (read, delivered);
            };
            from = last.last_offset() + 1;
            match isolation {
                Isolation::ReadCommitted => {
                    delivered.extend(model::deliver(&batches, &planned.aborted))
                }
                Isolation::ReadUncommitted => {
                    assert_eq!(planned.aborted, []);
                    delivered.extend(
                        batches
                            .iter()
                            .filter(|b| !b.is_control())
                            .map(|b| b.base_offset()),
                    );
                }
            }
            read.extend(batches);
        }
    }

    /// The batches a planned read brings.
    pub(super) fn batches_of(&self, read: &Read) -> Vec<Batch> {
        match &read.source {
            Source::Empty => Vec::new(),
            Source::Memory(batches) => batches
                .iter()
                .map(|b| Batch::parse(b.clone()).expect("whole"))
                .collect(),
            Source::File(range) => split(self.store.reader().read(range).expect("reads")),
        }
    }

    /// The producers, as a fold over every batch of the log leaves them.
    pub(super) fn replayed(&self) -> Producers {
        let mut producers = Producers::default();
        for batch in &self.batches {
            producers.replay(batch, batch.control().as_ref(), 0);
        }
        producers
    }

    pub(super) fn append(&mut self, batch: &Batch) -> Result<Appended, AppendError> {
        let batch = batch.check_client(0).expect("a sound batch");
        let appended = self.log.append_client(self.now, &batch);
        appended.inspect(|appended| self.take(appended))
    }

    fn mark(&mut self, producer: u8, producer_epoch: i16, commit: bool) {
        let producer_id = i64::from(producer);
        let marker = Marker {
            producer_id,
            producer_epoch,
            coordinator_epoch: 1,
            commit,
            transaction_version: 1,
        };
        let appended = self
            .log
            .append_marker(self.now, &marker)
            .expect("the epoch is not behind");
        self.take(&appended);
    }

    fn take(&mut self, appended: &Appended) {
        for write in &appended.writes {
            if let Write::Batch(batch) = write {
                self.batches
                    .push(Batch::parse(batch.bytes.clone()).expect("whole"));
            }
        }
        self.store.write_all(&appended.writes).expect("writes");
    }

    fn retry(&mut self, producer: u8, back: usize) {
        let sent = &self.client(producer).sent;
        let Some(n) = sent.len().checked_sub(back + 1) else {
            return;
        };
        let (batch, offset) = sent[n].clone();
        let end = self.log.end_offset();
        match self.append(&batch) {
            Ok(answer) => {
                assert!(back < 5, "retry of batch {back} from the last");
                assert!(answer.duplicate && answer.writes.is_empty());
                assert_eq!((answer.base_offset, self.log.end_offset()), (offset, end));
            }
            Err(AppendError::OutOfOrderSequence { .. }) => {
                assert!(back >= 5, "retry of batch {back} from the last")
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn next_batch(&mut self, producer: u8, records: u8, size: u8) -> Batch {
        let now = self.now;
        let client = self.client(producer);
        let builder = BatchBuilder::new()
            .producer(i64::from(producer), client.epoch, client.next_sequence)
            .transactional(producer < 2);
        fill(builder, now, records, size).build()
    }

    /// The clients learn what was lost as real ones do: they send it again, under the same sequences.
    fn forget_lost(&mut self, end: i64) {
        for (id, client) in &mut self.clients {
            client.sent.retain(|(_, offset)| *offset < end);
            let last = self
                .batches
                .iter()
                .rfind(|b| b.producer_id() == i64::from(*id));
            let epoch = last.map_or(0, |b| b.producer_epoch());
            if epoch != client.epoch {
                let same_epoch = self.batches.iter().filter(|b| {
                    b.producer_id() == i64::from(*id)
                        && b.producer_epoch() == epoch
                        && !b.is_control()
                });
                client.sent = same_epoch
                    .map(|b| (b.placed(0, -1), b.base_offset()))
                    .collect();
                client.epoch = epoch;
            }
            client.next_sequence = client.sent.last().map_or(0, |(b, _)| b.last_sequence() + 1);
        }
    }

    fn client(&mut self, producer: u8) -> &mut Client {
        self.clients.entry(producer).or_default()
    }
}

/// Batches one after the other.
pub(super) fn split(mut bytes: Bytes) -> Vec<Batch> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        batches.push(Batch::split_first(&mut bytes).expect("whole batches"));
    }
    batches
}

fn fill(mut builder: BatchBuilder, now: i64, records: u8, size: u8) -> BatchBuilder {
    let value = vec![size; usize::from(size)];
    for n in 0..records {
        builder = builder.push(now - i64::from(n), Some(b"key"), Some(&value), &[]);
    }
    builder
}
