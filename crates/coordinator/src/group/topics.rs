//! The topics that groups may be given: a copy of what the catalog knows.

use super::hash::StableHash;
use once_wire::Uuid;
use std::collections::BTreeMap;

/// One topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicInfo {
    /// Topic id, never zero.
    pub id: Uuid,
    /// Number of partitions.
    pub partitions: i32,
}

/// All topics, by name and by id. The engine hands over a new one whenever the catalog changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TopicImage {
    by_name: BTreeMap<String, TopicInfo>,
    names: BTreeMap<Uuid, String>,
    fingerprint: i64,
}

impl TopicImage {
    /// Collects topics.
    #[must_use]
    pub fn new(topics: impl IntoIterator<Item = (String, TopicInfo)>) -> Self {
        let by_name: BTreeMap<_, _> = topics.into_iter().collect();
        let names = by_name
            .iter()
            .map(|(name, info)| (info.id, name.clone()))
            .collect();
        let mut fingerprint = StableHash::default();
        by_name
            .keys()
            .for_each(|name| fingerprint.write(name.as_bytes()));
        Self {
            names,
            fingerprint: fingerprint.value(),
            by_name,
        }
    }

    /// A number that changes when a topic comes or goes.
    #[must_use]
    pub fn fingerprint(&self) -> i64 {
        self.fingerprint
    }

    /// The topic of that name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&TopicInfo> {
        self.by_name.get(name)
    }

    /// The name of the topic with that id.
    #[must_use]
    pub fn name(&self, id: Uuid) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// All topics, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TopicInfo)> {
        self.by_name
            .iter()
            .map(|(name, info)| (name.as_str(), info))
    }

    /// True if `name` was a topic here and is no more (or is another topic) in `next`.
    #[must_use]
    pub fn is_gone_in(&self, name: &str, next: &Self) -> bool {
        self.topic(name)
            .is_some_and(|old| next.topic(name).is_none_or(|new| new.id != old.id))
    }
}
