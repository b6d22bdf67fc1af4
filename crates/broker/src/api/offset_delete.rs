//! OffsetDelete (key 47), version 0: forgets what a group committed for some partitions (KIP-496).
//!
//! Partitions that do not exist get UNKNOWN_TOPIC_OR_PARTITION and are not shown to the group, which
//! is asked in any case: its error, GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP, is the answer's, and then
//! nothing else is told. A topic to which the group is subscribed gets GROUP_SUBSCRIBED_TO_TOPIC; a
//! partition without an offset is no error.

use super::group_reply::{decide, misdirected};
use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::group::{Command, DeleteOffsets, OffsetResults, Reply};
use once_coordinator::ids::TopicPartition;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::offset_delete_request::OffsetDeleteRequest;
use once_wire::message::offset_delete_response::{
    OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use std::collections::BTreeMap;

/// See the module.
pub(crate) struct OffsetDelete;

impl Api for OffsetDelete {
    type Request = OffsetDeleteRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 0);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<OffsetDeleteResponse>, ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let (partitions, mut results) = sort_out(cx, request);
        let command = Command::DeleteOffsets(DeleteOffsets {
            group_id: request.group_id.clone(),
            partitions,
        });
        decide(cx, &request.group_id, &command, |reply| match reply {
            Reply::DeleteOffsets(deleted) => {
                results.extend(deleted?);
                Ok(respond(results))
            }
            other => Err(misdirected(&other)),
        })
    }

    fn refuse(_request: &Self::Request, error: ErrorCode) -> OffsetDeleteResponse {
        OffsetDeleteResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

/// The partitions that exist, and the errors of those that do not.
fn sort_out(
    cx: &mut Context<'_>,
    request: &OffsetDeleteRequest,
) -> (Vec<TopicPartition>, OffsetResults) {
    let catalog = cx.catalog();
    let (mut known, mut unknown) = (Vec::new(), OffsetResults::new());
    for topic in &request.topics {
        let found = catalog.topic(&topic.name);
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let place = TopicPartition::new(topic.name.clone(), index);
            if found.is_some_and(|topic| topic.partitions.contains_key(&index)) {
                known.push(place);
            } else {
                unknown.push((place, ErrorCode::UnknownTopicOrPartition));
            }
        }
    }
    (known, unknown)
}

/// Each topic once, in the order in which they come first.
fn respond(results: OffsetResults) -> OffsetDeleteResponse {
    let mut topics: Vec<OffsetDeleteResponseTopic> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, error) in results {
        let index = *places.entry(place.topic).or_insert_with_key(|name| {
            topics.push(OffsetDeleteResponseTopic {
                name: name.clone(),
                ..Default::default()
            });
            topics.len() - 1
        });
        let partition = OffsetDeleteResponsePartition {
            partition_index: place.partition,
            error_code: error.code(),
        };
        topics[index].partitions.push(partition);
    }
    OffsetDeleteResponse {
        topics,
        ..Default::default()
    }
}
