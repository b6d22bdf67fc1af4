//! The machine: all groups of one partition of `__consumer_offsets`.

use super::bounds;
use super::classic::{self, ClassicGroup};
use super::command::Command;
use super::config::GroupConfig;
use super::consumer::{self, ConsumerGroup};
use super::event::Event;
use super::offsets::{self, Doomed, FetchOffsets, FetchedOffset, Offsets, RetentionStart};
use super::record;
use super::reply::Reply;
use super::topics::TopicImage;
use crate::machine::{
    DamagedRecord, Decision, LogRecord, Machine, Millis, ProducerIdentity, Waiter,
};
use once_wire::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The groups whose id falls on one partition of `__consumer_offsets`, and their offsets.
#[derive(Clone, PartialEq, Debug)]
pub struct Groups {
    config: Arc<GroupConfig>,
    topics: Arc<TopicImage>,
    groups: BTreeMap<String, Group>,
    offsets: Offsets,
    /// Offsets of topics that are gone, not removed yet.
    doomed: Doomed,
    /// Each group that time can change, under the moment when it does.
    timers: BTreeSet<(Millis, String)>,
    /// When to look for expired offsets; `None` until the clock is known.
    next_expiry: Option<Millis>,
}

/// A group of either protocol. A group that is gone is not there.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Group {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

impl Group {
    /// True if the group may be removed once it has no offsets.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_empty(),
            Self::Consumer(group) => group.is_empty(),
        }
    }

    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match self {
            Self::Classic(group) => group.is_subscribed_to(topic),
            Self::Consumer(group) => group.is_subscribed_to(topic),
        }
    }

    pub(super) fn retention_start(&self) -> RetentionStart {
        match self {
            Self::Classic(group) => group.retention_start(),
            Self::Consumer(_) => RetentionStart::Commit,
        }
    }

    pub(super) fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        match self {
            Self::Classic(group) => group.may_delete_offsets(),
            Self::Consumer(_) => Ok(()),
        }
    }

    /// The events that end the group's records.
    pub(super) fn tombstones(&self, group_id: &str) -> Vec<Event> {
        let group_id = group_id.to_owned();
        match self {
            Self::Classic(_) => vec![Event::ClassicGroup {
                group_id,
                record: None,
            }],
            Self::Consumer(group) => {
                let event = |event| Event::Consumer {
                    group_id: group_id.clone(),
                    event,
                };
                group.tombstones().into_iter().map(event).collect()
            }
        }
    }

    fn deadline(&self) -> Option<Millis> {
        match self {
            Self::Classic(group) => group.deadline(),
            Self::Consumer(group) => group.deadline(),
        }
    }
}

impl Groups {
    /// No groups yet; recovery applies the log's events to this.
    #[must_use]
    pub fn new(config: Arc<GroupConfig>) -> Self {
        Self {
            config,
            topics: Arc::default(),
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            doomed: Doomed::default(),
            timers: BTreeSet::new(),
            next_expiry: None,
        }
    }

    /// Reads offsets, as OffsetFetch does.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID or STALE_MEMBER_EPOCH if a member of a consumer group asks as one it is not.
    pub fn fetch_offsets(&self, request: &FetchOffsets) -> Result<Vec<FetchedOffset>, ErrorCode> {
        offsets::fetch(self, request)
    }

