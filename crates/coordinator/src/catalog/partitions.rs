//! CreatePartitions (Kafka: `ReplicationControlManager.createPartitions`).

use once_wire::ErrorCode;

use super::command::{Event, MorePartitions, Refusal};
use super::create::{MAX_PARTITIONS, invalid_assignment, too_many};
use super::machine::Catalog;
use super::once_each::once_each;

type Grown = (String, Result<(), Refusal>);

impl Catalog {
    pub(super) fn create_partitions(&self, topics: &[MorePartitions]) -> (Vec<Event>, Vec<Grown>) {
        let mut events = Vec::new();
        let mut results = Vec::new();
        for (topic, twice) in once_each(topics, |topic| &topic.name) {
            let result = if twice {
                Err(Refusal::new(
                    ErrorCode::InvalidRequest,
                    "Duplicate topic name.",
                ))
            } else {
                self.grow(topic, MAX_PARTITIONS - events.len())
            };
            results.push((topic.name.clone(), result.map(|made| events.extend(made))));
        }
        (events, results)
    }

    fn grow(&self, wanted: &MorePartitions, room: usize) -> Result<Vec<Event>, Refusal> {
        let Some(topic) = self.topic(&wanted.name) else {
            return Err(Refusal::bare(ErrorCode::UnknownTopicOrPartition));
        };
        let has = i32::try_from(topic.partitions.len()).expect("partitions are counted in i32");
        let invalid = |message| Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        if wanted.count == has {
            return invalid(format!("Topic already has {has} partition(s)."));
        }
        if wanted.count < has {
            return invalid(format!(
                "The topic {} currently has {has} partition(s); {} would not be an increase.",
                wanted.name, wanted.count
            ));
        }
        let additional = (wanted.count - has) as usize;
        let places = match &wanted.assignments {
            Some(given) if given.len() != additional => {
                return Err(invalid_assignment(format!(
                    "Attempted to add {additional} additional partition(s), but only {} \
                     assignment(s) were specified.",
                    given.len()
                )));
            }
            _ if additional > room => return Err(too_many()),
            Some(given) => given
                .iter()
                .map(|nodes| self.manual_place(nodes, Some(1)))
                .collect::<Result<Vec<_>, _>>()?,
            None => {
                let from = topic.partitions.len();
                (from..from + additional)
                    .map(|n| self.partition_on(self.place(n)))
                    .collect()
            }
        };
        let created = (has..)
            .zip(places)
            .map(|(index, partition)| Event::PartitionCreated {
                topic: topic.id,
                index,
                partition,
            });
        Ok(created.collect())
    }
}
