//! What members say of themselves is written as one record, and a record has a bound.

use super::rig::Rig;
use bytes::Bytes;
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use once_wire::message::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use once_wire::message::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};

const NONE: i16 = 0;
const TOO_LARGE: i16 = ErrorCode::UnknownServerError.code();
/// `max.message.bytes`, unless somebody sets it.
const MOST: usize = 1_048_588;

#[test]
fn an_assignment_that_no_record_may_hold_is_refused() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let request = JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let joined = rig.call(client, 3, &request);
    let mut sync = |bytes: usize| {
        let request = SyncGroupRequest {
            group_id: "g".into(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            assignments: vec![SyncGroupRequestAssignment {
                member_id: joined.member_id.clone(),
                assignment: Bytes::from(vec![7; bytes]),
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = rig.call(client, 3, &request);
        (answer.error_code, answer.assignment.len())
    };
    assert_eq!(sync(MOST), (TOO_LARGE, 0));
    let fits = MOST - 1_000;
    assert_eq!(sync(fits), (NONE, fits), "the leader may speak again");
}

#[test]
fn a_member_that_names_more_than_a_record_may_hold_is_refused() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let mut join = |topics: usize| {
        let topic = |n| format!("{n:0>200}");
        let request = ConsumerGroupHeartbeatRequest {
            group_id: "g".into(),
            member_id: "m".into(),
            rebalance_timeout_ms: 10_000,
            subscribed_topic_names: Some((0..topics).map(topic).collect()),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        };
        rig.call(client, 1, &request).error_code
    };
    assert_eq!(join(6_000), TOO_LARGE);
    assert_eq!(join(5), NONE);
}
