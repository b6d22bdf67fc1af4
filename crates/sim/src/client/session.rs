//! A fetch session (KIP-227), as Java's `FetchSessionHandler` keeps it: the broker remembers the partitions and where
//! they are read, and is told only what changes.

use once_check::history::Partition;
use once_wire::error::ErrorCode;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};
use std::collections::{BTreeMap, BTreeSet};

/// The epoch of a request that begins a session, and ends the one it names.
const BEGIN: i32 = 0;

/// What the broker was told.
#[derive(Default)]
pub(crate) struct Session {
    id: i32,
    epoch: i32,
    /// Where the broker thinks each partition is read.
    told: BTreeMap<Partition, i64>,
}

impl Session {
    /// Writes into a request what the broker does not know of these positions.
    pub(crate) fn ask(&mut self, positions: &BTreeMap<Partition, i64>, request: &mut FetchRequest) {
        (request.session_id, request.session_epoch) = (self.id, self.epoch);
        if self.epoch == BEGIN {
            self.told.clear();
        }
        let changed = |(partition, at): &(&Partition, &i64)| self.told.get(*partition) != Some(at);
        request.topics = topics(positions.iter().filter(changed));
        for partition in self.told.keys().filter(|p| !positions.contains_key(*p)) {
            request.forgotten_topics_data.push(ForgottenTopic {
                topic: partition.topic.to_string(),
                partitions: vec![partition.index],
                ..Default::default()
            });
        }
        self.told.clone_from(positions);
    }

    /// What is wrong with an answer that names these partitions: it is about one that the session does not have, or
    /// the first of a session and not about all.
    pub(crate) fn wrong(&self, answered: &BTreeSet<Partition>) -> Option<String> {
        let strange = answered.iter().find(|p| !self.told.contains_key(*p));
        let strange = strange.map(|p| format!("it is about {p}, which its session does not have"));
        let lacks = || self.told.keys().find(|p| !answered.contains(*p));
        let lacks = || lacks().map(|p| format!("it begins a session and is not about {p}"));
        strange.or_else(|| lacks().filter(|_| self.epoch == BEGIN))
    }

    /// An answer came. False: it is about the session, and has nothing else.
    pub(crate) fn heard(&mut self, code: i16, session_id: i32) -> bool {
        let code = ErrorCode::from_code(code).unwrap_or_default();
        match code {
            ErrorCode::None if session_id == 0 => *self = Self::default(),
            ErrorCode::None => (self.id, self.epoch) = (session_id, self.epoch + 1),
            ErrorCode::FetchSessionIdNotFound => *self = Self::default(),
            _ => self.lost(),
        }
        code == ErrorCode::None
    }

    /// No answer came: the broker may know more or less than is thought.
    pub(crate) fn lost(&mut self) {
        self.epoch = BEGIN;
    }
}

/// Partitions and where they are read, by topic.
pub(crate) fn topics<'a>(
    positions: impl Iterator<Item = (&'a Partition, &'a i64)>,
) -> Vec<FetchTopic> {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (partition, position) in positions {
        if topics.last().is_none_or(|t| *t.topic != *partition.topic) {
            topics.push(FetchTopic {
                topic: partition.topic.to_string(),
                ..Default::default()
            });
        }
        let of_topic = topics.last_mut().expect("one was pushed");
        of_topic.partitions.push(FetchPartition {
            partition: partition.index,
            fetch_offset: *position,
            partition_max_bytes: 4_000,
            ..Default::default()
        });
    }
    topics
}