    /// The state as a restart would find it, were everything applied so far durable: what replaying
    /// the log gives. A group of which nothing is left but its name is not there: once the log is compacted
    /// nothing in it tells of one.
    #[must_use]
    pub fn durable(&self) -> Self {
        let durable = |(group_id, group): (&String, &Group)| {
            let group = match group {
                Group::Classic(group) => Group::Classic(group.durable()),
                Group::Consumer(group) => Group::Consumer(group.durable()),
            };
            (group_id.clone(), group)
        };
        let groups = self.groups.iter().map(durable);
        let groups: BTreeMap<_, _> = groups
            .filter(|(group_id, group)| {
                *group != empty_classic() || self.offsets.has_group(group_id)
            })
            .collect();
        let timer =
            |(group_id, group): (&String, &Group)| Some((group.deadline()?, group_id.clone()));
        Self {
            timers: groups.iter().filter_map(timer).collect(),
            groups,
            offsets: self.offsets.clone(),
            ..Self::new(Arc::clone(&self.config))
        }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// The topics as groups know them.
    #[must_use]
    pub fn topics(&self) -> &TopicImage {
        &self.topics
    }

    pub(super) fn group(&self, group_id: &str) -> Option<&Group> {
        self.groups.get(group_id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Group)> {
        self.groups
            .iter()
            .map(|(group_id, group)| (group_id.as_str(), group))
    }

    pub(super) fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// DeleteGroups: the group, if it is empty, and all its offsets.
    fn delete_group(&self, waiter: Waiter, group_id: &str) -> Decision<Self> {
        let (events, error) = match self.group(group_id) {
            None => (Vec::new(), ErrorCode::GroupIdNotFound),
            Some(group) if !group.is_empty() => (Vec::new(), ErrorCode::NonEmptyGroup),
            Some(group) => {
                let mut events = offsets::delete_all(self, group_id);
                events.extend(group.tombstones(group_id));
                (events, ErrorCode::None)
            }
        };
        let replies = vec![(waiter, Reply::DeleteGroup(error))];
        Decision {
            events,
            replies,
            effects: Vec::new(),
        }
    }

    fn change_topics(&self, topics: &Arc<TopicImage>) -> Decision<Self> {
        let mut events = offsets::forget_gone_topics(self, topics);
        events.push(Event::Topics(Arc::clone(topics)));
        Decision {
            events,
            ..Decision::none()
        }
    }

    /// Whatever is due by now, group by group. What is too much for one decision stays due.
    fn tick(&self, now: Millis) -> Decision<Self> {
        let mut decision = Decision::none();
        if !self.doomed.is_empty() {
            decision.events = self.doomed.tombstones();
            return decision;
        }
        let due = self
            .timers
            .iter()
            .take_while(|(deadline, _)| *deadline <= now);
        for (_, group_id) in due {
            if decision.events.len() >= offsets::MOST_EVENTS {
                return decision;
            }
            let part = match &self.groups[group_id] {
                Group::Classic(group) => classic::tick(self, now, group_id, group),
                Group::Consumer(group) => consumer::tick(self, now, group_id, group),
            };
            decision.events.extend(part.events);
            decision.replies.extend(part.replies);
        }
        if self
            .expiry_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let mut all = true;
            if self.next_expiry.is_some() {
                let expired;
                (expired, all) = offsets::expire(self, now);
                decision.events.extend(expired);
            }
            if all {
                let next = now.saturating_add(self.config.offsets_retention_check_interval_ms);
                decision.events.push(Event::ExpiryScheduled(next));
            }
        }
        decision
    }

    fn expiry_deadline(&self) -> Option<Millis> {
        let idle = self.offsets.is_empty() && self.groups.is_empty();
        if idle {
            None
        } else {
            Some(self.next_expiry.unwrap_or(Millis::MIN))
        }
    }

    /// Changes one group, which `make` makes if it is not there, and sees to its timer.
    fn change(
        &mut self,
        group_id: &str,
        make: impl FnOnce() -> Group,
        change: impl FnOnce(&mut Group) -> Fate,
    ) {
        if let Some(old) = self.groups.get(group_id).and_then(Group::deadline) {
            self.timers.remove(&(old, group_id.to_owned()));
        }
        let group = self.groups.entry(group_id.to_owned()).or_insert_with(make);
        match change(group) {
            Fate::Gone => {
                self.groups.remove(group_id);
            }
            Fate::Stays => {
                if let Some(deadline) = group.deadline() {
                    self.timers.insert((deadline, group_id.to_owned()));
                }
            }
        }
    }

    fn apply_to_group(&mut self, event: &Event) {
        match event {
            Event::ClassicGroup { group_id, record } => {
                self.change(group_id, empty_classic, |group| match record {
                    None => Fate::Gone,
                    Some(record) => {
                        classic_of(group).restore(record);
                        Fate::Stays
                    }
                });
            }
            Event::Classic { group_id, event } => {
                self.change(group_id, empty_classic, |group| {
                    classic_of(group).apply(event);
                    Fate::Stays
                });
            }
            Event::Consumer { group_id, event } => {
                self.change(group_id, empty_consumer, |group| {
                    let group = consumer_of(group);
                    group.apply(event);
                    if group.is_gone() {
                        Fate::Gone
                    } else {
                        Fate::Stays
                    }
                });
            }
            Event::OffsetCommitted { group_id, .. } => {
                self.change(group_id, empty_classic, |_| Fate::Stays);
            }
            Event::OffsetRemoved { .. }
            | Event::TransactionEnded { .. }
            | Event::Topics(_)
            | Event::ExpiryScheduled(_) => {}
        }
    }
}

enum Fate {
    Stays,
    Gone,
}

fn empty_classic() -> Group {
    Group::Classic(ClassicGroup::empty())
}

fn empty_consumer() -> Group {
    Group::Consumer(ConsumerGroup::default())
}

/// An id is taken over from a consumer group only after its tombstones; a compacted log may lack
/// them, and then the later record decides.
fn classic_of(group: &mut Group) -> &mut ClassicGroup {
    if !matches!(group, Group::Classic(_)) {
        *group = empty_classic();
    }
    match group {
        Group::Classic(group) => group,
        Group::Consumer(_) => unreachable!("replaced above"),
    }
}

fn consumer_of(group: &mut Group) -> &mut ConsumerGroup {
    if !matches!(group, Group::Consumer(_)) {
        *group = empty_consumer();
    }
    match group {
        Group::Consumer(group) => group,
        Group::Classic(_) => unreachable!("replaced above"),
    }
}

impl Machine for Groups {
    type Command = Command;
    type Event = Event;
    type Reply = Reply;
    /// Groups need nothing done outside: all that they do is write and answer.
    type Effect = std::convert::Infallible;

