//! A log with few keys, and compactions of it in memory.

use std::collections::{BTreeMap, BTreeSet};

use once_wire::batch::{Batch, BatchBuilder};
use once_wire::compression::Compression;
use proptest::prelude::*;

use crate::compact::{Filter, LastOffsets, NewSegment};
use crate::tests::model;
use crate::{
    AppendError, Appended, Compacted, CompactionPlan, LogConfig, Marker, PartitionLog, Write,
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Records of keys, each with a value or none, in one batch of a producer.
    Put {
        producer: u8,
        codec: Compression,
        records: Vec<(u8, bool)>,
    },
    /// The producer's transaction ends.
    End { producer: u8, commit: bool },
    /// The producer's transaction is aborted under a higher epoch.
    Fence { producer: u8 },
    /// Time passes, in milliseconds.
    Wait { ms: u16 },
    /// A compaction.
    Compact,
}

/// How many keys there are.
const KEYS: u8 = 5;

fn step() -> impl Strategy<Value = Step> {
    let codec = prop_oneof![3 => Just(Compression::None), 1 => Just(Compression::Lz4)];
    let records = prop::collection::vec((0..KEYS, prop::bool::weighted(0.8)), 1..5);
    prop_oneof![
        12 => (0..5u8, codec, records)
            .prop_map(|(producer, codec, records)| Step::Put { producer, codec, records }),
        5 => (0..2u8, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        1 => (0..2u8).prop_map(|producer| Step::Fence { producer }),
        2 => (0..400u16).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Compact),
    ]
}

/// Steps for one log.
pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..most)
}

/// Small segments and short delays.
pub(super) fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 700,
        index_interval_bytes: 150,
        tail_bytes: 300,
        compacted: true,
        delete_retention_ms: 500,
        min_dirty_millionths: 0,
        ..LogConfig::default()
    }
}

/// Whether a batch is a retained one, what it says, and whether it commits.
pub(super) type Seen = (i64, Vec<u8>, Option<Vec<u8>>);

/// A log, all its batches, and all that it ever had.
pub(super) struct Rig {
    pub(super) log: PartitionLog,
    /// What the files would hold.
    pub(super) batches: Vec<Batch>,
    /// As if there were no compaction.
    pub(super) ever: Vec<Batch>,
    pub(super) now: i64,
    sequences: BTreeMap<u8, (i16, i32)>,
    values: u32,
}

impl Rig {
    pub(super) fn new(config: LogConfig) -> Self {
        Rig {
            log: PartitionLog::new(config, 0),
            batches: Vec::new(),
            ever: Vec::new(),
            now: 1_000_000,
            sequences: BTreeMap::new(),
            values: 0,
        }
    }

    /// Producers 0 and 1 are transactional, 2 and 3 idempotent, 4 is neither.
    pub(super) fn run(&mut self, step: &Step) -> Vec<Write> {
        match step {
            Step::Put {
                producer,
                codec,
                records,
            } => {
                let mut builder = BatchBuilder::new().compression(*codec);
                if *producer < 4 {
                    let (epoch, sequence) = *self.sequences.entry(*producer).or_default();
                    builder = builder
                        .producer((*producer).into(), epoch, sequence)
                        .transactional(*producer < 2);
                    let next = sequence + i32::try_from(records.len()).expect("few");
                    self.sequences.insert(*producer, (epoch, next));
                }
                for (key, has_value) in records {
                    self.values += 1;
                    let value = self.values.to_be_bytes();
                    let value = has_value.then_some(&value[..]);
                    builder = builder.push(self.now, Some(&[*key]), value, &[("h", Some(b"x"))]);
                }
                let batch = builder.build().check_client(1 << 16).expect("sound");
                let appended = self.log.append_client(self.now, &batch);
                self.take(appended)
            }
            Step::End { producer, commit } => self.end(*producer, 0, *commit),
            Step::Fence { producer } => self.end(*producer, 1, false),
            Step::Wait { ms } => {
                self.now += i64::from(*ms);
                Vec::new()
            }
            Step::Compact => {
                self.compact();
                Vec::new()
            }
        }
    }

