//! Subscriptions by pattern (KIP-848; Kafka: `refreshRegularExpressions`, RE2/J syntax).
//!
//! A pattern must match a topic's whole name. It is resolved against the topics at hand in the
//! heartbeat that brings it, and again when the topics change.

use super::draft::{ConsumerDraft, Refusal};
use super::state::ResolvedRegex;
use crate::group::event::ConsumerEvent;
use once_wire::ErrorCode;
use regex_lite::{Regex, RegexBuilder};
use std::collections::BTreeSet;

/// The largest compiled pattern, in bytes. A match takes time in proportion to it and to the name, and
/// everybody waits meanwhile: nested repetitions of few characters would stop the broker.
const COMPILED_MAX: usize = 16 << 10;

/// Refuses what is no pattern, or one that takes too long to match.
pub(super) fn check_pattern(pattern: &str) -> Result<(), Refusal> {
    compile(pattern).map(|_| ())
}

fn compile(pattern: &str) -> Result<Regex, Refusal> {
    let refused = |error| {
        let text = format!("{pattern} is no regular expression: {error}");
        (ErrorCode::InvalidRegularExpression, text)
    };
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(COMPILED_MAX)
        .build()
        .map_err(refused)
}

impl ConsumerDraft<'_> {
    /// Brings the patterns in use up to date with the topics, and forgets those that nobody uses.
    pub(super) fn resolve_patterns(&mut self) {
        let used = self
            .group
            .members
            .values()
            .filter_map(|m| m.record.subscribed_regex.clone());
        let used: BTreeSet<String> = used.collect();
        let unused = self
            .group
            .regexes
            .keys()
            .filter(|pattern| !used.contains(*pattern));
        let unused: Vec<String> = unused.cloned().collect();
        for pattern in unused {
            self.step(ConsumerEvent::Regex {
                pattern,
                resolved: None,
            });
        }
        let version = self.groups.topics().fingerprint();
        for pattern in used {
            if self
                .group
                .regexes
                .get(&pattern)
                .is_none_or(|known| known.version != version)
            {
                let topics = self.matches(&pattern);
                let resolved = Some(ResolvedRegex {
                    topics,
                    version,
                    timestamp: self.now,
                });
                self.step(ConsumerEvent::Regex { pattern, resolved });
            }
        }
    }

    /// A pattern in an old log may be one that we cannot read: then it matches nothing.
    fn matches(&self, pattern: &str) -> BTreeSet<String> {
        let Ok(regex) = compile(pattern) else {
            return BTreeSet::new();
        };
        let names = self.groups.topics().iter().map(|(name, _)| name);
        names
            .filter(|name| regex.is_match(name))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_takes_long_to_match_is_refused_and_common_ones_are_not() {
        let refused = check_pattern("((a?){1,250}){1,100}b").expect_err("too large");
        assert_eq!(refused.0, ErrorCode::InvalidRegularExpression);
        for pattern in [
            "orders-.*",
            "(eu|us)\\.(orders|payments)\\.v[0-9]{1,3}",
            ".*",
        ] {
            assert_eq!(check_pattern(pattern).map_err(|refused| refused.1), Ok(()));
        }
    }
}
