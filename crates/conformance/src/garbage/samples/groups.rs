//! Valid requests about groups.

use once_wire::message::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use once_wire::message::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use once_wire::message::consumer_protocol_subscription::ConsumerProtocolSubscription;
use once_wire::message::describe_groups_request::DescribeGroupsRequest;
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use once_wire::message::heartbeat_request::HeartbeatRequest;
use once_wire::message::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use once_wire::message::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use once_wire::message::list_groups_request::ListGroupsRequest;
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use once_wire::message::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use once_wire::message::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use once_wire::{Message, Uuid, Writer};

use super::Scene;

const GROUP: &str = "garbage";
const MEMBER: &str = "garbage-member";

pub(super) fn find_coordinator(_: &Scene, version: i16) -> FindCoordinatorRequest {
    let mut request = FindCoordinatorRequest {
        key_type: i8::from(version >= 1),
        ..FindCoordinatorRequest::default()
    };
    if version < 4 {
        request.key = GROUP.to_owned();
    } else {
        request.coordinator_keys = vec![GROUP.to_owned(), "another".to_owned()];
    }
    request
}

/// Each version joins a group of its own: old ones are members at once, and a second member would
/// wait for the first, which never comes back.
pub(super) fn join(scene: &Scene, version: i16) -> JoinGroupRequest {
    let subscription = ConsumerProtocolSubscription {
        topics: vec![scene.topic.clone()],
        ..ConsumerProtocolSubscription::default()
    };
    let mut metadata = Writer::new();
    metadata.i16(0);
    subscription
        .encode(&mut metadata, 0)
        .expect("version 0 carries topics");
    JoinGroupRequest {
        group_id: format!("{GROUP}-join-{version}"),
        session_timeout_ms: 6_000,
        rebalance_timeout_ms: if version == 0 { -1 } else { 200 },
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: metadata.finish_contiguous(),
            ..JoinGroupRequestProtocol::default()
        }],
        ..JoinGroupRequest::default()
    }
}

pub(super) fn sync(_: &Scene, version: i16) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: GROUP.to_owned(),
        generation_id: 1,
        member_id: MEMBER.to_owned(),
        protocol_type: (version >= 5).then(|| "consumer".to_owned()),
        protocol_name: (version >= 5).then(|| "range".to_owned()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: MEMBER.to_owned(),
            assignment: vec![0; 16].into(),
            ..SyncGroupRequestAssignment::default()
        }],
        ..SyncGroupRequest::default()
    }
}

pub(super) fn heartbeat(_: &Scene, _: i16) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: GROUP.to_owned(),
        generation_id: 1,
        member_id: MEMBER.to_owned(),
        ..HeartbeatRequest::default()
    }
}

pub(super) fn leave(_: &Scene, version: i16) -> LeaveGroupRequest {
    let mut request = LeaveGroupRequest {
        group_id: GROUP.to_owned(),
        ..LeaveGroupRequest::default()
    };
    if version < 3 {
        request.member_id = MEMBER.to_owned();
    } else {
        request.members = vec![MemberIdentity {
            member_id: MEMBER.to_owned(),
            ..MemberIdentity::default()
        }];
    }
    request
}

pub(super) fn consumer_heartbeat(scene: &Scene, version: i16) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: format!("{GROUP}-heartbeat-{version}"),
        // From version 1 on the client names itself.
        member_id: if version == 0 {
            String::new()
        } else {
            Uuid([3; 16]).to_string()
        },
        member_epoch: 0,
        rebalance_timeout_ms: 1_000,
        subscribed_topic_names: Some(vec![scene.topic.clone()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

pub(super) fn consumer_describe(_: &Scene, _: i16) -> ConsumerGroupDescribeRequest {
    ConsumerGroupDescribeRequest {
        group_ids: vec![format!("{GROUP}-heartbeat-0"), "absent".to_owned()],
        ..ConsumerGroupDescribeRequest::default()
    }
}

pub(super) fn list(_: &Scene, version: i16) -> ListGroupsRequest {
    ListGroupsRequest {
        states_filter: if version >= 4 {
            vec!["Stable".to_owned()]
        } else {
            Vec::new()
        },
        types_filter: if version >= 5 {
            vec!["consumer".to_owned()]
        } else {
            Vec::new()
        },
        ..ListGroupsRequest::default()
    }
}

pub(super) fn describe(_: &Scene, _: i16) -> DescribeGroupsRequest {
    DescribeGroupsRequest {
        groups: vec![GROUP.to_owned(), "absent".to_owned()],
        ..DescribeGroupsRequest::default()
    }
}

pub(super) fn commit(scene: &Scene, _: i16) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        committed_offset: 1,
        committed_metadata: Some("m".to_owned()),
        ..OffsetCommitRequestPartition::default()
    };
    OffsetCommitRequest {
        group_id: GROUP.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: scene.topic.clone(),
            topic_id: scene.topic_id,
            partitions: vec![partition],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

pub(super) fn fetch(scene: &Scene, version: i16) -> OffsetFetchRequest {
    let mut request = OffsetFetchRequest::default();
    if version < 8 {
        request.group_id = GROUP.to_owned();
        request.topics = Some(vec![OffsetFetchRequestTopic {
            name: scene.topic.clone(),
            partition_indexes: vec![0],
            ..OffsetFetchRequestTopic::default()
        }]);
        return request;
    }
    let topic = OffsetFetchRequestTopics {
        name: scene.topic.clone(),
        topic_id: scene.topic_id,
        partition_indexes: vec![0],
        ..OffsetFetchRequestTopics::default()
    };
    request.groups = vec![OffsetFetchRequestGroup {
        group_id: GROUP.to_owned(),
        topics: Some(vec![topic]),
        ..OffsetFetchRequestGroup::default()
    }];
    request.require_stable = true;
    request
}
