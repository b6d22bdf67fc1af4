//! Subscriptions by pattern (KIP-848; Kafka: `refreshRegularExpressions`, RE2/J syntax).
//!
//! A pattern must match a topic's whole name. It is resolved against the topics at hand in the
//! heartbeat that brings it, and again when the topics change.

use super::draft::{ConsumerDraft, Refusal};
use super::pattern::Pattern;
use super::state::ResolvedRegex;
use crate::group::event::ConsumerEvent;
use std::collections::BTreeSet;

/// How much one heartbeat does to bring patterns up to date, in bytes of names matched; it stops after
/// the pattern that exceeds it. Some milliseconds.
const WORK_MAX: usize = 4 << 20;
/// How many bytes are matched while one position is put into one set.
const BYTES_PER_POSITION: usize = 32;
/// How many bytes are matched while one byte of a pattern is read.
const BYTES_PER_BYTE_READ: usize = 256;

/// Refuses what is no pattern, or one that takes too long to match.
pub(super) fn check_pattern(pattern: &str) -> Result<(), Refusal> {
    Pattern::new(pattern).map(|_| ())
}

impl ConsumerDraft<'_> {
    /// Brings the patterns in use up to date with the topics, and forgets those that nobody uses. New
    /// ones come first, then what was matched longest ago; what is too much for one heartbeat
    /// is left to the next, as old topics are better than a broker that stands still (Kafka refreshes beside
    /// its heartbeats altogether).
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
        let known = |pattern: &String| self.group.regexes.get(pattern);
        let stale = |pattern: &String| known(pattern).is_none_or(|known| known.version != version);
        let mut stale: Vec<String> = used.into_iter().filter(stale).collect();
        stale.sort_by_key(|pattern| known(pattern).map(|known| known.timestamp));
        let mut work = 0;
        for pattern in stale {
            if work >= WORK_MAX {
                break;
            }
            let topics = self.matches(&pattern, &mut work);
            let resolved = Some(ResolvedRegex {
                topics,
                version,
                timestamp: self.now,
            });
            self.step(ConsumerEvent::Regex { pattern, resolved });
        }
    }

    /// A pattern in an old log may be one that we cannot read: then it matches nothing.
    fn matches(&self, pattern: &str, work: &mut usize) -> BTreeSet<String> {
        *work += BYTES_PER_BYTE_READ * pattern.len();
        let Ok(pattern) = Pattern::new(pattern) else {
            *work += WORK_MAX;
            return BTreeSet::new();
        };
        *work += BYTES_PER_POSITION * pattern.work();
        let names = self.groups.topics().iter().map(|(name, _)| name);
        names
            .inspect(|name| *work += name.len())
            .filter(|name| pattern.matches(name))
            .map(str::to_owned)
            .collect()
    }
}
