//! What the rounds came to.

use std::collections::BTreeMap;
use std::time::Duration;

use once_verify::cpp::Judgement;

/// The counts over all rounds, and what was found wrong.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Rounds run.
    pub rounds: u32,
    /// How long all of it took.
    pub took: Duration,
    /// Inputs whose append was acknowledged to their idempotent producer.
    pub acknowledged: u64,
    /// Transactions whose commit returned.
    pub commits: u64,
    /// Judgements of the ages, summed.
    judged: Judgement,
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

    /// Takes a judgement in. One that does not hold is a finding.
    pub(super) fn judged(&mut self, of: &str, judgement: &Judgement) {
        if let Some(finding) = finding(of, judgement) {
            self.find(finding);
        }
    }

    /// Adds a judgement to the sums.
    pub(super) fn add(&mut self, judgement: &Judgement) {
        let sum = &mut self.judged;
        sum.inputs += judgement.inputs;
        sum.outputs += judgement.outputs;
        sum.exactly_once += judgement.exactly_once;
        sum.lost += judgement.lost;
        sum.duplicated += judgement.duplicated;
        sum.torn += judgement.torn;
        sum.alien += judgement.alien;
        sum.altered += judgement.altered;
        sum.inputs_lost += judgement.inputs_lost;
        sum.inputs_duplicated += judgement.inputs_duplicated;
    }

    /// The final line.
    pub fn line(&self) -> String {
        let judged = &self.judged;
        format!(
            "{} kills in {} s: {} inputs, {} acknowledged, lost {}, twice {}; \
             {} commits, {} outputs, {} inputs exactly once in every output, lost {}, twice {}, \
             torn transactions {}, alien {}, altered {}; findings {}",
            self.rounds,
            self.took.as_secs(),
            judged.inputs,
            self.acknowledged,
            judged.inputs_lost,
            judged.inputs_duplicated,
            self.commits,
            judged.outputs,
            judged.exactly_once,
            judged.lost,
            judged.duplicated,
            judged.torn,
            judged.alien,
            judged.altered,
            self.findings.len()
        )
    }
}

/// What is wrong with a judgement; nothing read at all is wrong too.
fn finding(of: &str, judgement: &Judgement) -> Option<String> {
    if judgement.inputs == 0 {
        Some(format!("{of}: no input was read back at all"))
    } else if judgement.holds() {
        None
    } else {
        Some(format!("{of}: {judgement:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Judgement {
        Judgement {
            inputs: 3,
            outputs: 6,
            exactly_once: 3,
            ..Judgement::default()
        }
    }

    #[test]
    fn a_judgement_that_holds_is_no_finding_and_every_other_is() {
        let mut tally = Tally::default();
        tally.judged("age 1", &good());
        assert!(tally.holds());
        let broken: [fn(&mut Judgement); 8] = [
            |j| j.lost = 1,
            |j| j.duplicated = 1,
            |j| j.torn = 1,
            |j| j.alien = 1,
            |j| j.altered = 1,
            |j| j.inputs_lost = 1,
            |j| j.inputs_duplicated = 1,
            |j| j.exactly_once = 2,
        ];
        for (number, broken) in broken.iter().enumerate() {
            let mut judgement = good();
            broken(&mut judgement);
            assert!(finding("age 1", &judgement).is_some(), "number {number}");
        }
    }

    #[test]
    fn a_judgement_of_nothing_is_a_finding() {
        let mut tally = Tally::default();
        tally.judged("age 1", &Judgement::default());
        assert_eq!(tally.findings().len(), 1);
    }

    #[test]
    fn sums_reach_the_final_line() {
        let mut tally = Tally::default();
        tally.add(&good());
        tally.add(&good());
        tally.rounds = 20;
        let line = tally.line();
        assert!(
            line.starts_with("20 kills") && line.contains("12 outputs, 6 inputs exactly once"),
            "{line}"
        );
    }
}
