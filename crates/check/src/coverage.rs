//! Which offsets were read past, by readers of which isolation: what lies there must have been
//! seen.

use crate::facts::{Before, Facts, Line, NEVER, Outcome, PartReads, Send, Visibility};
use crate::hash::Map;
use crate::history::{Isolation, Op, Value};

/// Offsets from `start` on and below `end` were read past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    start: i64,
    end: i64,
    /// The event that read furthest.
    line: Line,
}

/// What readers of one isolation read past in a partition: disjoint and ascending once settled.
#[derive(Debug, Default)]
struct Ranges {
    pieces: Vec<Piece>,
    /// From where on a drain read everything, and its line.
    drained: Option<(i64, Line)>,
}

impl Ranges {
    fn settle(&mut self) {
        self.pieces.sort_unstable();
        let mut kept = 0;
        for at in 0..self.pieces.len() {
            let piece = self.pieces[at];
            match self.pieces[..kept].last_mut() {
                Some(last) if piece.start <= last.end => {
                    if piece.end > last.end {
                        (last.end, last.line) = (piece.end, piece.line);
                    }
                }
                _ => {
                    self.pieces[kept] = piece;
                    kept += 1;
                }
            }
        }
        self.pieces.truncate(kept);
    }

    fn covers(&self, offset: i64) -> Option<Line> {
        let after = self.pieces.partition_point(|piece| piece.start <= offset);
        let piece = self.pieces[..after].last()?;
        (offset < piece.end).then_some(piece.line)
    }
}

/// What was read past, in every partition.
pub(crate) struct Coverage<'f, 'h> {
    facts: &'f Facts<'h>,
    ranges: Vec<[Ranges; 2]>,
    /// In compacted partitions, the last offset at which a key may have a record.
    last_of_key: Map<(u32, &'h Value), i64>,
    /// Sends that drains found, by isolation.
    drained: Map<(u32, u8), ()>,
}

impl<'f, 'h> Coverage<'f, 'h> {
    pub(crate) fn new(facts: &'f Facts<'h>) -> Self {
        let mut coverage = Self {
            facts,
            ranges: Vec::new(),
            last_of_key: Map::default(),
            drained: Map::default(),
        };
        let empty = || [Ranges::default(), Ranges::default()];
        coverage.ranges.resize_with(facts.partitions.len(), empty);
        for (reads, before) in facts.reads.iter().zip(&facts.before) {
            coverage.read(reads, *before);
        }
        coverage.drains();
        for ranges in coverage.ranges.iter_mut().flatten() {
            ranges.settle();
        }
        coverage.keys();
        coverage
    }

    fn read(&mut self, reads: &PartReads<'_>, before: Before) {
        let facts = self.facts;
        let (partition, line) = (
            &facts.partitions[reads.partition as usize],
            facts.line_of(reads),
        );
        // Where old records may go, only a drain says from where on all must be there; and in what
        // is being deleted nothing must.
        let (Some(end), false) = (reads.end(), partition.expires || line > partition.deleted)
        else {
            return;
        };
        let first = reads.read.records.first().map(|record| record.offset);
        let start = match (reads.read.from, before) {
            (Some(from), _) => from,
            (None, Before::At(offset, _)) => offset,
            (None, Before::New) => 0,
            (None, Before::Moved) => first.unwrap_or(end),
        };
        let ranges = &mut self.ranges[reads.partition as usize][reads.isolation as usize];
        match ranges.pieces.last_mut() {
            Some(last) if last.end == start && end >= start => {
                (last.end, last.line) = (end, line);
            }
            _ if start < end => ranges.pieces.push(Piece { start, end, line }),
            _ => {}
        }
    }

