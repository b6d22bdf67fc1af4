//! Partitions: their numbers here, what may be gone from them, and their order.

use super::{Line, NEVER, Operation};
use crate::hash::Map;
use crate::history::{Op, Partition, Topic};
use crate::order::Order;

/// What is known of a partition.
#[derive(Debug)]
pub(crate) struct PartitionFacts<'h> {
    pub(crate) name: &'h Partition,
    /// From this line on its topic may be deleted; [`NEVER`]: it stays.
    pub(crate) deleted: Line,
    /// Records may go when a later one has their key.
    pub(crate) compacted: bool,
    /// Old records may go.
    pub(crate) expires: bool,
    /// What lies below was deleted on purpose.
    pub(crate) deleted_below: i64,
    /// The largest log start offset seen.
    pub(crate) log_start: i64,
    /// Which value lies where.
    pub(crate) order: Order,
}

impl PartitionFacts<'_> {
    /// Whether a record at this offset was still there at this line.
    pub(crate) fn keeps(&self, offset: i64, line: Line) -> bool {
        line < self.deleted && !self.compacted && !self.expires && offset >= self.deleted_below
    }
}

/// Numbers for partitions.
#[derive(Debug, Default)]
pub(crate) struct Partitions<'h> {
    pub(crate) all: Vec<PartitionFacts<'h>>,
    by_name: Map<&'h Partition, u32>,
    /// Where an incarnation of a topic is met first.
    incarnations: Map<(&'h str, u32), Line>,
}

impl<'h> Partitions<'h> {
    /// The partition's number.
    pub(crate) fn of(&mut self, name: &'h Partition) -> u32 {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        let id = self.all.len() as u32;
        self.by_name.insert(name, id);
        self.all.push(PartitionFacts {
            name,
            deleted: NEVER,
            compacted: false,
            expires: false,
            deleted_below: 0,
            log_start: 0,
            order: Order::default(),
        });
        id
    }

    /// Where an incarnation was met first in a `topic` event; [`NEVER`]: nowhere.
    pub(crate) fn incarnation(&self, topic: &str, generation: u32) -> Line {
        let met = self.incarnations.get(&(topic, generation));
        met.copied().unwrap_or(NEVER)
    }

    /// What the `topic` events allow; to be called before [`Self::allow`].
    pub(crate) fn topic(&mut self, operation: &Operation<'h>) {
        if let Op::Topic(topic) = operation.op {
            let key = (&*topic.topic, topic.generation);
            let line = self.incarnations.entry(key).or_insert(operation.begin);
            *line = operation.begin.min(*line);
        }
    }

    /// What is known of each, and their numbers.
    pub(crate) fn done(self) -> (Vec<PartitionFacts<'h>>, Map<&'h Partition, u32>) {
        (self.all, self.by_name)
    }

    /// Applies a `topic` event to the partitions that are known by now.
    pub(crate) fn allow(&mut self, topic: &Topic, line: Line) {
        let of_topic =
            |name: &Partition| name.topic == topic.topic && name.generation == topic.generation;
        for facts in self.all.iter_mut().filter(|facts| of_topic(facts.name)) {
            if topic.deleted {
                facts.deleted = facts.deleted.min(line);
            }
            facts.compacted |= topic.compacted;
            facts.expires |= topic.expires;
            let below = topic.deleted_below.get(&facts.name.index);
            facts.deleted_below = facts.deleted_below.max(below.copied().unwrap_or(0));
        }
    }
}
