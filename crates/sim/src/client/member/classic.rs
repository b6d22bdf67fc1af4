//! Membership in a classic group: join, sync, heartbeat, as Java's `ConsumerCoordinator` does it.

use super::Member;
use crate::client::TOPICS;
use crate::client::setup::PATIENCE;
use crate::net::LinkId;
use bytes::{BufMut, Bytes, BytesMut};
use once_wire::error::ErrorCode;
use once_wire::message::heartbeat_request::HeartbeatRequest;
use once_wire::message::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use once_wire::message::join_group_response::JoinGroupResponse;
use once_wire::message::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use once_wire::message::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};

const PROTOCOL: &str = "range";

impl Member {
    pub(super) async fn join_classic(&mut self) -> bool {
        self.assigned.clear();
        while !self.port.is_ending() {
            let link = self.port.connect().await;
            while let Some(joined) = self.ask_to_join(link).await {
                match ErrorCode::from_code(joined.error_code).unwrap_or_default() {
                    ErrorCode::None => {
                        if self.sync(link, &joined).await {
                            self.port.close(link);
                            return true;
                        }
                        break;
                    }
                    ErrorCode::MemberIdRequired => self.member_id = joined.member_id,
                    ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                        self.member_id = String::new();
                    }
                    code if code.is_retriable() || code == ErrorCode::RebalanceInProgress => {
                        self.port.sleep(10_000).await;
                    }
                    code => {
                        self.port.found(format!("join of {}: {code}", self.group));
                        return false;
                    }
                }
            }
            self.port.close(link);
        }
        false
    }

    async fn ask_to_join(&mut self, link: LinkId) -> Option<JoinGroupResponse> {
        let request = JoinGroupRequest {
            group_id: self.group.to_string(),
            session_timeout_ms: self.session_timeout_ms,
            rebalance_timeout_ms: 1_000,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: PROTOCOL.to_owned(),
                metadata: subscription(),
                ..Default::default()
            }],
            ..Default::default()
        };
        // A static member is one from version 5 on.
        let oldest = if self.instance_id.is_some() { 2 } else { 0 };
        let version = self.port.random().pick(&[2, 4, 5, 7][oldest..]).to_owned();
        self.port
            .call(link, version, &request, 2 * PATIENCE)
            .await
            .ok()
    }

    /// Tells or asks who gets what. False: join again.
    async fn sync(&mut self, link: LinkId, joined: &JoinGroupResponse) -> bool {
        self.member_id.clone_from(&joined.member_id);
        self.generation = joined.generation_id;
        let mut assignments = Vec::new();
        if joined.leader == joined.member_id {
            let count = joined.members.len();
            for (place, member) in joined.members.iter().enumerate() {
                let own = (0..self.partitions)
                    .filter(|index| usize::try_from(*index).is_ok_and(|i| i % count == place));
                let assignment = own
                    .map(|index| u8::try_from(index).expect("a few"))
                    .collect();
                assignments.push(SyncGroupRequestAssignment {
                    member_id: member.member_id.clone(),
                    assignment,
                    ..Default::default()
                });
            }
        }
        let request = SyncGroupRequest {
            group_id: self.group.to_string(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            assignments,
            ..Default::default()
        };
        let Ok(synced) = self.port.call(link, 3, &request, 2 * PATIENCE).await else {
            return false;
        };
        match ErrorCode::from_code(synced.error_code).unwrap_or_default() {
            ErrorCode::None => {
                self.assigned = synced.assignment.iter().map(|b| i32::from(*b)).collect();
                true
            }
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.member_id = String::new();
                false
            }
            code => {
                self.port.say(format!("sync of {}: {code}", self.group));
                self.port.sleep(10_000).await;
                false
            }
        }
    }

    pub(super) async fn heartbeat_classic(&mut self, link: LinkId) -> bool {
        let request = HeartbeatRequest {
            group_id: self.group.to_string(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            ..Default::default()
        };
        let Ok(response) = self.port.call(link, 3, &request, PATIENCE).await else {
            return true;
        };
        match ErrorCode::from_code(response.error_code).unwrap_or_default() {
            ErrorCode::None => true,
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.member_id = String::new();
                false
            }
            _ => false,
        }
    }

    /// A static member does not leave: its session ends, or it comes again.
    pub(super) async fn leave_classic(&mut self, link: LinkId) {
        if self.instance_id.is_some() {
            return;
        }
        let request = LeaveGroupRequest {
            group_id: self.group.to_string(),
            members: vec![MemberIdentity {
                member_id: self.member_id.clone(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let _ = self.port.call(link, 3, &request, PATIENCE).await;
    }
}

/// Version 0 of the consumer protocol: the input, and no user data.
fn subscription() -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    bytes.put_i16(i16::try_from(TOPICS[0].len()).expect("short"));
    bytes.put_slice(TOPICS[0].as_bytes());
    bytes.put_i32(-1);
    bytes.freeze()
}
