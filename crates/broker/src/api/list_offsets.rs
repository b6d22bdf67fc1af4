//! ListOffsets (key 2), versions 1–11.
//!
//! Answers the end (−1: high watermark, or last stable offset for read_committed), the start
//! (−2), the record with the largest timestamp (−3), and the first record at or after a time. A
//! partition that a request names twice is answered once, INVALID_REQUEST.
//!
//! * 2 isolation; 4 leader epoch fencing; 6 flexible; 7 −3; 8 −4 (earliest local: the start, as
//!   nothing is tiered); 9 −5 and 11 −6 (tiered storage: there is none, −1); 10 timeout, unused.

use super::call::reply_or_close;
use super::{Call, Outcome, Row, Wake, encode_reply, errors};
use crate::engine::{Context, LogId, Look, ReadId, Seen};
use once_log::store::ReadFailure;
use once_log::{FileRange, FoundTimestamp, Isolation, TimestampLookup, TimestampSearch};
use once_wire::api::ApiKey;
use once_wire::codec::{DecodeError, Message, Reader, Request, VersionRange};
use once_wire::error::ErrorCode;
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use std::collections::{BTreeMap, BTreeSet};

/// The row of the table. A lookup by time may read a file, so there is a call of its own.
pub(crate) const fn row() -> Row {
    Row {
        key: ApiKey::ListOffsets,
        versions: VersionRange::new(1, 11),
        advertised: VersionRange::new(1, 11),
        codec: ListOffsetsRequest::VERSIONS,
        parse,
    }
}

fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
    let request = ListOffsetsRequest::decode(reader, version)?;
    Ok(Box::new(ListOffsets {
        request,
        topics: Vec::new(),
        reading: BTreeMap::new(),
    }))
}

/// A lookup whose file read is outstanding.
struct Reading {
    log: LogId,
    range: FileRange,
    topic: usize,
    partition: usize,
}

struct ListOffsets {
    /// Each topic once, and each of its partitions.
    request: ListOffsetsRequest,
    /// The answers, at the places of what they answer.
    topics: Vec<ListOffsetsTopicResponse>,
    reading: BTreeMap<ReadId, Reading>,
}

impl Call for ListOffsets {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        let (topics, again) = once_each(std::mem::take(&mut self.request.topics));
        self.request.topics = topics;
        for topic in 0..self.request.topics.len() {
            let wanted = &self.request.topics[topic];
            let (name, count) = (wanted.name.clone(), wanted.partitions.len());
            let partitions = (0..count).map(|at| {
                let index = self.request.topics[topic].partitions[at].partition_index;
                if again.contains(&(topic, index)) {
                    return failed(index, ErrorCode::InvalidRequest);
                }
                self.look(cx, topic, at, None)
            });
            let partitions = partitions.collect();
            self.topics.push(ListOffsetsTopicResponse {
                name,
                partitions,
                ..Default::default()
            });
        }
        self.finish(cx)
    }

    fn wake(&mut self, cx: &mut Context<'_>, wake: Wake) -> Outcome {
        if let Wake::Read(read, result) = wake
            && let Some(reading) = self.reading.remove(&read)
        {
            self.came(cx, &reading, result);
        }
        self.finish(cx)
    }
}

impl ListOffsets {
    /// Looks at one partition; by time, only in segments beyond `beyond`, if that is told.
    fn look(
        &mut self,
        cx: &mut Context<'_>,
        topic: usize,
        partition: usize,
        beyond: Option<i64>,
    ) -> ListOffsetsPartitionResponse {
        let isolation = if self.request.isolation_level == 1 {
            Isolation::ReadCommitted
        } else {
            Isolation::ReadUncommitted
        };
        let of_topic = &self.request.topics[topic];
        let wanted = &of_topic.partitions[partition];
        match look(cx, &of_topic.name, wanted, isolation, beyond) {
            Err(error) => failed(wanted.partition_index, error),
            Ok(Found::Answer(answer)) => answer,
            Ok(Found::InFile(log, search)) => {
                let reading = Reading {
                    log,
                    range: search.range,
                    topic,
                    partition,
                };
                let read = cx.read_file(log, Look::Record(search));
                self.reading.insert(read, reading);
                nothing(wanted.partition_index)
            }
        }
    }

