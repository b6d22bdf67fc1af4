//! Membership in a group of KIP-848: one request says and asks everything, as Java's
//! `ConsumerMembershipManager` sends it.
//!
//! The broker assigns. What it takes away is given up, and said to be, before it gives it to
//! another; what is said is what is owned, so the answer that changes nothing ends a round.

use super::Member;
use crate::client::TOPICS;
use crate::client::setup::PATIENCE;
use crate::net::LinkId;
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_heartbeat_request::{
    ConsumerGroupHeartbeatRequest, TopicPartitions,
};
use once_wire::message::consumer_group_heartbeat_response::{
    Assignment, ConsumerGroupHeartbeatResponse,
};

/// The epoch of a member that joins.
pub(super) const JOIN: i32 = 0;
/// The epoch of a member that leaves for good.
const LEAVE: i32 = -1;
/// The epoch of a static member that will come again.
const LEAVE_STATIC: i32 = -2;

/// How much a heartbeat says.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Says {
    /// All of the member: it joins, or does not know what the broker knows.
    #[default]
    All,
    /// What it owns.
    Owned,
    /// Only that it is there.
    Nothing,
    /// That it leaves, and so has nothing and wants nothing.
    Leaving,
}

/// What a heartbeat's answer changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beat {
    /// Nothing that matters.
    Same,
    /// What the member is assigned: it says that it has it, be it nothing, as Java's does.
    Assigned,
    /// The broker does not know the member: it owns nothing and joins anew.
    Fenced,
    /// The broker cannot say now.
    Later,
    /// No answer came.
    Lost,
}

impl Member {
    pub(super) async fn join_consumer(&mut self) -> bool {
        while !self.port.is_ending() {
            let link = self.port.connect().await;
            loop {
                match self.beat(link).await {
                    Beat::Same if self.generation != JOIN => {
                        self.port.close(link);
                        return true;
                    }
                    Beat::Same | Beat::Assigned | Beat::Fenced => {}
                    Beat::Later => self.port.sleep(20_000).await,
                    Beat::Lost => break,
                }
                if self.port.is_ending() {
                    break;
                }
            }
            self.port.close(link);
        }
        false
    }

    pub(super) async fn heartbeat_consumer(&mut self, link: LinkId) -> bool {
        match self.beat(link).await {
            Beat::Same | Beat::Later => true,
            Beat::Assigned | Beat::Fenced | Beat::Lost => false,
        }
    }

    pub(super) async fn leave_consumer(&mut self, link: LinkId) {
        self.generation = match self.instance_id {
            Some(_) => LEAVE_STATIC,
            None => LEAVE,
        };
        self.assigned.clear();
        self.says = Says::All;
        let request = self.request(Says::Leaving);
        let _ = self.port.call(link, 1, &request, PATIENCE).await;
    }

    /// Says what there is to say. Whoever was not answered, or refused, does not know what the broker knows.
    async fn beat(&mut self, link: LinkId) -> Beat {
        let version = *self.port.random().pick(&[0, 1]);
        let says = std::mem::replace(&mut self.says, Says::All);
        let request = self.request(says);
        let Ok(response) = self.port.call(link, version, &request, PATIENCE).await else {
            return Beat::Lost;
        };
        match ErrorCode::from_code(response.error_code).unwrap_or_default() {
            ErrorCode::None => self.heard(&response),
            ErrorCode::UnknownMemberId
            | ErrorCode::FencedMemberEpoch
            | ErrorCode::GroupIdNotFound => {
                self.generation = JOIN;
                self.assigned.clear();
                Beat::Fenced
            }
            ErrorCode::UnreleasedInstanceId => Beat::Later,
            code if code.is_retriable() => Beat::Later,
            code => {
                let text = response.error_message.unwrap_or_default();
                self.port
                    .found(format!("heartbeat of {}: {code} {text}", self.group));
                Beat::Later
            }
        }
    }

    fn heard(&mut self, response: &ConsumerGroupHeartbeatResponse) -> Beat {
        self.generation = response.member_epoch;
        let Some(assignment) = &response.assignment else {
            self.says = Says::Nothing;
            return Beat::Same;
        };
        self.says = Says::Owned;
        self.assigned.clear();
        self.take(assignment);
        Beat::Assigned
    }

    fn take(&mut self, assignment: &Assignment) {
        for topic in &assignment.topic_partitions {
            self.topic_id = topic.topic_id;
            self.assigned.extend(&topic.partitions);
        }
        self.assigned.sort_unstable();
    }

    fn request(&self, says: Says) -> ConsumerGroupHeartbeatRequest {
        let all = says == Says::All;
        let owned = TopicPartitions {
            topic_id: self.topic_id,
            partitions: self.assigned.clone(),
            ..Default::default()
        };
        let owned = if self.assigned.is_empty() {
            Vec::new()
        } else {
            vec![owned]
        };
        ConsumerGroupHeartbeatRequest {
            group_id: self.group.to_string(),
            member_id: self.member_id.clone(),
            member_epoch: self.generation,
            instance_id: self.instance_id.clone(),
            rebalance_timeout_ms: if all { 1_000 } else { -1 },
            subscribed_topic_names: match says {
                Says::All => Some(vec![TOPICS[0].to_owned()]),
                Says::Leaving => Some(Vec::new()),
                Says::Owned | Says::Nothing => None,
            },
            topic_partitions: (says != Says::Nothing).then_some(owned),
            ..Default::default()
        }
    }
}
