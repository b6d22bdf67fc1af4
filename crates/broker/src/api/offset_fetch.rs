//! OffsetFetch (key 9), versions 1–10: what groups have committed.
//!
//! * 2 all of a group's partitions (null), and an error of the whole; 5 leader epochs; 6 flexible; 7
//!   `require_stable` (KIP-447): UNSTABLE_OFFSET_COMMIT while a transaction may still change the
//!   offset; 8 several groups; 9 the member's epoch; 10 topic ids instead of names.
//!
//! As in Kafka each entry of `groups` has its answer, also where several are of one group; but those
//! after its first only while they bring little together: beyond that they are INVALID_REQUEST. A
//! partition that one entry names twice is answered once.

use super::distinct::distinct;
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{FetchOffsets, FetchedOffset};
use once_coordinator::ids::TopicPartition;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup};
use once_wire::message::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use std::collections::BTreeSet;

/// The first version with several groups.
const BATCHED: i16 = 8;
/// The first version with topic ids.
const BY_ID: i16 = 10;
/// About how many bytes the entries may bring that ask about a group again. All of a group's offsets
/// are asked for in few bytes, so that without a bound thousands of such entries would bring them
/// thousands of times.
const AGAIN_MAX: usize = 1 << 20;

/// See the module.
pub(crate) struct OffsetFetch;

impl Api for OffsetFetch {
    type Request = OffsetFetchRequest;
    const VERSIONS: VersionRange = VersionRange::new(1, 10);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<OffsetFetchResponse>, ErrorCode> {
        if cx.version >= BATCHED {
            let groups = each_group(cx, request);
            return Ok(Answer::Now(OffsetFetchResponse {
                groups,
                ..Default::default()
            }));
        }
        let read = FetchOffsets {
            group_id: request.group_id.clone(),
            member: None,
            partitions: request.topics.as_ref().map(|topics| {
                let named = topics.iter().flat_map(|topic| {
                    let indexes = topic.partition_indexes.iter();
                    indexes.map(|index| TopicPartition::new(topic.name.clone(), *index))
                });
                distinct(named, Clone::clone)
                    .map(|partition| (partition, Uuid::ZERO))
                    .collect()
            }),
            require_stable: request.require_stable,
        };
        let offsets = cx.groups(&request.group_id).fetch_offsets(&read)?;
        Ok(Answer::Now(OffsetFetchResponse {
            topics: named_topics(offsets),
            ..Default::default()
        }))
    }

