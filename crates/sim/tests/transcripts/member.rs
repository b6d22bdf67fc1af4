//! A member's moves, in either kind of group.

use crate::conversation::{Answer, Ask, Party};
use once_wire::api::ApiKey;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message::consumer_group_heartbeat_request::{
    ConsumerGroupHeartbeatRequest, TopicPartitions,
};
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use once_wire::message::heartbeat_request::HeartbeatRequest;
use once_wire::message::join_group_request::JoinGroupRequest;
use once_wire::message::leave_group_request::LeaveGroupRequest;
use once_wire::message::offset_commit_request::OffsetCommitRequest;
use once_wire::message::offset_fetch_request::OffsetFetchRequest;
use once_wire::message::sync_group_request::SyncGroupRequest;
use std::collections::BTreeSet;

/// Errors that tell a member to do something else than it did.
const TELLING: [ErrorCode; 6] = [
    ErrorCode::RebalanceInProgress,
    ErrorCode::UnknownMemberId,
    ErrorCode::IllegalGeneration,
    ErrorCode::FencedInstanceId,
    ErrorCode::FencedMemberEpoch,
    ErrorCode::StaleMemberEpoch,
];

type Owned = BTreeSet<(Uuid, i32)>;

/// A member, as it and its group know it.
#[derive(Default)]
pub(crate) struct Member {
    /// What it calls itself, or was called.
    id: String,
    /// It was told its name, and has not joined under it yet.
    is_new: bool,
    /// Its generation, or its epoch in a group of KIP-848.
    generation: Option<i32>,
    leads: bool,
    /// What it was assigned last, in a group of KIP-848, and what it said before that it has.
    assigned: Owned,
    said: Option<Owned>,
    /// What it was told last and has done nothing about.
    told: Option<ErrorCode>,
}

impl Party for Member {
    fn asks(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let text = None
            .or_else(|| self.join(ask))
            .or_else(|| self.sync(ask))
            .or_else(|| self.heartbeat(ask))
            .or_else(|| self.leave(ask))
            .or_else(|| self.fetch(ask))
            .or_else(|| self.commit(ask))
            .or_else(|| self.beat(ask))
            .or_else(|| coordinator(ask))?;
        let told = match ask.key {
            ApiKey::FindCoordinator => None,
            _ => self.told.take(),
        };
        Some(vec![match told {
            Some(code) => format!("{text}, right after {code}"),
            None => text,
        }])
    }

    fn hears(&mut self, ask: &Ask<'_>, answer: Option<&Answer>) {
        let Some(answer) = answer else {
            return;
        };
        let code = code(ask, answer);
        if let Some(code) = code.filter(|code| TELLING.contains(code)) {
            self.told = Some(code);
        }
        if ask.of::<JoinGroupRequest>().is_some() {
            let said = answer.to::<JoinGroupRequest>();
            let code = ErrorCode::from_code(said.error_code).unwrap_or_default();
            if matches!(code, ErrorCode::None | ErrorCode::MemberIdRequired) {
                self.is_new = code == ErrorCode::MemberIdRequired;
                self.leads = said.leader == said.member_id;
                self.id = said.member_id;
                self.generation = Some(said.generation_id).filter(|_| !self.is_new);
            }
        }
        if let Some(request) = ask.of::<ConsumerGroupHeartbeatRequest>() {
            let said = answer.to::<ConsumerGroupHeartbeatRequest>();
            if said.error_code == 0 {
                self.id = said.member_id.unwrap_or(request.member_id);
                self.generation = Some(said.member_epoch);
                if let Some(assignment) = said.assignment {
                    let parts = assignment.topic_partitions.iter();
                    self.assigned = parts
                        .flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id, *p)))
                        .collect();
                }
            }
        }
    }
}

