//! Drives the machine as the engine does, and holds it to its laws at every step.

mod compaction;

use crate::group::{
    ClassicProtocol, ClassicState, Command, CommitOffsets, Committer, ConsumerHeartbeat,
    ConsumerHeartbeatReply, Event, FetchOffsets, FetchedOffset, GroupConfig, Groups, Heartbeat,
    Join, JoinReply, Leave, LeavingMember, MemberOrigin, OffsetToCommit, Reply, Sync, SyncReply,
    TopicImage, TopicInfo, TxnCommitOffsets,
};
use crate::ids::TopicPartition;
use crate::machine::{LogRecord, Machine, Millis, ProducerIdentity, Waiter};
use bytes::Bytes;
use once_wire::{ErrorCode, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the log holds: records, and the markers that the engine writes.
#[derive(Clone, Debug)]
enum Entry {
    Record(LogRecord, Option<ProducerIdentity>),
    Marker(i64, bool),
}

/// The machine with its log and the answers that it gave.
pub(crate) struct Rig {
    pub(crate) live: Groups,
    pub(crate) now: Millis,
    config: Arc<GroupConfig>,
    topics: Arc<TopicImage>,
    log: Vec<Entry>,
    waiters: u64,
    answers: BTreeMap<Waiter, Reply>,
    /// Events of the largest decision so far.
    pub(crate) most_events: usize,
}

impl Rig {
    pub(crate) fn new(config: GroupConfig) -> Self {
        let config = Arc::new(config);
        Self {
            live: Groups::new(Arc::clone(&config)),
            now: 1_000_000,
            config,
            topics: Arc::default(),
            log: Vec::new(),
            waiters: 0,
            answers: BTreeMap::new(),
            most_events: 0,
        }
    }

    /// A rig whose first rebalance does not wait, and whose topics are these.
    pub(crate) fn quick(topics: &[(&str, i32)]) -> Self {
        let mut rig = Self::new(GroupConfig {
            initial_rebalance_delay_ms: 0,
            ..Default::default()
        });
        rig.set_topics(topics);
        rig
    }

    pub(crate) fn set_topics(&mut self, topics: &[(&str, i32)]) {
        let info = |(name, partitions): &(&str, i32)| {
            (
                (*name).to_owned(),
                TopicInfo {
                    id: topic_id(name),
                    partitions: *partitions,
                },
            )
        };
        self.topics = Arc::new(TopicImage::new(topics.iter().map(info)));
        self.ask(&Command::Topics(Arc::clone(&self.topics)));
    }

    /// Decides and applies; answers are kept until they are taken.
    pub(crate) fn ask(&mut self, command: &Command) -> Waiter {
        let waiter = Waiter(self.waiters);
        self.waiters += 1;
        let decision = self.live.decide(self.now, waiter, command);
        self.most_events = self.most_events.max(decision.events.len());
        let producers: Vec<_> = decision
            .events
            .iter()
            .filter_map(durable_producer)
            .collect();
        assert!(
            producers.windows(2).all(|pair| pair[0] == pair[1]),
            "one batch, one producer"
        );
        for event in &decision.events {
            self.apply(event);
        }
        for (waiter, reply) in decision.replies {
            let twice = self.answers.insert(waiter, reply);
            assert_eq!(twice, None, "a request is answered once");
        }
        self.check_replay();
        waiter
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match Groups::encode(event) {
            None => self.live.apply(-1, event),
            Some(record) => {
                let producer = Groups::producer(event);
                let read = Groups::decode(&record, producer);
                assert_eq!(read, Ok(Some(event.clone())), "what is written can be read");
                self.live.apply(self.end(), event);
                self.log.push(Entry::Record(record, producer));
            }
        }
    }

    fn end(&self) -> i64 {
        i64::try_from(self.log.len()).expect("a short log")
    }

    fn check_replay(&self) {
        assert_eq!(
            self.replay().durable(),
            self.live.durable(),
            "replay ≠ live"
        );
        for tombstones in [true, false] {
            let compacted = compaction::of(&self.log, tombstones);
            assert_eq!(
                self.fold(compacted).durable(),
                self.live.durable(),
                "replay of the compacted log ≠ live; with tombstones: {tombstones}"
            );
        }
    }

    fn replay(&self) -> Groups {
        self.fold((0..).zip(&self.log))
    }

    fn fold<'a>(&self, log: impl IntoIterator<Item = (i64, &'a Entry)>) -> Groups {
        let mut groups = Groups::new(Arc::clone(&self.config));
        for (offset, entry) in log {
            let event = match entry {
                Entry::Record(record, producer) => {
                    let event = Groups::decode(record, *producer).expect("our own record");
                    event.expect("of a known kind")
                }
                Entry::Marker(producer_id, commit) => Event::TransactionEnded {
                    producer_id: *producer_id,
                    commit: *commit,
                },
            };
            groups.apply(offset, &event);
        }
        groups
    }

    /// The process dies and starts again on the same log; parked requests are gone.
    pub(crate) fn crash(&mut self) {
        self.restart();
        self.ask(&Command::Topics(Arc::clone(&self.topics)));
    }

    /// As [`Rig::crash`], before anyone says which topics there are.
    pub(crate) fn restart(&mut self) {
        self.live = self.replay();
    }

    /// The marker of a transaction is written.
    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        let offset = self.end();
        self.log.push(Entry::Marker(producer_id, commit));
        self.live.apply(
            offset,
            &Event::TransactionEnded {
                producer_id,
                commit,
            },
        );
        self.check_replay();
    }

    /// Time passes; the timer is served whenever it is due.
    pub(crate) fn pass(&mut self, ms: Millis) {
        let end = self.now + ms;
        let mut ticks = 0;
        while let Some(deadline) = self.live.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.ask(&Command::Tick);
            ticks += 1;
            assert!(ticks < 10_000, "the clock runs hot");
        }
        self.now = end;
    }

    /// The answer to a request, if it came; an answer is taken once.
    pub(crate) fn answer(&mut self, waiter: Waiter) -> Option<Reply> {
        self.answers.remove(&waiter)
    }

    /// The answer to a request, left where it is.
    pub(crate) fn peek(&self, waiter: Waiter) -> Option<&Reply> {
        self.answers.get(&waiter)
    }

    /// Where classic group `g` stands.
    pub(crate) fn state(&self) -> Option<ClassicState> {
        self.live.describe_classic("g").map(|group| group.state)
    }

    /// Asks what is answered at once.
    pub(crate) fn call(&mut self, command: &Command) -> Reply {
        let waiter = self.ask(command);
        self.answer(waiter).expect("answered at once")
    }

    pub(crate) fn joined(&mut self, waiter: Waiter) -> JoinReply {
        match self.answer(waiter) {
            Some(Reply::Join(reply)) => reply,
            other => panic!("not a join's answer: {other:?}"),
        }
    }

    pub(crate) fn synced(&mut self, waiter: Waiter) -> Result<SyncReply, ErrorCode> {
        match self.answer(waiter) {
            Some(Reply::Sync(reply)) => reply,
            other => panic!("not a sync's answer: {other:?}"),
        }
    }

    pub(crate) fn heartbeat(&mut self, member_id: &str, generation: i32) -> ErrorCode {
        let member = committer(member_id, generation);
        match self.call(&Command::Heartbeat(Heartbeat {
            group_id: "g".to_owned(),
            member,
        })) {
            Reply::Heartbeat(error) => error,
            other => panic!("not a heartbeat's answer: {other:?}"),
        }
    }

    pub(crate) fn leave(&mut self, member_id: &str) -> ErrorCode {
        let member = LeavingMember {
            member_id: member_id.to_owned(),
            instance_id: None,
        };
        let command = Command::Leave(Leave {
            group_id: "g".to_owned(),
            members: vec![member],
        });
        match self.call(&command) {
            Reply::Leave(Ok(left)) => left[0].error,
            other => panic!("not a leave's answer: {other:?}"),
        }
    }

    /// One round of ConsumerGroupHeartbeat.
    pub(crate) fn beat(
        &mut self,
        command: &ConsumerHeartbeat,
    ) -> Result<ConsumerHeartbeatReply, ErrorCode> {
        match self.call(&Command::ConsumerHeartbeat(command.clone())) {
            Reply::ConsumerHeartbeat(reply) => reply.map_err(|(error, _)| error),
            other => panic!("not a heartbeat's answer: {other:?}"),
        }
    }

    /// Commits offset `offset` of partition 0 of topic `t`.
    pub(crate) fn commit(&mut self, member: Committer, offset: i64) -> Result<(), ErrorCode> {
        let offsets = vec![to_commit("t", 0, offset)];
        let command = CommitOffsets {
            group_id: "g".to_owned(),
            member,
            knows_member_epochs: true,
            retention_ms: None,
            offsets,
        };
        offsets_reply(self.call(&Command::CommitOffsets(command)))
    }

    /// The same in the transaction of a producer.
    pub(crate) fn txn_commit(
        &mut self,
        producer_id: i64,
        member: Committer,
        offset: i64,
    ) -> Result<(), ErrorCode> {
        let command = TxnCommitOffsets {
            group_id: "g".to_owned(),
            member,
            producer: ProducerIdentity {
                id: producer_id,
                epoch: 0,
            },
            offsets: vec![to_commit("t", 0, offset)],
        };
        offsets_reply(self.call(&Command::TxnCommitOffsets(command)))
    }

    /// The offset of partition 0 of topic `t`.
    pub(crate) fn fetch(&self, require_stable: bool) -> FetchedOffset {
        let request = FetchOffsets {
            group_id: "g".to_owned(),
            member: None,
            partitions: Some(vec![(TopicPartition::new("t", 0), Uuid::ZERO)]),
            require_stable,
        };
        self.live
            .fetch_offsets(&request)
            .expect("anyone may fetch")
            .remove(0)
    }
}

