//! The server-side assignors: who shall read what.
//!
//! An assignor sees every member's subscription and its share of the last target. It gives every
//! partition of every subscribed topic to exactly one member that subscribes to it.

mod range;
mod uniform;

#[cfg(test)]
mod tests;

use super::state::Partitions;
use crate::group::config::Assignor;
use crate::group::topics::TopicInfo;
use once_wire::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// A member as an assignor sees it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Set for a static member.
    pub(super) instance_id: Option<String>,
    /// Topics that it wants and that exist.
    pub(super) subscribed: BTreeSet<Uuid>,
    /// Its share of the last target.
    pub(super) has: Partitions,
}

/// Everyone's share, also of those who get nothing.
pub(super) fn assign(
    assignor: Assignor,
    members: &BTreeMap<String, Member>,
    topics: &BTreeMap<Uuid, TopicInfo>,
) -> BTreeMap<String, Partitions> {
    match assignor {
        Assignor::Range => range::assign(members, topics),
        Assignor::Uniform => uniform::assign(members, topics),
    }
}
