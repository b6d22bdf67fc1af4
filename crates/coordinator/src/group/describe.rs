//! Groups as administrators see them.

use super::classic::ClassicDescription;
use super::consumer::ConsumerDescription;
use super::groups::{Group, Groups};

/// The protocol of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupType {
    /// The leader assigns.
    Classic,
    /// The broker assigns (KIP-848).
    Consumer,
}

impl GroupType {
    /// As ListGroups writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "Classic",
            Self::Consumer => "Consumer",
        }
    }
}

/// A line of ListGroups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    /// Group id.
    pub group_id: String,
    /// `consumer`, `connect`, …; empty if it never had members.
    pub protocol_type: String,
    /// State by Kafka's name.
    pub state: &'static str,
    /// Protocol of the group.
    pub group_type: GroupType,
}

impl Groups {
    /// All groups, by id.
    #[must_use]
    pub fn list(&self) -> Vec<ListedGroup> {
        let line = |(group_id, group): (&str, &Group)| {
            let (protocol_type, state, group_type) = match group {
                Group::Classic(group) => (
                    group.protocol_type(),
                    group.state().name(),
                    GroupType::Classic,
                ),
                Group::Consumer(group) => ("consumer", group.state().name(), GroupType::Consumer),
            };
            let protocol_type = protocol_type.to_owned();
            ListedGroup {
                group_id: group_id.to_owned(),
                protocol_type,
                state,
                group_type,
            }
        };
        self.iter().map(line).collect()
    }

    /// A classic group; `None` if there is none of that id.
    #[must_use]
    pub fn describe_classic(&self, group_id: &str) -> Option<ClassicDescription> {
        match self.group(group_id)? {
            Group::Classic(group) => Some(group.describe()),
            Group::Consumer(_) => None,
        }
    }

    /// A consumer group; `None` if there is none of that id.
    #[must_use]
    pub fn describe_consumer(&self, group_id: &str) -> Option<ConsumerDescription> {
        match self.group(group_id)? {
            Group::Classic(_) => None,
            Group::Consumer(group) => Some(group.describe(self)),
        }
    }
}
