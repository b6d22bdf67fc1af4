//! What a member of a group writes down of its assignment and its positions.
//!
//! The group moves a member as it likes: partitions come and go, and one that comes back begins at
//! what the group committed. The door to clients tells no callbacks, so that is seen from what is
//! assigned before and after a poll, and from records that come again.

use std::collections::{BTreeMap, BTreeSet};

use once_check::history::{
    Assign, Isolation as Seen, Kind, Name, Partition, PartitionRead, Poll, Revoke, Seek,
};
use once_client::{Record, TopicPartition};

use super::payload::value;
use super::recorder::Witness;

/// A member's partitions and where it stands in them.
pub(super) struct Standing<'w> {
    witness: &'w Witness,
    group: Name,
    assigned: BTreeSet<TopicPartition>,
    /// The offset after the last record that came.
    next: BTreeMap<TopicPartition, i64>,
}

impl<'w> Standing<'w> {
    pub(super) fn new(witness: &'w Witness, group: Name) -> Self {
        Self {
            witness,
            group,
            assigned: BTreeSet::new(),
            next: BTreeMap::new(),
        }
    }

    /// These partitions are the member's now. To be said before each poll.
    pub(super) fn follow(&mut self, assigned: Vec<TopicPartition>) {
        let now: BTreeSet<TopicPartition> = assigned.into_iter().collect();
        let lost: Vec<&TopicPartition> = self.assigned.difference(&now).collect();
        if !lost.is_empty() {
            let partitions = lost.iter().map(|partition| name(partition)).collect();
            self.witness.event(Kind::Ok, Revoke { partitions });
        }
        let got = now.difference(&self.assigned);
        let got: BTreeMap<Partition, Option<i64>> = got.map(|p| (name(p), None)).collect();
        if !got.is_empty() {
            let group = Some(self.group.clone());
            let partitions = got;
            self.witness.event(Kind::Ok, Assign { group, partitions });
        }
        self.next.retain(|partition, _| now.contains(partition));
        self.assigned = now;
    }

    /// The member goes back to what the group committed.
    pub(super) fn rewinds(&mut self) {
        for partition in &self.assigned {
            let seek = Seek {
                partition: name(partition),
                offset: None,
            };
            self.witness.event(Kind::Ok, seek);
        }
        self.next.clear();
    }

    /// Splits what a poll returned: what follows on what came before, and what the group made come
    /// again meanwhile.
    pub(super) fn sort(&mut self, records: &[Record]) -> (Vec<PartitionRead>, Vec<PartitionRead>) {
        let (mut on, mut again) = (Vec::new(), Vec::new());
        for read in by_partition(records) {
            let partition = TopicPartition::new(&*read.partition.topic, read.partition.index);
            let first = read.records.first().map_or(0, |record| record.offset);
            let last = read.records.last().map_or(-1, |record| record.offset);
            let came = self.next.insert(partition, last + 1);
            if came.is_some_and(|next| first < next) {
                again.push(read);
            } else {
                on.push(read);
            }
        }
        (on, again)
    }

    /// Writes down the poll of partitions that the group took and gave back while the last one was
    /// under way.
    pub(super) fn came_again(&self, poll: &Poll, reads: Vec<PartitionRead>) {
        if reads.is_empty() {
            return;
        }
        for read in &reads {
            let partition = read.partition.clone();
            let offset = None;
            self.witness.event(Kind::Ok, Seek { partition, offset });
        }
        let id = self.witness.invoke(poll.clone());
        let poll = Poll {
            reads,
            ..poll.clone()
        };
        self.witness.ok_with(id, poll);
    }
}

/// The records of a poll, partition by partition, in the order in which they came.
pub(super) fn by_partition(records: &[Record]) -> Vec<PartitionRead> {
    let mut reads: Vec<PartitionRead> = Vec::new();
    let mut places: BTreeMap<(&str, i32), usize> = BTreeMap::new();
    for record in records {
        let next = reads.len();
        let place = *places
            .entry((&record.topic, record.partition))
            .or_insert(next);
        if place == next {
            reads.push(PartitionRead::new(name(&record.topic_partition())));
        }
        let read = once_check::history::Read::new(record.offset, value(record));
        reads[place].records.push(read);
    }
    reads
}

/// A partition as the history names it.
pub(super) fn name(partition: &TopicPartition) -> Partition {
    Partition::new(partition.topic.as_str(), partition.partition)
}

/// An isolation as the history names it.
pub(super) fn seen(isolation: once_client::Isolation) -> Seen {
    match isolation {
        once_client::Isolation::ReadCommitted => Seen::ReadCommitted,
        once_client::Isolation::ReadUncommitted => Seen::ReadUncommitted,
    }
}

#[cfg(test)]
mod tests {
    use once_check::history::SendRecord;
    use once_check::{Anomaly, History, check};

    use super::super::payload::payload;
    use super::super::recorder::Recorder;
    use super::*;

    /// A record of the input: its number is its offset.
    fn record(offset: i64) -> Record {
        Record {
            topic: "t".to_owned(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            key: None,
            value: Some(payload(offset.unsigned_abs())),
            headers: Vec::new(),
        }
    }

    fn polls(standing: &mut Standing<'_>, offsets: &[i64]) {
        let records: Vec<Record> = offsets.iter().map(|offset| record(*offset)).collect();
        let poll = Poll::new(Seen::ReadCommitted);
        let id = standing.witness.invoke(poll.clone());
        let (on, again) = standing.sort(&records);
        let reads = Poll {
            reads: on,
            ..poll.clone()
        };
        standing.witness.ok_with(id, reads);
        standing.came_again(&poll, again);
    }

    /// The anomalies in what a member wrote down.
    fn judged(story: impl FnOnce(&mut Standing<'_>)) -> Vec<Anomaly> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("history");
        let recorder = Recorder::create(&file, 0).expect("a file");
        let sender = recorder.client();
        for offset in 0..6_i64 {
            let op = SendRecord::new(Partition::new("t", 0), offset.unsigned_abs());
            let id = sender.invoke(op.clone());
            sender.ok_with(id, op.at(offset));
        }
        let member = recorder.client();
        let mut standing = Standing::new(&member, "g".into());
        standing.follow(vec![TopicPartition::new("t", 0)]);
        story(&mut standing);
        recorder.finish().expect("written");
        let lines = std::fs::read(&file).expect("there");
        let report = check(&History::read(&lines[..]).expect("a history"));
        report.anomalies.keys().copied().collect()
    }

    #[test]
    fn what_a_group_makes_come_again_is_no_step_backwards_and_a_gap_is_a_gap() {
        let again = judged(|standing| {
            polls(standing, &[0, 1, 2]);
            polls(standing, &[1, 2, 3]);
            standing.rewinds();
            polls(standing, &[2, 3, 4, 5]);
        });
        assert_eq!(again, []);
        let skips = judged(|standing| {
            polls(standing, &[0, 1, 2]);
            polls(standing, &[4, 5]);
        });
        assert!(skips.contains(&Anomaly::PollSkip), "{skips:?}");
    }
}
