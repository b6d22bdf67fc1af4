//! OffsetCommit (key 8), versions 2–10.
//!
//! Partitions that do not exist get their own errors and are not shown to the group; if none exists,
//! the group is not asked at all.
//!
//! * 2–4 retention time; 6 leader epochs; 7 static members; 8 flexible; 9 member epochs of KIP-848
//!   groups, and GROUP_ID_NOT_FOUND; 10 topic ids instead of names.

use super::group_reply::{decide, misdirected};
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, CommitOffsets, Committer, OffsetToCommit, Reply};
use once_coordinator::ids::TopicPartition;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use once_wire::message::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use std::collections::BTreeMap;

/// The first version with topic ids.
const BY_ID: i16 = 10;

/// See the module.
pub(crate) struct OffsetCommit;

impl Api for OffsetCommit {
    type Request = OffsetCommitRequest;
    const VERSIONS: VersionRange = VersionRange::new(2, 10);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<OffsetCommitResponse>, ErrorCode> {
        let (offsets, results) = sort_out(cx, request);
        if offsets.is_empty() {
            return Ok(Answer::Now(respond(request, &results)));
        }
        let command = Command::CommitOffsets(CommitOffsets {
            group_id: request.group_id.clone(),
            member: Committer {
                member_id: request.member_id.clone(),
                instance_id: request.group_instance_id.clone(),
                generation: request.generation_id_or_member_epoch,
            },
            knows_member_epochs: cx.version >= 9,
            retention_ms: Some(request.retention_time_ms).filter(|retention| *retention != -1),
            offsets: offsets.iter().map(|(_, offset)| offset.clone()).collect(),
        });
        decide(cx, &request.group_id, &command, |reply| {
            finish(request, &offsets, results, reply)
        })
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> OffsetCommitResponse {
        let places = places(request).map(|(place, ..)| (place, error));
        respond(request, &places.collect())
    }
}

/// A partition's place in the request: topic, then partition.
type Place = (usize, usize);
type Results = BTreeMap<Place, ErrorCode>;

fn places(
    request: &OffsetCommitRequest,
) -> impl Iterator<
    Item = (
        Place,
        &OffsetCommitRequestTopic,
        &OffsetCommitRequestPartition,
    ),
> {
    request
        .topics
        .iter()
        .enumerate()
        .flat_map(|(topic_index, topic)| {
            let partitions = topic.partitions.iter().enumerate();
            partitions.map(move |(index, partition)| ((topic_index, index), topic, partition))
        })
}

/// What the group shall commit, and the errors of all else.
fn sort_out(
    cx: &mut Context<'_>,
    request: &OffsetCommitRequest,
) -> (Vec<(Place, OffsetToCommit)>, Results) {
    let by_id = cx.version >= BY_ID;
    let catalog = cx.catalog();
    let (mut offsets, mut results) = (Vec::new(), Results::new());
    for (place, topic, partition) in places(request) {
        let known = if by_id {
            catalog.topic_by_id(topic.topic_id)
        } else {
            catalog.topic(&topic.name)
        };
        match known {
            Some(known) if known.partitions.contains_key(&partition.partition_index) => {
                let offset = OffsetToCommit {
                    partition: TopicPartition::new(known.name.clone(), partition.partition_index),
                    topic_id: known.id,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.clone(),
                };
                offsets.push((place, offset));
            }
            None if by_id => {
                results.insert(place, ErrorCode::UnknownTopicId);
            }
            Some(_) | None => {
                results.insert(place, ErrorCode::UnknownTopicOrPartition);
            }
        }
    }
    (offsets, results)
}

fn finish(
    request: &OffsetCommitRequest,
    offsets: &[(Place, OffsetToCommit)],
    mut results: Results,
    reply: Reply,
) -> Result<OffsetCommitResponse, ErrorCode> {
    match reply {
        Reply::Offsets(committed) => {
            let errors = committed?.into_iter().map(|(_, error)| error);
            results.extend(offsets.iter().map(|(place, _)| *place).zip(errors));
            Ok(respond(request, &results))
        }
        other => Err(misdirected(&other)),
    }
}

fn respond(request: &OffsetCommitRequest, results: &Results) -> OffsetCommitResponse {
    let mut topics: Vec<OffsetCommitResponseTopic> = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let (name, topic_id) = (topic.name.clone(), topic.topic_id);
        topics.push(OffsetCommitResponseTopic {
            name,
            topic_id,
            ..Default::default()
        });
    }
    for (place, _, partition) in places(request) {
        let error = results
            .get(&place)
            .copied()
            .unwrap_or(ErrorCode::UnknownServerError);
        topics[place.0]
            .partitions
            .push(OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
                ..Default::default()
            });
    }
    OffsetCommitResponse {
        topics,
        ..Default::default()
    }
}