fn durable_producer(event: &Event) -> Option<Option<ProducerIdentity>> {
    Groups::encode(event).map(|_| Groups::producer(event))
}

fn offsets_reply(reply: Reply) -> Result<(), ErrorCode> {
    match reply {
        Reply::Offsets(Ok(results)) => match results[0].1 {
            ErrorCode::None => Ok(()),
            error => Err(error),
        },
        Reply::Offsets(Err(error)) => Err(error),
        other => panic!("not a commit's answer: {other:?}"),
    }
}

pub(crate) fn topic_id(name: &str) -> Uuid {
    let mut bytes = [7; 16];
    for (byte, letter) in bytes.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    Uuid(bytes)
}

pub(crate) fn committer(member_id: &str, generation: i32) -> Committer {
    Committer {
        member_id: member_id.to_owned(),
        instance_id: None,
        generation,
    }
}

/// A client that is no member of anything.
pub(crate) fn nobody() -> Committer {
    committer("", -1)
}

pub(crate) fn to_commit(topic: &str, partition: i32, offset: i64) -> OffsetToCommit {
    OffsetToCommit {
        partition: TopicPartition::new(topic, partition),
        topic_id: topic_id(topic),
        offset,
        leader_epoch: 0,
        metadata: None,
    }
}

/// A consumer's subscription in the classic protocol's encoding.
pub(crate) fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend(i32::try_from(topics.len()).expect("few").to_be_bytes());
    for topic in topics {
        bytes.extend(i16::try_from(topic.len()).expect("short").to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.into()
}

/// A join of a consumer that knows `range` only, as an old client that is not told its id first.
pub(crate) fn join(client: &str, member_id: &str) -> Join {
    Join {
        group_id: "g".to_owned(),
        member_id: member_id.to_owned(),
        instance_id: None,
        origin: MemberOrigin {
            client_id: client.to_owned(),
            client_host: "/h".to_owned(),
        },
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![ClassicProtocol {
            name: "range".to_owned(),
            metadata: subscription(&["t"]),
        }],
        require_known_member_id: false,
        supports_skipping_assignment: true,
        fresh_id: topic_id(client),
    }
}

pub(crate) fn sync(member_id: &str, generation: i32, assignments: &[(&str, &str)]) -> Command {
    let given = assignments.iter();
    Command::Sync(Sync {
        group_id: "g".to_owned(),
        member: committer(member_id, generation),
        protocol_type: None,
        protocol_name: None,
        assignments: given
            .map(|(id, text)| ((*id).to_owned(), Bytes::copy_from_slice(text.as_bytes())))
            .collect(),
    })
}
