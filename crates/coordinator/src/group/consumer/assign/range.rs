//! Range: of each topic, each subscriber gets a run of neighbouring partitions.
//!
//! Subscribers stand in the same order for every topic (static members first, by instance id), so
//! that those who subscribe to the same topics get the same indexes of each: what joins need.

use super::Member;
use crate::group::consumer::state::Partitions;
use crate::group::topics::TopicInfo;
use once_wire::Uuid;
use std::collections::BTreeMap;

pub(super) fn assign(
    members: &BTreeMap<String, Member>,
    topics: &BTreeMap<Uuid, TopicInfo>,
) -> BTreeMap<String, Partitions> {
    let mut order: Vec<&String> = members.keys().collect();
    let rank = |id: &&String| {
        (
            members[*id].instance_id.is_none(),
            members[*id].instance_id.clone(),
        )
    };
    order.sort_by_key(rank);
    let mut shares: BTreeMap<String, Partitions> = members
        .keys()
        .map(|id| (id.clone(), Partitions::new()))
        .collect();
    for (topic_id, info) in topics {
        let subscribes = |id: &&&String| members[**id].subscribed.contains(topic_id);
        let subscribers: Vec<&&String> = order.iter().filter(subscribes).collect();
        for (member_id, run) in subscribers
            .iter()
            .zip(runs(info.partitions, subscribers.len()))
        {
            if !run.is_empty() {
                let share = shares
                    .get_mut(**member_id)
                    .expect("every member has a share");
                share.insert(*topic_id, run.collect());
            }
        }
    }
    shares
}

/// `count` runs that cover `0..partitions`; the first ones are longer by one if it does not divide.
fn runs(partitions: i32, count: usize) -> impl Iterator<Item = std::ops::Range<i32>> {
    let count = i32::try_from(count).unwrap_or(i32::MAX).max(1);
    let (quota, extra) = (partitions / count, partitions % count);
    let start = move |index: i32| index * quota + index.min(extra);
    (0..count).map(move |index| start(index)..start(index + 1))
}
