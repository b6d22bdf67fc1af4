//! A topic whose records go: deleted and made again, trimmed, compacted; and clients that know it by
//! its name, or by an incarnation that may be gone.

use super::Chance;
use crate::anomaly::Anomaly;
use crate::check::check;
use crate::history::{
    Assign, Drained, DrainedPartition, History, Invoked, Isolation, Kind, Op, Partition,
    PartitionRead, Poll, Producer, Read, Seek, SendRecord, Topic,
};
use crate::verdict::Verdict;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// A trim takes one record more than it was asked to.
    TrimTooFar,
    /// The next incarnation begins with a record of the last.
    Resurrect,
    /// Compaction takes the last record of a key.
    CompactLast,
}

/// A record of the log: offset, value, key.
type Record = (i64, u64, u64);

struct World {
    chance: Chance,
    history: History,
    bug: Option<Bug>,
    bug_happened: bool,
    /// Records of this incarnation that went wrongly.
    gone: Vec<Record>,
    compacted: bool,
    generation: u32,
    start: i64,
    end: i64,
    records: Vec<Record>,
    /// Sends that did not take effect yet, in their order.
    sending: Vec<(Invoked, SendRecord)>,
    /// Answers that did not arrive yet.
    sent: Vec<(Invoked, SendRecord)>,
    values: u64,
    /// Where each reader is: incarnation and offset.
    readers: [(u32, i64); 2],
}

fn partition(generation: u32) -> Partition {
    Partition::new("bin", 0).generation(generation)
}

impl World {
    fn run(seed: u64, bug: Option<Bug>) -> (History, bool) {
        let mut world = Self {
            chance: Chance::new(seed),
            history: History::new(),
            bug,
            bug_happened: false,
            gone: Vec::new(),
            compacted: seed.is_multiple_of(2),
            generation: 0,
            start: 0,
            end: 0,
            records: Vec::new(),
            sending: Vec::new(),
            sent: Vec::new(),
            values: 0,
            readers: [(0, 0); 2],
        };
        world.describe(|_| {});
        for _ in 0..300 {
            match world.chance.below(12) {
                0..4 => world.ask_to_send(),
                4..7 => world.append(),
                7 | 8 => world.acknowledge(),
                9 | 10 => {
                    let reader = world.chance.below(2);
                    world.read(reader);
                }
                _ if world.chance.once_in(5) => world.administer(),
                _ => {}
            }
        }
        world.heal();
        (world.history, world.bug_happened)
    }

    fn describe(&mut self, more: impl FnOnce(&mut Topic)) {
        let mut topic = Topic::new("bin");
        (topic.generation, topic.compacted) = (self.generation, self.compacted);
        more(&mut topic);
        self.history.event(0, 9, Kind::Info, topic);
    }

    /// By name: it believes in the incarnation that is there now.
    fn ask_to_send(&mut self) {
        self.values += 1;
        let key = self.chance.below(4) as u64;
        let record = SendRecord::new(partition(self.generation), self.values).key(key);
        let record = record.by(Producer::default());
        let invoked = self.history.invoke(0, 1, record.clone());
        self.sending.push((invoked, record));
    }

    /// By name: it lands in the incarnation that is there then.
    fn append(&mut self) {
        if self.sending.is_empty() {
            return;
        }
        let (invoked, record) = self.sending.remove(0);
        let key = match record.key {
            Some(crate::history::Value::Number(key)) => key,
            _ => 0,
        };
        let value = match record.value {
            crate::history::Value::Number(value) => value,
            crate::history::Value::Text(_) => 0,
        };
        self.records.push((self.end, value, key));
        self.sent.push((invoked, record.at(self.end)));
        self.end += 1;
    }

    fn acknowledge(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let at = self.chance.below(self.sent.len());
        let (invoked, record) = self.sent.remove(at);
        match self.chance.once_in(20) {
            true => self.history.info(0, invoked),
            false => self.history.ok_with(0, invoked, record),
        }
    }

    fn read(&mut self, reader: usize) {
        let process = 2 + reader as u32;
        let (generation, at) = self.readers[reader];
        if generation != self.generation {
            self.readers[reader] = (self.generation, self.start);
            let assign = Assign::at([(partition(self.generation), self.start)]);
            return self.history.event(0, process, Kind::Ok, assign);
        }
        if at < self.start {
            self.readers[reader].1 = self.start;
            let (partition, offset) = (partition(generation), Some(self.start));
            let seek = Seek { partition, offset };
            return self.history.event(0, process, Kind::Ok, seek);
        }
        let end = self.end.min(at + 1 + self.chance.below(9) as i64);
        self.poll(process, at, end);
        self.readers[reader].1 = end;
    }

