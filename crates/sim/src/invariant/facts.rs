//! What a client was told would be told again after the worst crash.
//!
//! An answer waits for the flush of what it read. If it did not, a client could see what a crash
//! then takes back. Each fact says what an engine, recovered from a copy of the disk, must know.

use once_broker::engine::Engine;
use once_check::history::{Name, Partition};
use once_coordinator::catalog::Resource;
use once_coordinator::group::FetchOffsets;
use once_coordinator::ids::TopicPartition;
use once_wire::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// The setting of a topic that administrators change.
pub(crate) const SETTING: &str = "retention.ms";

/// A topic as its administrator may find it: its partitions, and its setting if that was made.
pub(crate) type Made = Option<(i32, Option<i64>)>;

/// Something that a client was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fact {
    /// A group has committed at least this.
    Committed {
        group: Name,
        offsets: BTreeMap<Partition, Option<i64>>,
    },
    /// A topic is one of these; only one client changes it, and nothing of that is under way.
    Topic {
        name: String,
        possible: BTreeSet<Made>,
    },
    /// Topics have at least so many partitions.
    Partitions(BTreeMap<Uuid, usize>),
}

/// What of a fact a recovered engine does not know.
pub(crate) fn forgotten(fact: &Fact, recovered: &Engine) -> Option<String> {
    match fact {
        Fact::Committed { group, offsets } => {
            let now = committed(recovered, group, offsets);
            let less = offsets.iter().find(|(partition, told)| {
                let told = told.unwrap_or(-1);
                now.get(*partition).copied().unwrap_or(-1) < told
            });
            less.map(|(partition, told)| {
                format!(
                    "{group} was said to have committed {told:?} of {partition}, and a crash now \
                     would leave {:?}",
                    now.get(partition)
                )
            })
        }
        Fact::Topic { name, possible } => {
            let made = made(recovered, name);
            (!possible.contains(&made)).then(|| {
                format!(
                    "{name} was said to be one of {possible:?}, and a crash now would leave {made:?}"
                )
            })
        }
        Fact::Partitions(topics) => topics.iter().find_map(|(id, told)| {
            let topic = recovered.catalog().topic_by_id(*id)?;
            let (name, now) = (&topic.name, topic.partitions.len());
            (now < *told).then(|| {
                format!(
                    "{name} was said to have {told} partitions, and a crash now would leave {now}"
                )
            })
        }),
    }
}

fn committed(
    engine: &Engine,
    group: &Name,
    asked: &BTreeMap<Partition, Option<i64>>,
) -> BTreeMap<Partition, i64> {
    let partitions = asked.keys().map(|partition| {
        let place = TopicPartition {
            topic: partition.topic.to_string(),
            partition: partition.index,
        };
        (place, Uuid::ZERO)
    });
    let request = FetchOffsets {
        group_id: group.to_string(),
        member: None,
        partitions: Some(partitions.collect()),
        require_stable: false,
    };
    let found = engine
        .groups()
        .filter_map(|g| g.fetch_offsets(&request).ok());
    let found = found.flatten().filter(|found| found.offset >= 0);
    found
        .map(|found| {
            let place = &found.partition;
            let partition = Partition::new(place.topic.as_str(), place.partition);
            (partition, found.offset)
        })
        .collect()
}

fn made(engine: &Engine, name: &str) -> Made {
    let catalog = engine.catalog();
    let partitions = catalog.topic(name)?.partitions.len();
    let setting = catalog
        .overrides(&Resource::topic(name))
        .and_then(|set| set.get(SETTING)?.parse().ok());
    Some((i32::try_from(partitions).ok()?, setting))
}
