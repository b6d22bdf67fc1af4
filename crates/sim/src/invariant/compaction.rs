//! Compaction changes nothing for who reads committed data by key: of each key the last value that was
//! committed is what it was, a tombstone may go, and what a producer wrote last can still be told.

use bytes::Bytes;
use once_log::PartitionLog;
use once_log::store::{FakeDisk, SegmentReader};
use once_wire::batch::Batch;
use once_wire::control::ControlType;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A record by its offset: key and value.
type Records = BTreeMap<i64, (Bytes, Option<Bytes>)>;

/// What the files of a log say of its records below an offset.
#[derive(Debug)]
pub(crate) struct View {
    /// Of each key the last record that was committed.
    last: BTreeMap<Bytes, (i64, Option<Bytes>)>,
    /// Every batch of a producer: its id and its last offset.
    batches: BTreeSet<(i64, i64)>,
    /// Where the files end.
    pub(crate) end: i64,
}

impl View {
    /// Reads all of a log's files: what they say of the records of a range, from the log's start on. Nothing of a
    /// transaction counts whose end is not there.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn of(reader: &SegmentReader<FakeDisk>, range: Range<i64>) -> Result<Self, String> {
        let mut committed = Records::new();
        let mut open: BTreeMap<i64, Records> = BTreeMap::new();
        let mut batches = BTreeSet::new();
        let mut end = 0;
        for batch in reader.batches(0, i64::MAX).map_err(|e| e.to_string())? {
            let batch = batch.map_err(|e| e.to_string())?;
            let (id, last) = (batch.producer_id(), batch.last_offset());
            if last >= range.end {
                break;
            }
            end = last + 1;
            if batch.is_control() {
                let kind = batch.control().map(|control| control.kind);
                let ended = open.remove(&id).unwrap_or_default();
                if kind == Some(ControlType::Commit) {
                    committed.extend(ended);
                }
            } else {
                batches.insert((id, last));
                if last < range.start {
                    continue;
                }
                let of = match batch.is_transactional() {
                    true => open.entry(id).or_default(),
                    false => &mut committed,
                };
                let records = records(&batch)?.into_iter();
                of.extend(records.filter(|(offset, _)| *offset >= range.start));
            }
        }
        let mut last = BTreeMap::new();
        for (offset, (key, value)) in committed {
            last.insert(key, (offset, value));
        }
        Ok(Self { last, batches, end })
    }

    /// What is not as it was. Tombstones may come and go: a crash brings old segments back.
    pub(crate) fn differs(&self, after: &Self) -> Option<String> {
        let is_tombstone =
            |found: Option<&(i64, Option<Bytes>)>| found.is_none_or(|(_, value)| value.is_none());
        let keys: BTreeSet<&Bytes> = self.last.keys().chain(after.last.keys()).collect();
        keys.into_iter().find_map(|key| {
            let (was, is) = (self.last.get(key), after.last.get(key));
            let same = was == is || (is_tombstone(was) && is_tombstone(is));
            (!same).then(|| format!("key {key:?} was last {was:?} and is now {is:?}"))
        })
    }

    /// A producer whose last batch was there and is not.
    pub(crate) fn forgotten(&self, after: &Self, log: &PartitionLog) -> Option<String> {
        log.producers().find_map(|(id, entry)| {
            let last = (id, entry.batches().last()?.last_offset);
            let gone = self.batches.contains(&last) && !after.batches.contains(&last);
            gone.then(|| format!("the last batch of producer {id}, at {}, is gone", last.1))
        })
    }
}

fn records(batch: &Batch) -> Result<Records, String> {
    let mut records = Records::new();
    for record in batch.records(1 << 20).map_err(|e| e.to_string())? {
        let record = record.map_err(|e| e.to_string())?;
        let key = record.key.unwrap_or_default();
        records.insert(record.offset, (key, record.value));
    }
    Ok(records)
}
