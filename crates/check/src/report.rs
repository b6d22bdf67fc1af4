//! What was found, with its evidence.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::anomaly::Anomaly;
use crate::facts::{Facts, Line, NEVER, Outcome, Send, Status};
use crate::history::{Partition, Value};
use crate::verdict::Verdict;

/// Findings of one anomaly that are kept; all are counted.
const KEPT: u64 = 20;

/// One thing that happened and must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule it breaks.
    pub anomaly: Anomaly,
    /// What happened, in a sentence.
    pub text: String,
    /// Where, if it is in one partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The offsets concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<i64>,
    /// The values concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// The lines of the history that show it, from 1, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<u32>,
}

impl Finding {
    pub(crate) fn new(anomaly: Anomaly, text: impl Into<String>) -> Self {
        Self {
            anomaly,
            text: text.into(),
            partition: None,
            offsets: Vec::new(),
            values: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// In this partition, at these offsets.
    pub(crate) fn at(mut self, partition: &Partition, offsets: &[i64]) -> Self {
        self.partition = Some(partition.clone());
        self.offsets.extend(offsets);
        self
    }

    /// Shown by these events.
    pub(crate) fn lines(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        let known = lines.into_iter().filter(|line| *line != NEVER);
        self.lines.extend(known.map(|line| line + 1));
        self.lines.sort_unstable();
        self.lines.dedup();
        self
    }

    /// About this send.
    pub(crate) fn send(mut self, send: &Send<'_>) -> Self {
        self.values.push(send.op.value.clone());
        self.lines([send.begin, send.end])
    }
}

/// How much the judge looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events of the history.
    pub events: u64,
    /// Records sent.
    pub sends: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Records read, by all readers together.
    pub reads: u64,
    /// Transactions that are committed.
    pub committed: u64,
    /// Transactions that are aborted.
    pub aborted: u64,
    /// Transactions of which nobody knows.
    pub undecided: u64,
}

/// The judgement of a history, with its reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was looked at.
    pub counts: Counts,
    /// How often each anomaly was found.
    pub anomalies: BTreeMap<Anomaly, u64>,
    /// Findings, the first few of each anomaly.
    pub findings: Vec<Finding>,
    /// Why something could not be judged.
    pub unknown: Vec<String>,
}

impl Report {
    /// In one word.
    pub fn verdict(&self) -> Verdict {
        if self.anomalies.keys().any(|anomaly| anomaly.proves()) {
            Verdict::Invalid
        } else if !self.unknown.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Valid
        }
    }

    /// How often an anomaly was found.
    pub fn count(&self, anomaly: Anomaly) -> u64 {
        self.anomalies.get(&anomaly).copied().unwrap_or(0)
    }

    /// Adds a finding; `make` is called only if it is kept.
    pub(crate) fn add(&mut self, anomaly: Anomaly, make: impl FnOnce() -> Finding) {
        let count = self.anomalies.entry(anomaly).or_default();
        *count += 1;
        if *count <= KEPT {
            self.findings.push(make());
        }
    }

    pub(crate) fn count_facts(&mut self, events: usize, facts: &Facts<'_>) {
        let status = |wanted: Status| {
            let all = facts.transactions.iter();
            all.filter(|transaction| transaction.status() == wanted)
                .count() as u64
        };
        let ok = |send: &&Send<'_>| send.outcome == Outcome::Ok;
        self.counts = Counts {
            events: events as u64,
            sends: facts.sends.len() as u64,
            acknowledged: facts.sends.iter().filter(ok).count() as u64,
            reads: facts.records_read() as u64,
            committed: status(Status::Committed),
            aborted: status(Status::Aborted),
            undecided: status(Status::Unknown),
        };
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(
            f,
            "{}: {} events, {} sends ({} acknowledged), {} records read, transactions: {} committed, {} aborted, {} unknown",
            self.verdict(),
            counts.events,
            counts.sends,
            counts.acknowledged,
            counts.reads,
            counts.committed,
            counts.aborted,
            counts.undecided,
        )?;
        for (anomaly, count) in &self.anomalies {
            writeln!(f, "{anomaly}: {count}. {}", anomaly.meaning())?;
            let of_it = |finding: &&Finding| finding.anomaly == *anomaly;
            for finding in self.findings.iter().filter(of_it) {
                writeln!(f, "  {finding}")?;
            }
            if *count > KEPT {
                writeln!(f, "  … and {} more", count - KEPT)?;
            }
        }
        for reason in &self.unknown {
            writeln!(f, "unknown: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some((first, rest)) = self.lines.split_first() {
            write!(f, " (lines {first}")?;
            rest.iter().try_for_each(|line| write!(f, ", {line}"))?;
            f.write_str(")")?;
        }
        Ok(())
    }
}
