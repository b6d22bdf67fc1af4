//! What the rounds came to.

use std::collections::BTreeMap;
use std::time::Duration;

use once_check::{Counts, Report, Verdict};

/// Findings of one judgement that are told; all are counted.
const TOLD: usize = 5;

/// The counts over all rounds, and what was found wrong.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Rounds run.
    pub rounds: u32,
    /// How long all of it took.
    pub took: Duration,
    /// Faults of storage that were seen to be dealt.
    pub faults: u64,
    /// Calls that storage delayed.
    pub delays: u64,
    /// How often the broker refused data for want of room.
    pub refusals: u64,
    /// What the judge looked at, of all ages.
    judged: Counts,
    /// Errors that clients met, which is no finding.
    errors: BTreeMap<String, u64>,
    findings: Vec<String>,
}

impl Tally {
    /// Whether nothing was found wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// What was found wrong, in words.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// The errors that surfaced from the clients, and how often. They got over them.
    pub fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    pub(super) fn find(&mut self, finding: String) {
        self.findings.push(finding);
    }

    pub(super) fn met(&mut self, errors: &BTreeMap<String, u64>) {
        for (error, times) in errors {
            *self.errors.entry(error.clone()).or_default() += times;
        }
    }

    /// An error of one of librdkafka's clients.
    pub(super) fn met_by_companion(&mut self, error: String) {
        let error = format!("librdkafka: {error}");
        *self.errors.entry(error).or_default() += 1;
    }

    /// Takes a judgement in. One that does not hold is a finding; that nothing can be said is one
    /// too, for the history has an end.
    pub(super) fn judged(&mut self, of: &str, report: &Report) {
        match report.verdict() {
            Verdict::Valid => {}
            Verdict::Unknown => {
                self.find(format!("{of}: {}", report.unknown.join("; ")));
            }
            Verdict::Invalid => {
                for (anomaly, count) in &report.anomalies {
                    self.find(format!("{of}: {anomaly}: {count}"));
                }
                for finding in report.findings.iter().take(TOLD) {
                    self.find(format!("{of}: {finding}"));
                }
            }
        }
    }

    /// Adds what a judge looked at to the sums.
    pub(super) fn add(&mut self, counts: &Counts) {
        let sum = &mut self.judged;
        sum.events += counts.events;
        sum.sends += counts.sends;
        sum.acknowledged += counts.acknowledged;
        sum.reads += counts.reads;
        sum.committed += counts.committed;
        sum.aborted += counts.aborted;
        sum.undecided += counts.undecided;
    }

    /// The final line.
    pub fn line(&self) -> String {
        let judged = &self.judged;
        let storage = if self.faults == 0 {
            String::new()
        } else {
            format!(
                ", {} faults, {} delays, {} times out of room",
                self.faults, self.delays, self.refusals
            )
        };
        format!(
            "{} rounds in {} s{storage}: {} events, {} records sent, {} acknowledged, {} read; \
             transactions: {} committed, {} aborted, {} undecided; findings {}",
            self.rounds,
            self.took.as_secs(),
            judged.events,
            judged.sends,
            judged.acknowledged,
            judged.reads,
            judged.committed,
            judged.aborted,
            judged.undecided,
            self.findings.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use once_check::history::{Isolation, Partition, PartitionRead, Poll, SendRecord};
    use once_check::{History, check};

    use super::*;

    /// Three records that are acknowledged, of which these are read.
    fn report(read: &[i64]) -> Report {
        let partition = Partition::new("t", 0);
        let mut history = History::new();
        for offset in 0..3_i64 {
            let record = SendRecord::new(partition.clone(), offset.unsigned_abs());
            let send = history.invoke(0, 1, record.clone());
            history.ok_with(0, send, record.at(offset));
        }
        let poll = Poll::new(Isolation::ReadCommitted);
        let records = read.iter().fold(PartitionRead::new(partition), |read, at| {
            read.record(*at, at.unsigned_abs())
        });
        let invoked = history.invoke(0, 2, poll.clone());
        history.ok_with(0, invoked, poll.read(records));
        check(&history)
    }

    #[test]
    fn a_valid_history_is_no_finding_and_every_other_is() {
        let mut tally = Tally::default();
        tally.judged("age-1", &report(&[0, 1, 2]));
        assert!(tally.holds());
        tally.judged("age-2", &report(&[0, 2]));
        let lost = tally.findings().join("\n");
        assert!(lost.contains("age-2"), "{lost}");
        let mut unseen = Tally::default();
        unseen.judged("age-3", &report(&[0]));
        assert!(!unseen.holds(), "nobody read so far: it shows nothing");
        let mut nothing = Tally::default();
        nothing.judged("age-4", &check(&History::new()));
        assert!(!nothing.holds());
    }

    #[test]
    fn sums_reach_the_final_line() {
        let mut tally = Tally::default();
        let counts = report(&[0, 1, 2]).counts;
        tally.add(&counts);
        tally.add(&counts);
        tally.rounds = 20;
        let line = tally.line();
        let expected = "6 records sent, 6 acknowledged, 6 read";
        assert!(
            line.starts_with("20 rounds") && line.contains(expected),
            "{line}"
        );
    }
}
