//! What is told in the end: one line of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::citizen::Service;
use super::ground::{Finding, Tally};

/// How the broker stood the garbage.
#[derive(Debug, Clone)]
pub struct Report {
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) tally: Tally,
    pub(super) service: Service,
    pub(super) findings: BTreeMap<&'static str, Finding>,
    /// `None` if there was no process to watch.
    pub(super) peak_rss_mib: Option<u64>,
    pub(super) max_rss_mib: u64,
    pub(super) alive: bool,
    pub(super) panics: Vec<String>,
    /// The end of the broker's log.
    pub(super) log_tail: String,
}

impl Report {
    /// Whether the broker lived, within its memory, and served the well-behaved client, and
    /// nothing else was found.
    pub fn holds(&self) -> bool {
        self.complaints().is_empty()
    }

    /// What was wrong, in words.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if !self.alive {
            let log = &self.log_tail;
            complaints.push(format!("the broker died; the end of its log:\n{log}"));
        }
        if let Some(peak) = self.peak_rss_mib.filter(|peak| *peak > self.max_rss_mib) {
            let allowed = self.max_rss_mib;
            complaints.push(format!("its memory rose to {peak} MiB of {allowed}"));
        }
        let service = &self.service;
        if let Some(first) = &service.first_failure {
            let times = service.failures;
            complaints.push(format!(
                "the well-behaved client was failed {times} times, first: {first}"
            ));
        }
        if service.served == 0 {
            complaints.push("the well-behaved client was never served".to_owned());
        }
        for (law, finding) in &self.findings {
            complaints.push(format!(
                "{law}: {}\n  {}",
                finding.times,
                finding.told.join("\n  ")
            ));
        }
        if let Some(first) = self.panics.first() {
            complaints.push(format!("it panicked {} times: {first}", self.panics.len()));
        }
        complaints
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let found: u64 = self.findings.values().map(|finding| finding.times).sum();
        json!({
            "peak_rss_mib": self.peak_rss_mib,
            "served": self.service.served,
            "failed": self.service.failures,
            "worst_latency_ms": self.service.worst.as_millis() as u64,
            "connections": self.tally.connections,
            "answered": self.tally.answered,
            "refused": self.tally.refused,
            "silent": self.tally.silent,
            "findings": found,
            "panics": self.panics.len(),
            "broker_alive": self.alive,
            "seconds": self.took.as_secs(),
            "seed": self.seed,
            "ok": self.holds(),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        Report {
            seed: 1,
            took: Duration::from_secs(2),
            tally: Tally::default(),
            service: Service {
                served: 10,
                ..Service::default()
            },
            findings: BTreeMap::new(),
            peak_rss_mib: Some(200),
            max_rss_mib: 200,
            alive: true,
            panics: Vec::new(),
            log_tail: String::new(),
        }
    }

    #[test]
    fn each_law_broken_alone_is_a_complaint() {
        assert!(good().holds());
        let broken: [fn(&mut Report); 6] = [
            |report| report.alive = false,
            |report| report.peak_rss_mib = Some(201),
            |report| report.service.first_failure = Some("late".to_owned()),
            |report| report.service.served = 0,
            |report| {
                report.findings.insert("law", Finding::default());
            },
            |report| report.panics.push("panicked at x".to_owned()),
        ];
        for (number, broken) in broken.iter().enumerate() {
            let mut report = good();
            broken(&mut report);
            assert_eq!(report.complaints().len(), 1, "number {number}");
            assert!(report.json().contains("\"ok\":false"), "number {number}");
        }
    }

    #[test]
    fn the_report_is_one_line_of_json() {
        let json = good().json();
        assert_eq!(json.lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(read["peak_rss_mib"], 200);
        assert_eq!(read["broker_alive"], true);
    }
}