    /// In the shape of all ages: fields that a version lacks are left out.
    fn refuse(request: &Self::Request, error: ErrorCode) -> OffsetFetchResponse {
        let groups = request
            .groups
            .iter()
            .map(|group| refused(group, error))
            .collect();
        let topics = request
            .topics
            .iter()
            .flatten()
            .map(|topic| OffsetFetchResponseTopic {
                name: topic.name.clone(),
                partitions: topic
                    .partition_indexes
                    .iter()
                    .map(|index| OffsetFetchResponsePartition {
                        partition_index: *index,
                        committed_offset: -1,
                        metadata: Some(String::new()),
                        error_code: error.code(),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            });
        if request.groups.is_empty() {
            let (topics, error_code) = (topics.collect(), error.code());
            return OffsetFetchResponse {
                topics,
                error_code,
                ..Default::default()
            };
        }
        OffsetFetchResponse {
            groups,
            ..Default::default()
        }
    }
}

fn each_group(cx: &mut Context<'_>, request: &OffsetFetchRequest) -> Vec<OffsetFetchResponseGroup> {
    let (mut seen, mut again) = (BTreeSet::new(), 0);
    let mut answers = Vec::new();
    for group in &request.groups {
        let first = seen.insert(&group.group_id);
        if !first && again > AGAIN_MAX {
            answers.push(refused(group, ErrorCode::InvalidRequest));
            continue;
        }
        let answer = one_group(cx, request, group);
        if !first {
            again += size(&answer);
        }
        answers.push(answer);
    }
    answers
}

/// About how many bytes an answer takes.
fn size(group: &OffsetFetchResponseGroup) -> usize {
    /// The numbers of one partition.
    const NUMBERS: usize = 20;
    let metadata = |partition: &OffsetFetchResponsePartitions| {
        NUMBERS + partition.metadata.as_ref().map_or(0, String::len)
    };
    let topics = group.topics.iter();
    topics
        .map(|topic| topic.name.len() + topic.partitions.iter().map(metadata).sum::<usize>())
        .sum()
}

fn one_group(
    cx: &mut Context<'_>,
    request: &OffsetFetchRequest,
    group: &OffsetFetchRequestGroup,
) -> OffsetFetchResponseGroup {
    // Nobody in particular asks, unless a member or an epoch is named.
    let anonymous = group.member_id.is_none() && group.member_epoch < 0;
    let member = (
        group.member_id.clone().unwrap_or_default(),
        group.member_epoch,
    );
    let (partitions, unknown) = resolve(cx, group);
    let read = FetchOffsets {
        group_id: group.group_id.clone(),
        member: (!anonymous).then_some(member),
        partitions,
        require_stable: request.require_stable,
    };
    match cx.groups(&group.group_id).fetch_offsets(&read) {
        Err(error) => refused(group, error),
        Ok(offsets) => {
            let by_id = cx.version >= BY_ID;
            let mut topics = topics(cx, offsets, by_id);
            topics.extend(unknown);
            let group_id = group.group_id.clone();
            OffsetFetchResponseGroup {
                group_id,
                topics,
                ..Default::default()
            }
        }
    }
}

type Asked = Option<Vec<(TopicPartition, Uuid)>>;

/// The partitions that a group is asked for, by name and id; and the answers for ids that nobody
/// knows.
fn resolve(
    cx: &mut Context<'_>,
    group: &OffsetFetchRequestGroup,
) -> (Asked, Vec<OffsetFetchResponseTopics>) {
    let by_id = cx.version >= BY_ID;
    let Some(wanted) = &group.topics else {
        return (None, Vec::new());
    };
    let (mut asked, mut unknown) = (Vec::new(), Vec::new());
    for topic in wanted {
        let name = if by_id {
            cx.catalog()
                .topic_by_id(topic.topic_id)
                .map(|known| known.name.clone())
        } else {
            Some(topic.name.clone())
        };
        let indexes = topic.partition_indexes.iter();
        match name {
            Some(name) => asked.extend(
                indexes.map(|index| (TopicPartition::new(name.clone(), *index), topic.topic_id)),
            ),
            None => unknown.push(OffsetFetchResponseTopics {
                topic_id: topic.topic_id,
                partitions: indexes
                    .map(|index| nothing(*index, ErrorCode::UnknownTopicId))
                    .collect(),
                ..Default::default()
            }),
        }
    }
    let asked = distinct(asked, |(partition, _)| partition.clone());
    (Some(asked.collect()), unknown)
}

/// Groups neighbours of the same topic. By id, offsets of topics that are gone are left out: they
/// have no id to be told by.
fn topics(
    cx: &mut Context<'_>,
    offsets: Vec<FetchedOffset>,
    by_id: bool,
) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for fetched in offsets {
        let name = fetched.partition.topic.clone();
        let known = cx.catalog().topic(&name).map(|topic| topic.id);
        if by_id && known.is_none() {
            continue;
        }
        if topics.last().is_none_or(|topic| topic.name != name) {
            let topic_id = known.unwrap_or_default();
            topics.push(OffsetFetchResponseTopics {
                name,
                topic_id,
                ..Default::default()
            });
        }
        let last = topics.last_mut().expect("one was just pushed");
        last.partitions.push(OffsetFetchResponsePartitions {
            partition_index: fetched.partition.partition,
            committed_offset: fetched.offset,
            committed_leader_epoch: fetched.leader_epoch,
            metadata: Some(fetched.metadata),
            error_code: fetched.error.code(),
            ..Default::default()
        });
    }
    topics
}

fn named_topics(offsets: Vec<FetchedOffset>) -> Vec<OffsetFetchResponseTopic> {
    let mut topics: Vec<OffsetFetchResponseTopic> = Vec::new();
    for fetched in offsets {
        let name = fetched.partition.topic;
        if topics.last().is_none_or(|topic| topic.name != name) {
            topics.push(OffsetFetchResponseTopic {
                name,
                ..Default::default()
            });
        }
        let last = topics.last_mut().expect("one was just pushed");
        last.partitions.push(OffsetFetchResponsePartition {
            partition_index: fetched.partition.partition,
            committed_offset: fetched.offset,
            committed_leader_epoch: fetched.leader_epoch,
            metadata: Some(fetched.metadata),
            error_code: fetched.error.code(),
            ..Default::default()
        });
    }
    topics
}

fn nothing(partition_index: i32, error: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        metadata: Some(String::new()),
        error_code: error.code(),
        ..Default::default()
    }
}

fn refused(group: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    let (group_id, error_code) = (group.group_id.clone(), error.code());
    OffsetFetchResponseGroup {
        group_id,
        error_code,
        ..Default::default()
    }
}
