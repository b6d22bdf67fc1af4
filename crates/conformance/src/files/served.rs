//! What a broker serves of a partition, byte by byte.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use once_wire::batch::{Batch, BatchError};

use crate::calls::{EARLIEST, LATEST, fetch_request, insist, told};
use crate::error::{Error, accept};
use crate::link::Link;

const PATIENCE: Duration = Duration::from_secs(30);
/// The most that one fetch returns, unless a batch is larger.
const FETCH: i32 = 1 << 18;
/// All that a reader of one isolation level is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Served {
    start: i64,
    end: i64,
    batches: Vec<Bytes>,
    /// Of each aborted transaction its producer and its first offset.
    aborted: BTreeSet<(i64, i64)>,
    records: u64,
}

/// Reads a partition from its start to where this isolation level ends.
pub(super) fn read(
    address: &str,
    topic: &str,
    partition: i32,
    committed: bool,
) -> Result<Served, Error> {
    let mut link = Link::connect(address, PATIENCE)?;
    let mut at = |timestamp| insist(|| link.offset(topic, partition, timestamp, committed));
    let (start, end) = (at(EARLIEST)?, at(LATEST)?);
    let mut served = Served {
        start,
        end,
        batches: Vec::new(),
        aborted: BTreeSet::new(),
        records: 0,
    };
    let mut next = start;
    while next < end {
        let before = next;
        next = served.more(&mut link, (topic, partition), next, committed)?;
        if next == before {
            let what = format!(
                "{address} serves nothing of {topic}-{partition} at offset {next} of {end}"
            );
            return Err(Error::Wrong(what));
        }
    }
    Ok(served)
}

impl Served {
    /// Takes what one fetch returns, and tells where the next goes on.
    fn more(
        &mut self,
        link: &mut Link,
        (topic, partition): (&str, i32),
        mut next: i64,
        committed: bool,
    ) -> Result<i64, Error> {
        let mut request = fetch_request(topic, partition, next, FETCH);
        request.isolation_level = i8::from(committed);
        let answer = link.call(12, &request)?;
        let doing = format!("fetch {topic}-{partition} from {next}");
        accept(&doing, answer.error_code)?;
        let topics = answer.responses.into_iter().next();
        let data = told(
            topics.and_then(|of| of.partitions.into_iter().next()),
            topic,
        )?;
        accept(&doing, data.error_code)?;
        for aborted in data.aborted_transactions.unwrap_or_default() {
            self.aborted
                .insert((aborted.producer_id, aborted.first_offset));
        }
        let mut bytes = data.records.unwrap_or_default();
        while !bytes.is_empty() && next < self.end {
            let batch = match Batch::split_first(&mut bytes) {
                Ok(batch) => batch,
                Err(BatchError::Truncated { .. }) => break,
                Err(error) => return Err(Error::Wrong(format!("{doing}: {error}"))),
            };
            next = batch.last_offset() + 1;
            self.records += u64::try_from(batch.records_count()).unwrap_or(0);
            self.batches.push(batch.as_bytes().clone());
        }
        Ok(next)
    }

    /// How it differs from what another broker serves, if it does.
    pub(super) fn differs(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let pairs = self.batches.iter().zip(&other.batches);
        let same = pairs.take_while(|(ours, theirs)| ours == theirs).count();
        Some(format!(
            "once serves {self}, Kafka {other}; the first {same} batches are the same"
        ))
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records in {} batches, offsets {} to {}, {} aborted transactions",
            self.records,
            self.batches.len(),
            self.start,
            self.end,
            self.aborted.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told() {
        let served = |batches: &[&'static [u8]], aborted: &[(i64, i64)]| Served {
            start: 0,
            end: 2,
            batches: batches
                .iter()
                .map(|bytes| Bytes::from_static(bytes))
                .collect(),
            aborted: aborted.iter().copied().collect(),
            records: 2,
        };
        let ours = served(&[b"a", b"b"], &[(1, 0)]);
        assert_eq!(ours.differs(&served(&[b"a", b"b"], &[(1, 0)])), None);
        let bytes = ours
            .differs(&served(&[b"a", b"c"], &[(1, 0)]))
            .expect("differs");
        assert!(
            bytes.contains("the first 1 batches are the same"),
            "{bytes}"
        );
        assert!(ours.differs(&served(&[b"a", b"b"], &[])).is_some());
    }
}
