//! Uniform: shares as even as subscriptions allow, and as little moved as evenness allows.
//!
//! Three passes: everyone keeps what it had and still wants; what nobody has goes to whoever has
//! least; then, while a member has at least two more than another that could take one of its
//! partitions, one moves. If all subscribe to the same topics, shares differ by at most one.

use super::Member;
use crate::group::consumer::state::Partitions;
use crate::group::topics::TopicInfo;
use once_wire::Uuid;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn assign(
    members: &BTreeMap<String, Member>,
    topics: &BTreeMap<Uuid, TopicInfo>,
) -> BTreeMap<String, Partitions> {
    let mut shares = Shares::new(members);
    let free = shares.keep(topics);
    for partition in free {
        if let Some(taker) = shares.least_loaded(partition.0) {
            shares.give(taker, partition);
        }
    }
    while shares.even_out() {}
    shares.finish()
}

type Partition = (Uuid, i32);

struct Shares<'a> {
    members: Vec<(&'a String, &'a Member)>,
    shares: Vec<BTreeSet<Partition>>,
    /// Members by the size of their share.
    by_load: BTreeSet<(usize, usize)>,
}

impl<'a> Shares<'a> {
    fn new(members: &'a BTreeMap<String, Member>) -> Self {
        Self {
            members: members.iter().collect(),
            shares: vec![BTreeSet::new(); members.len()],
            by_load: (0..members.len()).map(|index| (0, index)).collect(),
        }
    }

    /// Lets members keep what they had, and gives what is left. Topics with few subscribers come
    /// first: they leave least choice.
    fn keep(&mut self, topics: &BTreeMap<Uuid, TopicInfo>) -> Vec<Partition> {
        let mut taken = BTreeSet::new();
        for index in 0..self.members.len() {
            let member = self.members[index].1;
            for (topic_id, partitions) in &member.has {
                let count = topics.get(topic_id).map_or(0, |info| info.partitions);
                let wanted = member.subscribed.contains(topic_id);
                for partition in partitions.iter().filter(|p| wanted && **p < count) {
                    if taken.insert((*topic_id, *partition)) {
                        self.give(index, (*topic_id, *partition));
                    }
                }
            }
        }
        let subscribers = |topic_id: &Uuid| {
            self.members
                .iter()
                .filter(|(_, member)| member.subscribed.contains(topic_id))
                .count()
        };
        let mut order: Vec<_> = topics
            .iter()
            .map(|(id, info)| (subscribers(id), *id, info))
            .collect();
        order.sort_by_key(|(count, id, _)| (*count, *id));
        let all = order
            .into_iter()
            .flat_map(|(_, id, info)| (0..info.partitions).map(move |p| (id, p)));
        all.filter(|partition| !taken.contains(partition)).collect()
    }

    /// The subscriber of the topic with the smallest share.
    fn least_loaded(&self, topic_id: Uuid) -> Option<usize> {
        let mut subscribers = self
            .by_load
            .iter()
            .filter(|(_, i)| self.members[*i].1.subscribed.contains(&topic_id));
        subscribers.next().map(|(_, index)| *index)
    }

    fn give(&mut self, index: usize, partition: Partition) {
        self.by_load.remove(&(self.shares[index].len(), index));
        self.shares[index].insert(partition);
        self.by_load.insert((self.shares[index].len(), index));
    }

    fn take(&mut self, index: usize, partition: Partition) {
        self.by_load.remove(&(self.shares[index].len(), index));
        self.shares[index].remove(&partition);
        self.by_load.insert((self.shares[index].len(), index));
    }

    /// Moves single partitions from larger to smaller shares; true if any moved. Each move makes the
    /// sum of the shares' squares smaller, so this ends.
    fn even_out(&mut self) -> bool {
        let mut moved = false;
        let largest_first: Vec<usize> =
            self.by_load.iter().rev().map(|(_, index)| *index).collect();
        for index in largest_first {
            let share: Vec<Partition> = self.shares[index].iter().rev().copied().collect();
            for partition in share {
                let Some(taker) = self.least_loaded(partition.0) else {
                    continue;
                };
                if self.shares[taker].len() + 1 < self.shares[index].len() {
                    self.take(index, partition);
                    self.give(taker, partition);
                    moved = true;
                }
            }
        }
        moved
    }

    fn finish(self) -> BTreeMap<String, Partitions> {
        let collect = |share: BTreeSet<Partition>| {
            let mut partitions = Partitions::new();
            for (topic_id, partition) in share {
                partitions.entry(topic_id).or_default().insert(partition);
            }
            partitions
        };
        let shares = self.shares.into_iter().map(collect);
        self.members
            .into_iter()
            .map(|(id, _)| id.clone())
            .zip(shares)
            .collect()
    }
}
