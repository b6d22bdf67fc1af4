//! ConsumerGroupDescribe (key 69), versions 0–1: KIP-848 groups as administrators see them.
//!
//! * 1 member type: always 1 (consumer), as classic members cannot join such groups here.

use super::distinct::distinct;
use super::{Answer, Api, authorized};
use crate::engine::Context;
use once_coordinator::group::{ConsumerDescription, ConsumerMemberDescription, NamedPartitions};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use once_wire::message::consumer_group_describe_response::{
    Assignment, ConsumerGroupDescribeResponse, DescribedGroup, Member, TopicPartitions,
};

const CONSUMER_MEMBER: i8 = 1;

/// See the module.
pub(crate) struct ConsumerGroupDescribe;

impl Api for ConsumerGroupDescribe {
    type Request = ConsumerGroupDescribeRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 1);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<ConsumerGroupDescribeResponse>, ErrorCode> {
        let operations =
            authorized::if_asked(request.include_authorized_operations, authorized::GROUP);
        let mut groups = Vec::with_capacity(request.group_ids.len());
        for group_id in distinct(&request.group_ids, |id| *id) {
            groups.push(if group_id.is_empty() {
                failed(group_id, ErrorCode::InvalidGroupId, None)
            } else {
                let known = cx.groups(group_id);
                match known.describe_consumer(group_id) {
                    Some(group) => described(group_id, group, operations),
                    None => {
                        let why = match known.describe_classic(group_id) {
                            Some(_) => "is not a consumer group.",
                            None => "not found.",
                        };
                        failed(group_id, ErrorCode::GroupIdNotFound, Some(why))
                    }
                }
            });
        }
        Ok(Answer::Now(ConsumerGroupDescribeResponse {
            groups,
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> ConsumerGroupDescribeResponse {
        let groups = request
            .group_ids
            .iter()
            .map(|group_id| failed(group_id, error, None))
            .collect();
        ConsumerGroupDescribeResponse {
            groups,
            ..Default::default()
        }
    }
}

fn failed(group_id: &str, error: ErrorCode, why: Option<&str>) -> DescribedGroup {
    DescribedGroup {
        error_code: error.code(),
        error_message: why.map(|why| format!("Group {group_id} {why}")),
        group_id: group_id.to_owned(),
        ..Default::default()
    }
}

fn described(group_id: &str, group: ConsumerDescription, operations: i32) -> DescribedGroup {
    DescribedGroup {
        group_id: group_id.to_owned(),
        group_state: group.state.name().to_owned(),
        group_epoch: group.epoch,
        assignment_epoch: group.target_epoch,
        assignor_name: group.assignor.to_owned(),
        members: group.members.into_iter().map(member).collect(),
        authorized_operations: operations,
        ..Default::default()
    }
}

fn member(member: ConsumerMemberDescription) -> Member {
    Member {
        member_id: member.member_id,
        instance_id: member.instance_id,
        rack_id: member.rack_id,
        member_epoch: member.epoch,
        client_id: member.origin.client_id,
        client_host: member.origin.client_host,
        subscribed_topic_names: member.subscribed_topics.into_iter().collect(),
        subscribed_topic_regex: member.subscribed_regex,
        assignment: assignment(member.assignment),
        target_assignment: assignment(member.target),
        member_type: CONSUMER_MEMBER,
        ..Default::default()
    }
}

fn assignment(topics: Vec<NamedPartitions>) -> Assignment {
    let topic = |topic: NamedPartitions| TopicPartitions {
        topic_id: topic.topic_id,
        topic_name: topic.topic,
        partitions: topic.partitions,
        ..Default::default()
    };
    Assignment {
        topic_partitions: topics.into_iter().map(topic).collect(),
        ..Default::default()
    }
}