    fn decide(&self, now: Millis, waiter: Waiter, command: &Command) -> Decision<Self> {
        if let Some(reply) = bounds::refusal(command) {
            return Decision::reply(waiter, reply);
        }
        match command {
            Command::Join(command) => classic::join(self, now, waiter, command),
            Command::Sync(command) => classic::sync(self, now, waiter, command),
            Command::Heartbeat(command) => classic::heartbeat(self, now, waiter, command),
            Command::Leave(command) => classic::leave(self, now, waiter, command),
            Command::ConsumerHeartbeat(command) => consumer::heartbeat(self, now, waiter, command),
            Command::CommitOffsets(command) => offsets::commit(self, now, waiter, command),
            Command::TxnCommitOffsets(command) => offsets::txn_commit(self, now, waiter, command),
            Command::DeleteOffsets(command) => offsets::delete(self, waiter, command),
            Command::DeleteGroup(group_id) => self.delete_group(waiter, group_id),
            Command::Topics(topics) => self.change_topics(topics),
            Command::Tick => self.tick(now),
        }
    }

    fn apply(&mut self, offset: i64, event: &Event) {
        self.apply_to_group(event);
        match event {
            Event::OffsetCommitted {
                group_id,
                partition,
                offset: value,
                producer,
            } => {
                self.doomed.forget(group_id, partition);
                let producer_id = producer.map(|producer| producer.id);
                let (partition, value) = (partition.clone(), value.clone());
                self.offsets
                    .put(group_id, partition, value, offset, producer_id);
            }
            Event::OffsetRemoved {
                group_id,
                partition,
            } => {
                self.doomed.forget(group_id, partition);
                self.offsets.remove(group_id, partition);
            }
            Event::TransactionEnded {
                producer_id,
                commit,
            } => {
                self.offsets.end_transaction(*producer_id, *commit);
            }
            Event::Topics(topics) => {
                self.doomed.extend(offsets::gone_offsets(self, topics));
                self.topics = Arc::clone(topics);
            }
            Event::ExpiryScheduled(at) => self.next_expiry = Some(*at),
            Event::ClassicGroup { .. } | Event::Classic { .. } | Event::Consumer { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Millis> {
        if !self.doomed.is_empty() {
            return Some(Millis::MIN);
        }
        let timer = self.timers.first().map(|(deadline, _)| *deadline);
        timer.into_iter().chain(self.expiry_deadline()).min()
    }

    fn encode(event: &Event) -> Option<LogRecord> {
        record::encode(event)
    }

    fn producer(event: &Event) -> Option<ProducerIdentity> {
        match event {
            Event::OffsetCommitted { producer, .. } => *producer,
            Event::OffsetRemoved { .. }
            | Event::TransactionEnded { .. }
            | Event::ClassicGroup { .. }
            | Event::Classic { .. }
            | Event::Consumer { .. }
            | Event::Topics(_)
            | Event::ExpiryScheduled(_) => None,
        }
    }

    fn decode(
        record: &LogRecord,
        producer: Option<ProducerIdentity>,
    ) -> Result<Option<Event>, DamagedRecord> {
        record::decode(record, producer)
    }
}
