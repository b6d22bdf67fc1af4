//! What members and readers are told when they are the first to ask, and after a restart.

use super::rig::Rig;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};

#[test]
fn who_asks_before_there_is_any_group_is_assigned_what_topics_there_are() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.make_topic(client, "t", 3);
    let request = ConsumerGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: Uuid([7; 16]).to_string(),
        rebalance_timeout_ms: 1_000,
        subscribed_topic_names: Some(vec!["t".into()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    };
    let answer = rig.call(client, 1, &request);
    let assigned = answer.assignment.map(|given| given.topic_partitions);
    let assigned = assigned.unwrap_or_default();
    assert_eq!(assigned.len(), 1, "error {}", answer.error_code);
    assert_eq!(assigned[0].partitions, [0, 1, 2]);
}

fn fetch(session: (i32, i32), partitions: &[i32]) -> FetchRequest {
    let partition = |partition: &i32| FetchPartition {
        partition: *partition,
        partition_max_bytes: 1_000,
        ..Default::default()
    };
    FetchRequest {
        session_id: session.0,
        session_epoch: session.1,
        max_bytes: 1_000,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: partitions.iter().map(partition).collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn a_session_of_the_life_before_is_nobody_elses() {
    let mut rig = Rig::with_files();
    let client = rig.connect();
    rig.make_topic(client, "t", 2);
    let before = rig.call(client, 12, &fetch((0, 0), &[0])).session_id;
    assert_ne!(before, 0);
    let mut rig = rig.crash();
    let client = rig.connect();
    let since = rig.call(client, 12, &fetch((0, 0), &[1])).session_id;
    assert_ne!(since, 0);
    let answer = rig.call(client, 12, &fetch((before, 1), &[]));
    assert_eq!(
        answer.error_code,
        ErrorCode::FetchSessionIdNotFound.code(),
        "{before} then, {since} now"
    );
}
