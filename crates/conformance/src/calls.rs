//! The calls that set a scene and drive transactions, by hand, in versions that Kafka 4 and `once`
//! both have. The transactional ones are of the first protocol (before KIP-890).

mod transactions;

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use once_wire::batch::Batch;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::metadata_response::MetadataResponseTopic;
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use once_wire::records::Record;
use once_wire::{ErrorCode, Uuid};

use crate::error::{Error, accept};
use crate::link::Link;

pub(crate) use transactions::{Coordinates, ProducerId};

/// How long a call is made again while the broker says that it is not ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// The timestamps that ask for the end and for the beginning of a partition.
pub(crate) const LATEST: i64 = -1;
pub(crate) const EARLIEST: i64 = -2;
/// The most that a batch may take unpacked.
const BATCH_MAX: usize = 16 << 20;

/// Makes a call again while its answer says that it will succeed later.
pub(crate) fn insist<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call() {
            Err(Error::Refused { code, .. }) if is_passing(code) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

fn is_passing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ConcurrentTransactions
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::NotLeaderOrFollower
            | ErrorCode::UnknownTopicOrPartition
    )
}

impl Link {
    /// Creates a topic of one replica and waits until each partition has a leader; returns its id.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<Uuid, Error> {
        let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            ..CreatableTopicConfig::default()
        });
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: name.to_owned(),
                num_partitions: partitions,
                replication_factor: 1,
                configs: configs.collect(),
                ..CreatableTopic::default()
            }],
            timeout_ms: 10_000,
            ..CreateTopicsRequest::default()
        };
        let answer = self.call(5, &request)?;
        let created = answer.topics.first().map(|topic| topic.error_code);
        accept(&format!("create topic {name}"), told(created, name)?)?;
        insist(|| self.led(name, partitions))
    }

    /// The id of a topic all of whose partitions have a leader.
    fn led(&mut self, name: &str, partitions: i32) -> Result<Uuid, Error> {
        let topic = self.topic(name)?;
        let doing = format!("describe topic {name}");
        topic
            .partitions
            .iter()
            .try_for_each(|partition| accept(&doing, partition.error_code))?;
        if topic.partitions.len() == usize::try_from(partitions).unwrap_or(usize::MAX) {
            Ok(topic.topic_id)
        } else {
            Err(Error::Refused {
                doing,
                code: ErrorCode::LeaderNotAvailable,
            })
        }
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(&mut self, name: &str) -> Result<i32, Error> {
        let partitions = self.topic(name)?.partitions.len();
        Ok(i32::try_from(partitions).unwrap_or(i32::MAX))
    }

    fn topic(&mut self, name: &str) -> Result<MetadataResponseTopic, Error> {
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(name.to_owned()),
                ..MetadataRequestTopic::default()
            }]),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let answer = self.call(12, &request)?;
        let topic = told(answer.topics.into_iter().next(), name)?;
        accept(&format!("describe topic {name}"), topic.error_code)?;
        Ok(topic)
    }

    /// Appends a batch with `acks=all`; returns the offset of its first record.
    pub(crate) fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        transactional_id: Option<&str>,
        batch: &Batch,
    ) -> Result<i64, Error> {
        let request = ProduceRequest {
            transactional_id: transactional_id.map(str::to_owned),
            ..produce_request(topic, [partition], batch.as_bytes())
        };
        let answer = self.call(9, &request)?;
        let topics = answer.responses.first();
        let answer = topics.and_then(|topic| topic.partition_responses.first());
        let answer = told(answer, topic)?;
        accept(
            &format!("produce to {topic}-{partition}"),
            answer.error_code,
        )?;
        Ok(answer.base_offset)
    }

    /// The records from `offset` on that one fetch returns, control records left out.
    pub(crate) fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Vec<Record>, Error> {
        let answer = self.call(12, &fetch_request(topic, partition, offset, 1 << 20))?;
        let doing = format!("fetch {topic}-{partition} from {offset}");
        accept(&doing, answer.error_code)?;
        let topics = answer.responses.first();
        let data = told(topics.and_then(|topic| topic.partitions.first()), topic)?;
        accept(&doing, data.error_code)?;
        let mut records = records(data.records.clone().unwrap_or_default(), &doing)?;
        records.retain(|record| record.offset >= offset);
        Ok(records)
    }

    /// The offset after the last record of a partition.
    pub(crate) fn end(&mut self, topic: &str, partition: i32) -> Result<i64, Error> {
        self.offset(topic, partition, LATEST, false)
    }

    /// The offset that a timestamp, [`LATEST`] or [`EARLIEST`] stands for, to a reader of committed data or of all.
    pub(crate) fn offset(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
        committed: bool,
    ) -> Result<i64, Error> {
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(committed),
            topics: vec![ListOffsetsTopic {
                name: topic.to_owned(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: partition,
                    timestamp,
                    ..ListOffsetsPartition::default()
                }],
                ..ListOffsetsTopic::default()
            }],
            ..ListOffsetsRequest::default()
        };
        let answer = self.call(7, &request)?;
        let topics = answer.topics.first();
        let found = told(topics.and_then(|topic| topic.partitions.first()), topic)?;
        accept(
            &format!("list the offsets of {topic}-{partition}"),
            found.error_code,
        )?;
        Ok(found.offset)
    }
}