    /// A file read came back. Its segment may have left the log since; and the record that made it the one to
    /// look at may have been deleted, while a later segment has another.
    fn came(&mut self, cx: &mut Context<'_>, of: &Reading, result: Result<Seen, ReadFailure>) {
        let index = self.topics[of.topic].partitions[of.partition].partition_index;
        let by_time = self.request.topics[of.topic].partitions[of.partition].timestamp >= 0;
        let there = cx.has_segment(of.log, &of.range);
        let answer = match result {
            Ok(Seen::Record(Some(found))) => answer(index, found),
            Ok(Seen::Record(None)) if by_time => {
                self.look(cx, of.topic, of.partition, Some(of.range.segment))
            }
            Ok(Seen::Record(None) | Seen::Batches(_)) => nothing(index),
            Err(_) if !there => self.look(cx, of.topic, of.partition, None),
            Err(failure) => failed(index, errors::of_read(&failure)),
        };
        self.topics[of.topic].partitions[of.partition] = answer;
    }

    /// Versions before 4 cannot tell a leader epoch.
    fn without_epochs(&mut self) {
        for partition in self
            .topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            partition.leader_epoch = -1;
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Outcome {
        if !self.reading.is_empty() {
            return Outcome::Parked;
        }
        if cx.version < 4 {
            self.without_epochs();
        }
        let topics = std::mem::take(&mut self.topics);
        let response = ListOffsetsResponse {
            topics,
            ..Default::default()
        };
        let header = ListOffsetsRequest::response_header_version(cx.version);
        reply_or_close(encode_reply(
            cx.correlation_id,
            header,
            &response,
            cx.version,
        ))
    }
}

/// The topics asked for, each once with each of its partitions once; and the partitions that are asked
/// for more than once, by the topic's place. Kafka refuses those (`ListOffsetsRequest.duplicatePartitions`):
/// two questions about one partition cannot be told apart in the answer.
fn once_each(asked: Vec<ListOffsetsTopic>) -> (Vec<ListOffsetsTopic>, BTreeSet<(usize, i32)>) {
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let (mut seen, mut again) = (BTreeSet::new(), BTreeSet::new());
    for mut topic in asked {
        let partitions = std::mem::take(&mut topic.partitions);
        let place = *places.entry(topic.name.clone()).or_insert_with(|| {
            topics.push(topic);
            topics.len() - 1
        });
        for partition in partitions {
            let which = (place, partition.partition_index);
            if seen.insert(which) {
                topics[place].partitions.push(partition);
            } else {
                again.insert(which);
            }
        }
    }
    (topics, again)
}

/// What one look found.
enum Found {
    Answer(ListOffsetsPartitionResponse),
    InFile(LogId, TimestampSearch),
}

fn look(
    cx: &mut Context<'_>,
    topic: &str,
    wanted: &ListOffsetsPartition,
    isolation: Isolation,
    beyond: Option<i64>,
) -> Result<Found, ErrorCode> {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let id: LogId = cx.find_log(topic, wanted.partition_index).ok_or(unknown)?;
    let log = &cx.partition(id).ok_or(unknown)?.log;
    let leader_epoch = log.leader_epoch();
    match wanted.current_leader_epoch {
        -1 => {}
        known if known < leader_epoch => return Err(ErrorCode::FencedLeaderEpoch),
        known if known > leader_epoch => return Err(ErrorCode::UnknownLeaderEpoch),
        _ => {}
    }
    let at = |timestamp, offset| ListOffsetsPartitionResponse {
        partition_index: wanted.partition_index,
        timestamp,
        offset,
        leader_epoch,
        ..Default::default()
    };
    let end = match isolation {
        Isolation::ReadUncommitted => log.high_watermark(),
        Isolation::ReadCommitted => log.last_stable_offset(),
    };
    let found = match wanted.timestamp {
        -1 => at(-1, end),
        -2 | -4 => at(-1, log.log_start_offset()),
        -5 | -6 => nothing(wanted.partition_index),
        timestamp if timestamp < -6 => return Err(ErrorCode::UnsupportedVersion),
        timestamp => {
            let lookup = if timestamp == -3 {
                log.max_timestamp(isolation)
            } else {
                log.offset_for_timestamp(timestamp, isolation, beyond)
            };
            match lookup {
                TimestampLookup::NotFound => nothing(wanted.partition_index),
                TimestampLookup::Found(found) => answer(wanted.partition_index, found),
                TimestampLookup::InFile(search) => return Ok(Found::InFile(id, search)),
            }
        }
    };
    Ok(Found::Answer(found))
}

fn nothing(partition_index: i32) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        ..Default::default()
    }
}

fn answer(partition_index: i32, found: FoundTimestamp) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: found.leader_epoch,
        ..Default::default()
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: error.code(),
        ..Default::default()
    }
}