impl Member {
    fn who(&self, id: &str, generation: i32) -> &'static str {
        if id.is_empty() && generation == -1 {
            return "nobody";
        }
        match (id == self.id, Some(generation) == self.generation) {
            (true, true) => "itself",
            (true, false) => "itself of another generation",
            (false, _) => "another",
        }
    }

    fn join(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<JoinGroupRequest>()?;
        let who = match request.member_id.as_str() {
            "" => "nobody yet",
            id if id != self.id => "another",
            _ if self.is_new => "under its new name",
            _ => "under its name",
        };
        let kind = kind(request.group_instance_id.as_deref());
        Some(format!("{who}, {kind}"))
    }

    fn sync(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<SyncGroupRequest>()?;
        let who = self.who(&request.member_id, request.generation_id);
        let leads = match (self.leads, request.assignments.is_empty()) {
            (true, false) => "leads and assigns",
            (false, true) => "follows",
            (true, true) => "leads and assigns nothing",
            (false, false) => "follows and assigns",
        };
        let kind = kind(request.group_instance_id.as_deref());
        Some(format!("{who}, {leads}, {kind}"))
    }

    fn heartbeat(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<HeartbeatRequest>()?;
        let who = self.who(&request.member_id, request.generation_id);
        let kind = kind(request.group_instance_id.as_deref());
        Some(format!("{who}, {kind}"))
    }

    fn leave(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<LeaveGroupRequest>()?;
        let (id, instance) = match &request.members[..] {
            // Up to version 2.
            [] => (&request.member_id, None),
            [member] => (&member.member_id, member.group_instance_id.as_deref()),
            _ => return Some("several members".to_owned()),
        };
        let own = if *id == self.id { "itself" } else { "another" };
        Some(format!("{own}, {}", kind(instance)))
    }

    fn fetch(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<OffsetFetchRequest>()?;
        let stable = match request.require_stable {
            true => "stable offsets",
            false => "offsets",
        };
        let group = request.groups.first();
        let id = group.and_then(|group| group.member_id.clone());
        let who = self.who(
            &id.unwrap_or_default(),
            group.map_or(-1, |group| group.member_epoch),
        );
        let topics = match group {
            Some(group) => group.topics.is_some(),
            None => request.topics.is_some(),
        };
        let what = if topics { "of partitions" } else { "of all" };
        Some(format!("{stable} {what}, as {who}"))
    }

    fn commit(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<OffsetCommitRequest>()?;
        let who = self.who(&request.member_id, request.generation_id_or_member_epoch);
        let kind = kind(request.group_instance_id.as_deref());
        Some(format!("{who}, {kind}"))
    }

    fn beat(&mut self, ask: &Ask<'_>) -> Option<String> {
        let request = ask.of::<ConsumerGroupHeartbeatRequest>()?;
        let epoch = match request.member_epoch {
            0 => "joins",
            -1 => "leaves",
            -2 => "leaves for a while",
            epoch if Some(epoch) == self.generation => "its epoch",
            _ => "another epoch",
        };
        let own = request.topic_partitions.as_deref().map(owned);
        let says = match &own {
            None => "not what it has",
            Some(own) if own.is_empty() => "that it has nothing",
            Some(own) if *own == self.assigned => "that it has what it was assigned",
            Some(own) if Some(own) == self.said.as_ref() => "that it still has what it had",
            Some(_) => "that it has something else",
        };
        if own.is_some() {
            self.said = own;
        }
        let topics = match request.subscribed_topic_names.as_deref() {
            Some([]) => ", no topics",
            Some(_) => ", its topics",
            None => "",
        };
        let timeout = match request.rebalance_timeout_ms {
            -1 => "",
            _ => ", its timeout",
        };
        let kind = kind(request.instance_id.as_deref());
        if request.member_epoch == 0 {
            self.id.clone_from(&request.member_id);
        }
        let who = if self.id == request.member_id {
            ""
        } else {
            ", another member"
        };
        Some(format!(
            "{epoch}, says {says}{topics}{timeout}, {kind}{who}"
        ))
    }
}

/// The error of an answer to a member.
fn code(ask: &Ask<'_>, answer: &Answer) -> Option<ErrorCode> {
    let code = match ask.key {
        ApiKey::JoinGroup => answer.to::<JoinGroupRequest>().error_code,
        ApiKey::SyncGroup => answer.to::<SyncGroupRequest>().error_code,
        ApiKey::Heartbeat => answer.to::<HeartbeatRequest>().error_code,
        ApiKey::OffsetCommit => {
            let topics = answer.to::<OffsetCommitRequest>().topics;
            let mut parts = topics.iter().flat_map(|topic| &topic.partitions);
            parts.find_map(|part| Some(part.error_code).filter(|code| *code != 0))?
        }
        ApiKey::ConsumerGroupHeartbeat => answer.to::<ConsumerGroupHeartbeatRequest>().error_code,
        _ => return None,
    };
    ErrorCode::from_code(code)
}

fn coordinator(ask: &Ask<'_>) -> Option<String> {
    let request = ask.of::<FindCoordinatorRequest>()?;
    Some(match request.key_type {
        0 => "of a group".to_owned(),
        1 => "of a transactional id".to_owned(),
        key_type => format!("of key type {key_type}"),
    })
}

/// Whether a member has a `group.instance.id`.
pub(crate) fn kind(instance: Option<&str>) -> &'static str {
    if instance.is_some() {
        "static"
    } else {
        "dynamic"
    }
}

fn owned(topics: &[TopicPartitions]) -> Owned {
    let parts = topics.iter();
    parts
        .flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id, *p)))
        .collect()
}