    fn end(&mut self, producer: u8, bump: i16, commit: bool) -> Vec<Write> {
        let (epoch, _) = *self.sequences.entry(producer).or_default();
        let epoch = epoch + bump;
        if bump > 0 {
            self.sequences.insert(producer, (epoch, 0));
        }
        let marker = Marker {
            producer_id: producer.into(),
            producer_epoch: epoch,
            coordinator_epoch: 1,
            commit,
            transaction_version: 1,
        };
        let appended = self.log.append_marker(self.now, &marker);
        self.take(appended)
    }

    fn take(&mut self, appended: Result<Appended, AppendError>) -> Vec<Write> {
        let writes = appended.expect("in order").writes;
        for write in &writes {
            if let Write::Batch(batch) = write {
                let batch = Batch::parse(batch.bytes.clone()).expect("whole");
                self.batches.push(batch.clone());
                self.ever.push(batch);
            }
        }
        self.log.flushed(self.log.end_offset());
        writes
    }

    /// Compacts, if there is something to compact.
    pub(super) fn compact(&mut self) -> Option<CompactionPlan> {
        let plan = self.log.plan_compaction(self.now)?;
        let compacted = self.carry_out(&plan);
        assert_eq!(self.log.compacted(&compacted), []);
        Some(plan)
    }

    pub(super) fn carry_out(&mut self, plan: &CompactionPlan) -> Compacted {
        let end = plan.segments.last().expect("some").end;
        let mut last = LastOffsets::new(plan);
        for batch in self.batches.iter().filter(|b| b.last_offset() < end) {
            if last.is_full() {
                break;
            }
            last.take(batch).expect("sound");
        }
        let mut filter = Filter::new(plan, &last);
        let mut compacted = Compacted {
            cleaned: Vec::new(),
            cleaned_to: last.end(),
        };
        let mut left = Vec::new();
        let mut rest = self.batches.clone().into_iter().peekable();
        for group in plan.groups(last.end()) {
            let mut new = NewSegment::new(plan, group);
            let upto = group.last().expect("not empty").end;
            while let Some(batch) = rest.next_if(|b| b.last_offset() < upto) {
                left.extend(new.take(&mut filter, batch).expect("sound"));
            }
            compacted.cleaned.extend(new.close(plan));
        }
        left.extend(rest);
        self.batches = left;
        compacted
    }

    /// The batches as one who reads everything sees them.
    pub(super) fn records(batches: &[Batch]) -> Vec<Seen> {
        let data = batches.iter().filter(|b| !b.is_control());
        let records = data.flat_map(|b| b.records(1 << 16).expect("sound"));
        records
            .map(|record| {
                let record = record.expect("sound");
                let bytes = |part: bytes::Bytes| part.to_vec();
                let key = bytes(record.key.expect("all have one"));
                (record.offset, key, record.value.map(bytes))
            })
            .collect()
    }

    /// The records that were not aborted, of the part below an offset at which nothing was open.
    pub(super) fn committed(&self, below: i64) -> Vec<Seen> {
        let kept: BTreeSet<i64> = model::committed(&self.ever, i64::MAX).into_iter().collect();
        let committed = self.ever.iter().filter(|b| kept.contains(&b.base_offset()));
        let committed: Vec<Batch> = committed
            .filter(|b| b.last_offset() < below)
            .cloned()
            .collect();
        Rig::records(&committed)
    }
}

/// Of each key what was written last.
pub(super) fn last_of_each(records: &[Seen]) -> BTreeMap<Vec<u8>, (i64, Option<Vec<u8>>)> {
    let mut last = BTreeMap::new();
    for (offset, key, value) in records {
        last.insert(key.clone(), (*offset, value.clone()));
    }
    last
}
