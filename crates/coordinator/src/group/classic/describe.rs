//! What DescribeGroups tells of a classic group.

use super::state::{ClassicGroup, ClassicMember, ClassicState};
use crate::group::command::MemberOrigin;
use bytes::Bytes;

/// A classic group.
#[derive(Clone, PartialEq, Debug)]
pub struct ClassicDescription {
    /// Where it stands.
    pub state: ClassicState,
    /// `consumer`, `connect`, …; empty if it never had members.
    pub protocol_type: String,
    /// The protocol chosen; empty unless Stable.
    pub protocol_name: String,
    /// Its members, by id.
    pub members: Vec<ClassicMemberDescription>,
}

/// A member in [`ClassicDescription`].
#[derive(Clone, PartialEq, Debug)]
pub struct ClassicMemberDescription {
    /// Member id.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// The client.
    pub origin: MemberOrigin,
    /// Its subscription under the protocol chosen; empty unless Stable.
    pub metadata: Bytes,
    /// What the leader gave it.
    pub assignment: Bytes,
}

impl ClassicGroup {
    pub(crate) fn protocol_type(&self) -> &str {
        self.protocol_type.as_deref().unwrap_or_default()
    }

    pub(crate) fn describe(&self) -> ClassicDescription {
        let stable = self.state == ClassicState::Stable;
        let protocol_name = self
            .protocol_name
            .as_deref()
            .filter(|_| stable)
            .unwrap_or_default();
        let member = |(member_id, member): (&String, &ClassicMember)| ClassicMemberDescription {
            member_id: member_id.clone(),
            instance_id: member.instance_id.clone(),
            origin: member.origin.clone(),
            metadata: member.metadata(protocol_name).cloned().unwrap_or_default(),
            assignment: member.assignment.clone(),
        };
        ClassicDescription {
            state: self.state,
            protocol_type: self.protocol_type().to_owned(),
            protocol_name: protocol_name.to_owned(),
            members: self.members.iter().map(member).collect(),
        }
    }
}
