//! What was claimed, and what was found.

/// A statement of the demo and the evidence for or against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The act, from 1.
    pub act: u8,
    /// What is claimed.
    pub what: String,
    /// What would show it.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// All claims of a run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The claims.
    pub claims: Vec<Claim>,
}

impl Claim {
    /// Whether what was found is what was expected.
    pub fn holds(&self) -> bool {
        self.expected == self.found
    }
}

impl Report {
    /// Whether every claim holds, and there is at least one.
    pub fn holds(&self) -> bool {
        !self.claims.is_empty() && self.claims.iter().all(Claim::holds)
    }

    /// The claims of one act that fail.
    pub fn failures(&self, act: u8) -> impl Iterator<Item = &Claim> {
        self.claims
            .iter()
            .filter(move |claim| claim.act == act && !claim.holds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(act: u8, found: &str) -> Claim {
        Claim {
            act,
            what: "x".into(),
            expected: "1".into(),
            found: found.into(),
        }
    }

    #[test]
    fn one_false_claim_fails_the_report_and_so_does_none_at_all() {
        assert!(
            Report {
                claims: vec![claim(1, "1")]
            }
            .holds()
        );
        let report = Report {
            claims: vec![claim(1, "1"), claim(2, "2")],
        };
        assert!(!report.holds());
        assert_eq!(
            (report.failures(1).count(), report.failures(2).count()),
            (0, 1)
        );
        assert!(!Report::default().holds());
    }
}
