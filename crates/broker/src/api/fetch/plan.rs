//! What a fetch is to look at, and until when it may wait.

use super::stir::Found;
use crate::engine::{Context, FetchKey, LogId, ReadId, Remembered, SessionError};
use crate::mutant::Mutant;
use once_coordinator::machine::Millis;
use once_log::{FileRange, Isolation};
use once_wire::ids::Uuid;
use once_wire::message::fetch_request::FetchRequest;
use once_wire::message::fetch_response::PartitionData;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// How a fetch's partitions are remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Session {
    /// Not at all.
    None,
    /// By a session made now: the answer names every partition.
    New(i32),
    /// By a session that goes on: the answer names what changed.
    Incremental(i32),
}

/// One partition of a fetch.
pub(super) struct Target {
    pub(super) key: FetchKey,
    pub(super) wanted: Remembered,
    /// What the answer will say, once known.
    pub(super) data: Option<Box<PartitionData>>,
}

/// A file read that is outstanding, and the place of the target whose records it brings.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) target: usize,
    pub(super) log: LogId,
    pub(super) range: FileRange,
}

/// A fetch between its visits.
pub(super) struct Plan {
    pub(super) session: Session,
    pub(super) targets: Vec<Target>,
    pub(super) reading: BTreeMap<ReadId, Reading>,
    pub(super) deadline: Millis,
    pub(super) isolation: Isolation,
    /// What its last look found, while it waits.
    pub(super) found: Found,
}

impl Plan {
    /// What was gathered is gathered anew by the next look; a plan that waits is to be small.
    pub(super) fn wait(&mut self, found: Found) {
        self.found = found;
        for target in &mut self.targets {
            target.data = None;
        }
    }

    /// Resolves the session (Kafka: `FetchManager.newContext`).
    pub(super) fn make(cx: &mut Context<'_>, request: &FetchRequest) -> Result<Self, SessionError> {
        let named = named(cx, request);
        let (id, epoch) = (request.session_id, request.session_epoch);
        let (session, partitions) = match epoch {
            -1 | 0 => {
                if id != 0 {
                    cx.fetch_sessions().close(id);
                }
                let new = if epoch == 0 {
                    let [a, b, c, d, ..] = cx.fresh_uuid().0;
                    let chance = match cx.config().breaks(Mutant::SessionIdsInOrder) {
                        true => 0,
                        false => u32::from_be_bytes([a, b, c, d]),
                    };
                    cx.fetch_sessions().create(chance, named.clone())
                } else {
                    0
                };
                (
                    if new == 0 {
                        Session::None
                    } else {
                        Session::New(new)
                    },
                    named,
                )
            }
            _ => {
                let forgotten = forgotten(cx, request);
                let all = cx.fetch_sessions().resume(id, epoch, named, &forgotten)?;
                (Session::Incremental(id), all)
            }
        };
        let targets = partitions
            .into_iter()
            .map(|(key, wanted)| Target {
                key,
                wanted,
                data: None,
            })
            .collect();
        let deadline = cx.now() + i64::from(request.max_wait_ms.max(0));
        let isolation = if request.isolation_level == 1 {
            Isolation::ReadCommitted
        } else {
            Isolation::ReadUncommitted
        };
        Ok(Self {
            session,
            targets,
            reading: BTreeMap::new(),
            deadline,
            isolation,
            found: Found::default(),
        })
    }
}

/// The partitions that the request names. What it says last of one counts, at the place where it says
/// it first (Kafka: the map of `FetchRequest.fetchData`).
fn named(cx: &mut Context<'_>, request: &FetchRequest) -> Vec<(FetchKey, Remembered)> {
    let mut named: Vec<(FetchKey, Remembered)> = Vec::new();
    let mut places: BTreeMap<FetchKey, usize> = BTreeMap::new();
    for topic in &request.topics {
        let (name, topic_id) = resolve(cx, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            let key = FetchKey {
                topic: Arc::clone(&name),
                topic_id,
                partition: partition.partition,
            };
            let wanted = Remembered {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
                told: None,
            };
            match places.entry(key) {
                Entry::Occupied(place) => named[*place.get()].1 = wanted,
                Entry::Vacant(place) => {
                    named.push((place.key().clone(), wanted));
                    place.insert(named.len() - 1);
                }
            }
        }
    }
    named
}

fn forgotten(cx: &mut Context<'_>, request: &FetchRequest) -> Vec<FetchKey> {
    let mut keys = Vec::new();
    for topic in &request.forgotten_topics_data {
        let (name, topic_id) = resolve(cx, &topic.topic, topic.topic_id);
        keys.extend(topic.partitions.iter().map(|partition| FetchKey {
            topic: Arc::clone(&name),
            topic_id,
            partition: *partition,
        }));
    }
    keys
}

/// The name of a topic that is named by id; empty if there is none such.
fn resolve(cx: &mut Context<'_>, name: &str, id: Uuid) -> (Arc<str>, Uuid) {
    if cx.version < 13 {
        return (name.into(), Uuid::ZERO);
    }
    let topic = cx.catalog().topic_by_id(id);
    (topic.map_or("", |topic| &topic.name).into(), id)
}