/// The same batch to some partitions of a topic, with `acks=all`.
pub(crate) fn produce_request(
    topic: &str,
    partitions: impl IntoIterator<Item = i32>,
    batch: &Bytes,
) -> ProduceRequest {
    let data = partitions.into_iter().map(|index| PartitionProduceData {
        index,
        records: Some(batch.clone()),
        ..PartitionProduceData::default()
    });
    ProduceRequest {
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: data.collect(),
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// A fetch of one partition, outside any session, that waits for at most a second.
pub(crate) fn fetch_request(
    topic: &str,
    partition: i32,
    offset: i64,
    max_bytes: i32,
) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 1_000,
        min_bytes: 1,
        max_bytes,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                partition,
                fetch_offset: offset,
                partition_max_bytes: max_bytes,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// What these bytes hold, up to a last batch that was cut by a byte limit.
fn records(mut bytes: Bytes, doing: &str) -> Result<Vec<Record>, Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Wrong(format!("{doing}: {error}"));
    let mut records = Vec::new();
    while is_whole(&bytes) {
        let batch = Batch::split_first(&mut bytes).map_err(|error| wrong(&error))?;
        if batch.is_control() {
            continue;
        }
        for record in batch.records(BATCH_MAX).map_err(|error| wrong(&error))? {
            records.push(record.map_err(|error| wrong(&error))?);
        }
    }
    Ok(records)
}

/// Whether a batch stands here that no byte limit has cut: bytes 8 to 12 say how many follow them.
fn is_whole(bytes: &Bytes) -> bool {
    let length = bytes.get(8..12).and_then(|length| length.try_into().ok());
    length.is_some_and(|length| {
        let length = usize::try_from(i32::from_be_bytes(length));
        length.map_or(true, |length| bytes.len() - 12 >= length)
    })
}

/// What an answer must tell about what was asked.
pub(crate) fn told<T>(part: Option<T>, of: &str) -> Result<T, Error> {
    part.ok_or_else(|| Error::Wrong(format!("an answer that says nothing about {of}")))
}

#[cfg(test)]
mod tests {
    use once_wire::batch::BatchBuilder;

    use super::*;

    #[test]
    fn a_cut_batch_is_left_out_and_a_damaged_one_is_an_error() {
        let batch = BatchBuilder::new()
            .push(1, None, Some(b"value"), &[])
            .build();
        let one = batch.as_bytes();
        let two = Bytes::from([&one[..], &batch.placed(1, 0).as_bytes()[..]].concat());
        assert_eq!(
            records(two.clone(), "read").expect("both are whole").len(),
            2
        );
        for cut in 1..=one.len() {
            let met = records(two.slice(..two.len() - cut), "read").expect("the first is whole");
            assert_eq!(met.len(), 1, "{cut} bytes cut");
        }
        let mut damaged = two.to_vec();
        damaged[two.len() - 2] ^= 1;
        records(damaged.into(), "read").expect_err("its CRC says so");
    }

    #[test]
    fn only_what_passes_by_itself_is_asked_again() {
        let refused = |code| Error::Refused {
            doing: "x".to_owned(),
            code,
        };
        let mut times = 0;
        let outcome = insist(|| {
            times += 1;
            if times < 3 {
                Err(refused(ErrorCode::ConcurrentTransactions))
            } else {
                Ok(times)
            }
        });
        assert_eq!(outcome.expect("the third time"), 3);
        let fenced = insist::<()>(|| Err(refused(ErrorCode::ProducerFenced)));
        assert!(matches!(
            fenced,
            Err(Error::Refused {
                code: ErrorCode::ProducerFenced,
                ..
            })
        ));
    }
}
