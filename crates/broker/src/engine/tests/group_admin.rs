//! Groups and their offsets as an administrator deletes them.

use super::rig::Rig;
use crate::engine::ConnectionId;
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::delete_groups_request::DeleteGroupsRequest;
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use once_wire::message::offset_delete_request::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use once_wire::message::offset_delete_response::OffsetDeleteResponse;
use once_wire::message::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};

/// Topics `a` and `b` of two partitions, and a group that committed 5 for all four.
fn with_offsets(mut rig: Rig) -> (Rig, ConnectionId) {
    let client = rig.connect();
    let topic = |name: &str| CreatableTopic {
        name: name.into(),
        num_partitions: 2,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic("a"), topic("b")],
        ..Default::default()
    };
    rig.call(client, 7, &request);
    commit(&mut rig, client);
    (rig, client)
}

fn commit(rig: &mut Rig, client: ConnectionId) {
    let partition = |partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: 5,
        ..Default::default()
    };
    let topic = |name: &str| OffsetCommitRequestTopic {
        name: name.into(),
        partitions: vec![partition(0), partition(1)],
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic("a"), topic("b")],
        ..Default::default()
    };
    let answer = rig.call(client, 8, &request);
    assert_eq!(answer.topics[1].partitions[1].error_code, 0);
}

/// What the group committed for partitions 0 and 1 of `a`, then of `b`.
fn offsets(rig: &mut Rig) -> Vec<i64> {
    let topic = |name: &str| OffsetFetchRequestTopics {
        name: name.into(),
        partition_indexes: vec![0, 1],
        ..Default::default()
    };
    let group = OffsetFetchRequestGroup {
        group_id: "g".into(),
        member_epoch: -1,
        topics: Some(vec![topic("a"), topic("b")]),
        ..Default::default()
    };
    let request = OffsetFetchRequest {
        groups: vec![group],
        ..Default::default()
    };
    let client = rig.connect();
    let answer = rig.call(client, 9, &request);
    let topics = answer.groups[0].topics.iter();
    topics
        .flat_map(|topic| &topic.partitions)
        .map(|partition| partition.committed_offset)
        .collect()
}

fn delete_offsets(
    rig: &mut Rig,
    client: ConnectionId,
    group: &str,
    topics: &[(&str, i32)],
) -> OffsetDeleteResponse {
    let topic = |(name, partition_index): &(&str, i32)| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: vec![OffsetDeleteRequestPartition {
            partition_index: *partition_index,
        }],
    };
    let request = OffsetDeleteRequest {
        group_id: group.into(),
        topics: topics.iter().map(topic).collect(),
    };
    rig.call(client, 0, &request)
}

fn told(answer: &OffsetDeleteResponse) -> Vec<(&str, i32, i16)> {
    assert_eq!(answer.error_code, 0);
    let mut told = Vec::new();
    for topic in &answer.topics {
        let name = topic.name.as_str();
        let partitions = topic.partitions.iter();
        told.extend(partitions.map(|p| (name, p.partition_index, p.error_code)));
    }
    told
}

fn delete_groups(rig: &mut Rig, version: i16, groups: &[&str]) -> Vec<(String, i16)> {
    let request = DeleteGroupsRequest {
        groups_names: groups.iter().map(|group| (*group).into()).collect(),
        ..Default::default()
    };
    let client = rig.connect();
    let answer = rig.call(client, version, &request);
    let results = answer.results.into_iter();
    results
        .map(|result| (result.group_id, result.error_code))
        .collect()
}

fn join(rig: &mut Rig, client: ConnectionId, epoch: i32) {
    let joining = epoch == 0;
    let request = ConsumerGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: "AAAAAAAAAAAAAAAAAAAAAQ".into(),
        member_epoch: epoch,
        rebalance_timeout_ms: if joining { 60_000 } else { -1 },
        subscribed_topic_names: joining.then(|| vec!["a".into()]),
        topic_partitions: joining.then(Vec::new),
        ..Default::default()
    };
    assert_eq!(rig.call(client, 1, &request).error_code, 0);
}

#[test]
fn offsets_are_deleted_each_by_itself() {
    let (mut rig, client) = with_offsets(Rig::new());
    let places = [("a", 1), ("nope", 0), ("b", 0), ("a", 9), ("a", 0)];
    let answer = delete_offsets(&mut rig, client, "g", &places);
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let expected = [
        ("nope", 0, unknown),
        ("a", 9, unknown),
        ("a", 1, 0),
        ("a", 0, 0),
        ("b", 0, 0),
    ];
    assert_eq!(told(&answer), expected);
    assert_eq!(offsets(&mut rig), [-1, -1, -1, 5]);
    let again = delete_offsets(&mut rig, client, "g", &[("a", 1)]);
    assert_eq!(told(&again), [("a", 1, 0)], "what is not there is no error");
}

#[test]
fn a_group_that_is_not_there_has_no_offsets_to_delete() {
    let (mut rig, client) = with_offsets(Rig::new());
    for (group, error) in [
        ("", ErrorCode::InvalidGroupId),
        ("h", ErrorCode::GroupIdNotFound),
    ] {
        let answer = delete_offsets(&mut rig, client, group, &[("a", 0), ("nope", 0)]);
        assert_eq!((answer.error_code, answer.topics.len()), (error.code(), 0));
    }
}

#[test]
fn groups_are_deleted_with_their_offsets_in_every_version() {
    for version in 0..=2 {
        let (mut rig, _) = with_offsets(Rig::new());
        let missing = ErrorCode::GroupIdNotFound.code();
        assert_eq!(
            delete_groups(&mut rig, version, &["h", "g", "g", ""]),
            [
                ("h".into(), missing),
                ("g".into(), 0),
                (String::new(), missing)
            ]
        );
        assert_eq!(offsets(&mut rig), [-1; 4]);
        let again = delete_groups(&mut rig, version, &["g"]);
        assert_eq!(again, [("g".into(), missing)]);
    }
}

#[test]
fn a_group_with_members_keeps_itself_and_what_it_reads() {
    let (mut rig, client) = with_offsets(Rig::new());
    join(&mut rig, client, 0);
    let occupied = ErrorCode::NonEmptyGroup.code();
    assert_eq!(delete_groups(&mut rig, 2, &["g"]), [("g".into(), occupied)]);
    let answer = delete_offsets(&mut rig, client, "g", &[("a", 0), ("b", 0)]);
    let subscribed = ErrorCode::GroupSubscribedToTopic.code();
    assert_eq!(told(&answer), [("a", 0, subscribed), ("b", 0, 0)]);
    assert_eq!(offsets(&mut rig), [5, 5, -1, 5]);
    join(&mut rig, client, -1);
    assert_eq!(delete_groups(&mut rig, 2, &["g"]), [("g".into(), 0)]);
    assert_eq!(offsets(&mut rig), [-1; 4]);
}

#[test]
fn what_was_deleted_stays_deleted_after_a_crash_and_no_answer_comes_before() {
    let (mut rig, client) = with_offsets(Rig::with_files());
    rig.flush_at_once = false;
    let request = DeleteGroupsRequest {
        groups_names: vec!["g".into()],
        ..Default::default()
    };
    let sent = rig.send(client, 2, &request);
    assert_eq!(rig.answer::<DeleteGroupsRequest>(sent, 2), None);
    rig.flush();
    assert!(rig.answer::<DeleteGroupsRequest>(sent, 2).is_some());
    let mut rig = rig.crash();
    assert_eq!(offsets(&mut rig), [-1; 4]);
}
