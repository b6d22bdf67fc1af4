//! What the group wants as a whole, and the assignment made for it.

use super::assign::{Member, assign};
use super::draft::ConsumerDraft;
use super::state::{ConsumerGroup, ConsumerMemberRecord, Partitions};
use crate::group::config::{Assignor, GroupConfig};
use crate::group::event::ConsumerEvent;
use crate::group::hash::hash_of_topics;
use crate::group::topics::{TopicImage, TopicInfo};
use std::collections::{BTreeMap, BTreeSet};

impl ConsumerGroup {
    /// The assignor that most members ask for; the first on offer if none does.
    pub(super) fn preferred_assignor(&self, config: &GroupConfig) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        for member in self.members.values() {
            let wanted = member
                .record
                .server_assignor
                .as_deref()
                .and_then(Assignor::from_name);
            if let Some(assignor) = wanted {
                *votes.entry(assignor).or_default() += 1;
            }
        }
        let default = config
            .consumer_assignors
            .first()
            .copied()
            .unwrap_or(Assignor::Uniform);
        let most = votes.values().copied().max().unwrap_or_default();
        let winner = votes.into_iter().find(|(_, count)| *count == most);
        winner.map_or(default, |(assignor, _)| assignor)
    }

    /// The topics that a member wants, by name or by pattern.
    fn wanted<'a>(&'a self, record: &'a ConsumerMemberRecord) -> impl Iterator<Item = &'a String> {
        let pattern = record.subscribed_regex.as_ref();
        let resolved = pattern.and_then(|pattern| self.regexes.get(pattern));
        record
            .subscribed_topics
            .iter()
            .chain(resolved.into_iter().flat_map(|r| &r.topics))
    }

    /// A number that changes when a topic that members want comes, goes or grows; zero if there is
    /// none. It is Kafka's, so that a broker of either kind takes over the other's groups as they are.
    fn hash_topics(&self, topics: &TopicImage) -> i64 {
        let records = self.members.values().map(|member| &member.record);
        let names: BTreeSet<&String> = records.flat_map(|record| self.wanted(record)).collect();
        let known = names
            .into_iter()
            .filter_map(|name| Some((name.as_str(), topics.topic(name)?)));
        hash_of_topics(known)
    }
}

impl ConsumerDraft<'_> {
    /// A new group epoch if members want something else, or if the topics they want changed.
    pub(super) fn bump_if_changed(&mut self, wants_more: bool) {
        self.resolve_patterns();
        let hash = self.group.hash_topics(self.groups.topics());
        if wants_more || hash != self.group.metadata_hash {
            let epoch = self.group.epoch + 1;
            self.step(ConsumerEvent::Epoch(Some((epoch, hash))));
        }
    }

    /// The assignment for a new group epoch; a record for each member whose share changed.
    pub(super) fn make_target(&mut self) {
        if self.group.epoch <= self.group.target_epoch {
            return;
        }
        let assignor = self.group.preferred_assignor(self.groups.config());
        let (members, topics) = self.assignor_input();
        let targets = assign(assignor, &members, &topics);
        for (member_id, partitions) in targets {
            if self.group.targets.get(&member_id) != Some(&partitions) {
                let partitions = Some(partitions);
                self.step(ConsumerEvent::Target {
                    member_id,
                    partitions,
                });
            }
        }
        let epoch = self.group.epoch;
        self.step(ConsumerEvent::TargetEpoch(Some((epoch, self.now))));
    }

    fn assignor_input(
        &self,
    ) -> (
        BTreeMap<String, Member>,
        BTreeMap<once_wire::Uuid, TopicInfo>,
    ) {
        let image = self.groups.topics();
        let mut topics = BTreeMap::new();
        let mut members = BTreeMap::new();
        for (member_id, member) in &self.group.members {
            let mut subscribed = BTreeSet::new();
            for info in self
                .group
                .wanted(&member.record)
                .filter_map(|name| image.topic(name))
            {
                subscribed.insert(info.id);
                topics.insert(info.id, info.clone());
            }
            let has: Partitions = self
                .group
                .targets
                .get(member_id)
                .cloned()
                .unwrap_or_default();
            let instance_id = member.record.instance_id.clone();
            members.insert(
                member_id.clone(),
                Member {
                    instance_id,
                    subscribed,
                    has,
                },
            );
        }
        (members, topics)
    }
}
