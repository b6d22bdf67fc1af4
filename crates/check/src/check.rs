//! The judgement.

use crate::anomaly;
use crate::facts::Facts;
use crate::history::History;
use crate::report::Report;

/// Malformed lines that a report names.
const NAMED: usize = 10;

/// Judges a history. Takes time proportional to its length, but for sorting.
pub fn check(history: &History) -> Report {
    let facts = Facts::new(history);
    let mut report = Report::default();
    report.count_facts(history.events().len(), &facts);
    anomaly::find(&facts, &mut report);
    report.unknown = unknown(&facts, &report);
    report
}

/// Why the history cannot show that nothing happened.
fn unknown(facts: &Facts<'_>, report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    if facts.records_read() == 0 {
        reasons.push("nothing was read".to_owned());
    }
    if facts.cut {
        reasons.push("the history's end is missing".to_owned());
    }
    let unseen = report.count(anomaly::Anomaly::Unseen);
    if unseen > 0 {
        reasons.push(format!("{unseen} acknowledged records were never come to"));
    }
    let bad = facts.malformed.iter().take(NAMED);
    reasons.extend(bad.map(|bad| format!("line {}: {}", bad.line + 1, bad.what)));
    let more = facts.malformed.len().saturating_sub(NAMED);
    if more > 0 {
        reasons.push(format!("… and {more} more malformed lines"));
    }
    reasons
}