    fn drains(&mut self) {
        let facts = self.facts;
        let mut who: Map<(u32, u32, u8), ()> = Map::default();
        for operation in &facts.operations {
            let (Op::Drained(drained), true) = (operation.op, operation.begin > facts.healed)
            else {
                continue;
            };
            for (name, bounds) in &drained.partitions {
                if let Some(id) = facts.partition(name) {
                    // A log that begins later than it may has lost its beginning.
                    let expires = facts.partitions[id as usize].expires;
                    let start = if expires { bounds.start } else { 0 };
                    let ranges = &mut self.ranges[id as usize][drained.isolation as usize];
                    ranges.drained = Some((start, operation.end));
                    who.insert((operation.process, id, drained.isolation as u8), ());
                }
            }
        }
        if who.is_empty() {
            return;
        }
        for reads in &facts.reads {
            let isolation = reads.isolation as u8;
            let process = facts.operations[reads.operation as usize].process;
            let drains = who.contains_key(&(process, reads.partition, isolation));
            if drains && facts.line_of(reads) > facts.healed {
                for id in facts.sends_of(reads) {
                    self.drained.insert((*id, isolation), ());
                }
            }
        }
    }

    fn keys(&mut self) {
        for send in &self.facts.sends {
            let compacted = self.facts.partitions[send.partition as usize].compacted;
            let key = send.op.key.as_ref().filter(|_| compacted);
            let Some(key) = key.filter(|_| send.visibility != Visibility::MustNot) else {
                continue;
            };
            let at = send.offset.unwrap_or(i64::MAX);
            let last = self.last_of_key.entry((send.partition, key)).or_insert(at);
            *last = at.max(*last);
        }
    }

    /// Whether it may have gone: deleted, or compacted away.
    pub(crate) fn may_be_gone(&self, send: &Send<'_>) -> bool {
        let facts = &self.facts.partitions[send.partition as usize];
        let deleted = send.offset.is_some_and(|at| at < facts.deleted_below);
        let unbounded = send.offset.is_none() && (facts.expires || facts.deleted_below > 0);
        let compacted = facts.compacted
            && (send.op.tombstone
                || send.op.key.as_ref().is_none_or(|key| {
                    let last = self.last_of_key.get(&(send.partition, key));
                    last.copied() != send.offset
                }));
        deleted || unbounded || compacted
    }

    /// If readers must have seen this record and did not: the line that shows it, and which readers.
    pub(crate) fn missing(&self, id: u32) -> Option<(Line, Isolation)> {
        let send = &self.facts.sends[id as usize];
        if send.visibility != Visibility::Must || self.may_be_gone(send) {
            return None;
        }
        let both = [Isolation::ReadCommitted, Isolation::ReadUncommitted];
        let drain = |isolation| Some((self.not_drained(id, send, isolation)?, isolation));
        if let Some(found) = both.into_iter().find_map(drain) {
            return Some(found);
        }
        let unseen = [send.first_committed, send.first_any].map(|line| line == NEVER);
        let passed = |isolation| {
            let ranges = &self.ranges[send.partition as usize][isolation as usize];
            Some((ranges.covers(send.offset?)?, isolation))
        };
        let mut readers = both.into_iter().zip(unseen).filter(|(_, unseen)| *unseen);
        readers.find_map(|(isolation, _)| passed(isolation))
    }

    /// The line of a drain that had to find it and did not, whoever had read it before.
    fn not_drained(&self, id: u32, send: &Send<'_>, isolation: Isolation) -> Option<Line> {
        let ranges = &self.ranges[send.partition as usize][isolation as usize];
        let (start, line) = ranges.drained?;
        let known = match send.outcome {
            Outcome::Ok => send.end,
            Outcome::Fail | Outcome::Unknown => send.first_any,
        };
        let transaction = self.facts.transaction_of(send);
        let certain = transaction.map_or(0, |transaction| transaction.certain());
        let settled = known.max(certain) < self.facts.healed && self.facts.healed < line;
        let below = send.offset.is_some_and(|offset| offset < start);
        let found = self.drained.contains_key(&(id, isolation as u8));
        (settled && !below && !found).then_some(line)
    }
}