    fn poll(&mut self, process: u32, from: i64, to: i64) {
        let mut poll = Poll::new(Isolation::ReadCommitted);
        let invoked = self.history.invoke(0, process, poll.clone());
        let mut read = PartitionRead::new(partition(self.generation)).positions(from, to);
        let inside = |record: &&Record| (from..to).contains(&record.0);
        let records = self.records.iter().filter(inside);
        read.records = records
            .map(|(at, value, _)| Read::new(*at, *value))
            .collect();
        (read.high_watermark, read.log_start) = (Some(self.end), Some(self.start));
        poll.reads.push(read);
        self.history.ok_with(0, invoked, poll);
    }

    fn administer(&mut self) {
        match self.chance.below(3) {
            0 => self.recreate(),
            1 => self.trim(),
            _ if self.compacted => self.compact(),
            _ => {}
        }
    }

    fn recreate(&mut self) {
        self.describe(|topic| topic.deleted = true);
        // What is done while the deletion is under way meets the old incarnation.
        if self.chance.once_in(2) {
            self.append();
            self.read(0);
        }
        self.gone.clear();
        let old = std::mem::take(&mut self.records);
        (self.generation, self.start, self.end) = (self.generation + 1, 0, 0);
        self.describe(|_| {});
        if self.bug == Some(Bug::Resurrect)
            && let Some(&(_, value, key)) = old.first()
        {
            self.bug_happened = true;
            self.records.push((0, value, key));
            self.end = 1;
        }
    }

    fn trim(&mut self) {
        let room = (self.end - self.start) as usize + 1;
        let below = self.start + self.chance.below(room) as i64;
        self.describe(|topic| topic.deleted_below = [(0, below)].into());
        self.start = below;
        let extra = i64::from(self.bug == Some(Bug::TrimTooFar));
        let wrong = |record: &Record| record.0 == below && extra > 0;
        self.gone.extend(self.records.iter().copied().find(wrong));
        self.records.retain(|record| record.0 >= below + extra);
    }

    fn compact(&mut self) {
        let dirty = self.chance.below(self.end as usize + 1) as i64;
        let all = self.records.clone();
        let newer = |record: &Record| {
            all.iter()
                .any(|other| other.2 == record.2 && other.0 > record.0)
        };
        self.records
            .retain(|record| record.0 >= dirty || !newer(record));
        if self.bug == Some(Bug::CompactLast)
            && let Some(at) = self.records.iter().position(|record| !newer(record))
        {
            self.gone.push(self.records.remove(at));
        }
    }

    fn heal(&mut self) {
        while !self.sending.is_empty() {
            self.append();
        }
        while !self.sent.is_empty() {
            self.acknowledge();
        }
        if self.compacted {
            self.compact();
        }
        // What went wrongly and would not have gone since.
        let newer = |gone: &Record| self.records.iter().any(|r| r.2 == gone.2 && r.0 > gone.0);
        let still = |gone: &Record| gone.0 >= self.start && !(self.compacted && newer(gone));
        self.bug_happened |= self.gone.iter().any(still);
        self.history.event(0, 9, Kind::Info, Op::Healed {});
        let (mut at, process) = (self.start, 5);
        let assign = Assign::at([(partition(self.generation), at)]);
        self.history.event(0, process, Kind::Ok, assign);
        while at < self.end {
            let to = self.end.min(at + 5);
            self.poll(process, at, to);
            at = to;
        }
        let drained = Drained {
            isolation: Isolation::ReadCommitted,
            partitions: [(
                partition(self.generation),
                DrainedPartition::new(self.start, self.end),
            )]
            .into(),
        };
        self.history.event(0, process, Kind::Ok, drained);
    }
}

#[test]
fn records_that_may_go_are_not_missed() {
    let mut valid = 0;
    for seed in 0..2000 {
        let (history, _) = World::run(seed, None);
        let report = check(&history);
        assert_ne!(report.verdict(), Verdict::Invalid, "seed {seed}: {report}");
        valid += u32::from(report.verdict() == Verdict::Valid);
    }
    // Where the last incarnation is empty and nobody read the others there is nothing to judge.
    assert!(valid >= 1900, "{valid}");
}

#[test]
fn records_that_may_not_go_are() {
    let bugs = [
        (Bug::TrimTooFar, Anomaly::LostWrite),
        (Bug::Resurrect, Anomaly::Phantom),
        (Bug::CompactLast, Anomaly::LostWrite),
    ];
    for (bug, anomaly) in bugs {
        let (mut happened, mut found) = (0, 0);
        for seed in 0..200 {
            let (history, here) = World::run(seed, Some(bug));
            happened += u32::from(here);
            let report = check(&history);
            found += u32::from(here && report.count(anomaly) > 0);
        }
        assert!(
            happened >= 20 && found * 10 >= happened * 7,
            "{bug:?}: {found} of {happened}"
        );
    }
}
