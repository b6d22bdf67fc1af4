//! Random commands, and laws that hold whatever comes.

use super::rig::{Rig, committer, join, nobody, sync, to_commit};
use crate::group::groups::Group;
use crate::group::{
    ClassicProtocol, ClassicState, Command, CommitOffsets, ConsumerHeartbeat, GroupConfig,
    Heartbeat, Join, Leave, LeavingMember, MemberOrigin, Partitions, Reply, TxnCommitOffsets,
};
use crate::machine::{ProducerIdentity, Waiter};
use once_wire::{ErrorCode, Uuid};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn config() -> GroupConfig {
    GroupConfig {
        consumer_max_size: 3,
        max_size: 3,
        ..GroupConfig::default()
    }
}

/// Any command, as a stranger would send it: small domains, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Ask(Box<Command>),
    End { producer_id: i64, commit: bool },
    Topics(i32),
    Pass(i64),
    Crash,
}

impl Step {
    fn ask(command: Command) -> Self {
        Self::Ask(Box::new(command))
    }
}

fn group_id() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["g".to_owned(), "h".to_owned()])
}

/// Ids as members get them: told by the broker, or made up by a client.
fn member_id() -> impl Strategy<Value = String> {
    let told = ["a", "b", "i"]
        .iter()
        .flat_map(|prefix| (0..4).map(move |nth| told_id(prefix, nth)));
    let made_up = ["", "", "", "x", "y"].map(str::to_owned);
    prop::sample::select(told.chain(made_up).collect::<Vec<_>>())
}

/// The id of a member whose join brought the `nth` fresh identity.
fn told_id(prefix: &str, nth: u8) -> String {
    format!("{prefix}-00000000-0000-0000-0000-0000000000{nth:02x}")
}

fn fresh_id(nth: u8) -> Uuid {
    let mut id = Uuid::ZERO;
    id.0[15] = nth;
    id
}

fn instance_id() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![None, None, Some("i".to_owned()), Some("j".to_owned())])
}

fn a_join() -> impl Strategy<Value = Command> {
    let protocols = prop::sample::select(vec![vec!["range"], vec!["range", "sticky"], vec!["x"]]);
    let client = prop::sample::select(vec!["a", "b"]);
    (
        group_id(),
        member_id(),
        instance_id(),
        protocols,
        client,
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(group_id, member_id, instance_id, protocols, client, [known, skip])| {
                let named = |name: &str| ClassicProtocol {
                    name: name.to_owned(),
                    metadata: super::rig::subscription(&["t"]),
                };
                Command::Join(Join {
                    group_id,
                    instance_id,
                    protocols: protocols.into_iter().map(named).collect(),
                    require_known_member_id: known,
                    supports_skipping_assignment: skip,
                    ..join(client, &member_id)
                })
            },
        )
}

fn a_consumer_heartbeat() -> impl Strategy<Value = Command> {
    let epochs = prop::sample::select(vec![0, 0, 0, 1, 2, 3, 4, 5, -1, -2]);
    let wishes = prop::sample::select(vec![None, Some("t"), Some("u")]);
    (
        group_id(),
        member_id(),
        instance_id(),
        epochs,
        wishes,
        any::<bool>(),
    )
        .prop_map(
            |(group_id, member_id, instance_id, member_epoch, topic, says)| {
                let joins = member_epoch == 0;
                let topics = topic.or(joins.then_some("t"));
                Command::ConsumerHeartbeat(ConsumerHeartbeat {
                    group_id,
                    member_id,
                    member_epoch,
                    instance_id,
                    rack_id: None,
                    rebalance_timeout_ms: joins.then_some(5_000),
                    subscribed_topics: topics.map(|topic| [topic.to_owned()].into()),
                    subscribed_regex: (says && topic.is_none()).then(|| "[tu]".to_owned()),
                    server_assignor: None,
                    owned: (joins || says).then(Partitions::new),
                    origin: MemberOrigin::default(),
                })
            },
        )
}

fn a_step() -> impl Strategy<Value = Step> {
    let generation = -1..4i32;
    let member = move || (group_id(), member_id(), generation.clone());
    let producer = prop::sample::select(vec![None, Some(8), Some(9)]);
    let ask = Step::ask;
    prop_oneof![
        6 => a_join().prop_map(ask),
        6 => a_consumer_heartbeat().prop_map(ask),
        3 => member().prop_map(|(group_id, id, generation)| {
            let Command::Sync(command) = sync(&id, generation, &[(id.as_str(), "s")]) else {
                unreachable!("sync makes one")
            };
            Step::ask(Command::Sync(crate::group::Sync { group_id, ..command }))
        }),
        2 => member().prop_map(|(group_id, id, generation)| {
            let member = committer(&id, generation);
            Step::ask(Command::Heartbeat(Heartbeat { group_id, member }))
        }),
        2 => (group_id(), member_id(), instance_id()).prop_map(|(group_id, member_id, instance_id)| {
            let members = vec![LeavingMember { member_id, instance_id }];
            Step::ask(Command::Leave(Leave { group_id, members }))
        }),
        4 => (member(), producer).prop_map(|((group_id, id, generation), producer)| {
            let (member, offsets) = (committer(&id, generation), vec![to_commit("t", 0, 1)]);
            Step::ask(match producer {
                None => Command::CommitOffsets(CommitOffsets {
                    group_id, member, knows_member_epochs: true, retention_ms: None, offsets,
                }),
                Some(id) => Command::TxnCommitOffsets(TxnCommitOffsets {
                    group_id, member, producer: ProducerIdentity { id, epoch: 0 }, offsets,
                }),
            })
        }),
        1 => group_id().prop_map(|group_id| Step::ask(Command::DeleteGroup(group_id))),
        1 => (8..10i64, any::<bool>()).prop_map(|(producer_id, commit)| Step::End { producer_id, commit }),
        1 => (0..5i32).prop_map(Step::Topics),
        3 => prop::sample::select(vec![1, 1_000, 4_000, 20_000, 700_000_000]).prop_map(Step::Pass),
        1 => Just(Step::Crash),
    ]
}

/// Generation or epoch of each group; a group that went and came may start again.
fn epochs(rig: &Rig) -> BTreeMap<(String, bool), i32> {
    let epoch = |(group_id, group): (&str, &Group)| match group {
        Group::Classic(group) => {
            group.assert_laws();
            ((group_id.to_owned(), true), group.generation())
        }
        Group::Consumer(group) => {
            group.assert_laws();
            ((group_id.to_owned(), false), group.epoch())
        }
    };
    rig.live.iter().map(epoch).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// The rig adds: replay equals live, one producer per batch, one answer per request.
    #[test]
    fn the_laws_hold_whatever_comes(steps in prop::collection::vec(a_step(), 1..60)) {
        let mut rig = Rig::new(config());
        rig.set_topics(&[("t", 3), ("u", 1)]);
        let mut before = epochs(&rig);
        let mut joins = 0;
        for step in steps {
            let crash = matches!(step, Step::Crash);
            match step {
                Step::Ask(mut command) => {
                    if let Command::Join(join) = command.as_mut() {
                        join.fresh_id = fresh_id(joins);
                        joins += 1;
                    }
                    rig.ask(&command);
                }
                Step::End { producer_id, commit } => rig.end_transaction(producer_id, commit),
                Step::Topics(0) => rig.set_topics(&[("u", 1)]),
                Step::Topics(count) => rig.set_topics(&[("t", count), ("u", 1)]),
                Step::Pass(ms) => rig.pass(ms),
                Step::Crash => rig.crash(),
            }
            let after = epochs(&rig);
            for (group, epoch) in &after {
                let went_back = before.get(group).is_some_and(|old| epoch < old);
                // A generation without an assignment is not in the log.
                prop_assert!(!went_back || crash, "{:?} went back to {}", group, epoch);
            }
            before = after;
        }
    }

    /// Against the rule of the protocol's description, written down naively.
    #[test]
    fn offsets_of_transactions_follow_the_log(steps in prop::collection::vec(an_offset_step(), 1..40)) {
        let mut rig = Rig::new(GroupConfig::default());
        rig.set_topics(&[("t", 1)]);
        let mut committed: Option<(usize, i64)> = None;
        let mut pending: BTreeMap<i64, (usize, i64)> = BTreeMap::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                OffsetStep::Commit(offset) => {
                    prop_assert_eq!(rig.commit(nobody(), offset), Ok(()));
                    committed = Some((at, offset));
                }
                OffsetStep::TxnCommit(producer_id, offset) => {
                    prop_assert_eq!(rig.txn_commit(producer_id, nobody(), offset), Ok(()));
                    pending.insert(producer_id, (at, offset));
                }
                OffsetStep::End(producer_id, commit) => {
                    rig.end_transaction(producer_id, commit);
                    let ended = pending.remove(&producer_id).filter(|_| commit);
                    committed = committed.max(ended);
                }
                OffsetStep::Crash => rig.crash(),
            }
            let expected = committed.map_or(-1, |(_, offset)| offset);
            prop_assert_eq!(rig.fetch(false).offset, expected);
            let stable = rig.fetch(true);
            if pending.is_empty() {
                prop_assert_eq!((stable.error, stable.offset), (ErrorCode::None, expected));
            } else {
                let unstable = (ErrorCode::UnstableOffsetCommit, -1);
                prop_assert_eq!((stable.error, stable.offset), unstable);
            }
        }
    }

    /// Clients as they are: each does what it is told, when it comes to it.
    #[test]
    fn members_get_what_their_leader_said(steps in prop::collection::vec(a_client_step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
    }
}

#[derive(Clone, Debug)]
enum OffsetStep {
    Commit(i64),
    TxnCommit(i64, i64),
    End(i64, bool),
    Crash,
}

fn an_offset_step() -> impl Strategy<Value = OffsetStep> {
    prop_oneof![
        2 => (0..100i64).prop_map(OffsetStep::Commit),
        4 => (0..3i64, 0..100i64).prop_map(|(id, offset)| OffsetStep::TxnCommit(id, offset)),
        3 => (0..3i64, any::<bool>()).prop_map(|(id, commit)| OffsetStep::End(id, commit)),
        1 => Just(OffsetStep::Crash),
    ]
}

#[derive(Clone, Copy, Debug)]
enum ClientStep {
    Act(usize),
    Leave(usize),
    Pass(i64),
    Crash,
}

fn a_client_step() -> impl Strategy<Value = ClientStep> {
    prop_oneof![
        12 => (0..4usize).prop_map(ClientStep::Act),
        1 => (0..4usize).prop_map(ClientStep::Leave),
        3 => prop::sample::select(vec![500, 3_000, 9_000]).prop_map(ClientStep::Pass),
        1 => Just(ClientStep::Crash),
    ]
}

/// What a classic client does next.
#[derive(Clone, Debug, Default)]
enum Phase {
    #[default]
    Out,
    Joining(Waiter),
    MustSync {
        leads: Vec<String>,
        generation: i32,
    },
    Syncing(Waiter, i32),
    Stable(i32),
}

#[derive(Default)]
struct Classic {
    member_id: String,
    phase: Phase,
}

struct World {
    rig: Rig,
    clients: [Classic; 4],
    /// What the leader of each generation said last.
    said: BTreeMap<i32, BTreeMap<String, String>>,
    joins: u8,
}

impl World {
    fn new() -> Self {
        let mut rig = Rig::new(GroupConfig::default());
        rig.set_topics(&[("t", 3)]);
        Self {
            rig,
            clients: Default::default(),
            said: BTreeMap::new(),
            joins: 0,
        }
    }

    fn step(&mut self, step: ClientStep) {
        match step {
            ClientStep::Act(index) => self.act(index),
            ClientStep::Leave(index) => {
                if matches!(self.clients[index].phase, Phase::Stable(_)) {
                    self.rig.leave(&self.clients[index].member_id);
                    self.clients[index] = Classic::default();
                }
            }
            ClientStep::Pass(ms) => self.rig.pass(ms),
            ClientStep::Crash => {
                self.rig.crash();
                for client in &mut self.clients {
                    if matches!(client.phase, Phase::Joining(_) | Phase::Syncing(..)) {
                        client.phase = Phase::Out;
                    }
                }
            }
        }
        for index in 0..self.clients.len() {
            self.listen(index);
        }
    }

    fn act(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let member_id = client.member_id.clone();
        match client.phase.clone() {
            Phase::Out => {
                let name = ["p", "q", "r", "s"][index];
                self.joins = self.joins.wrapping_add(1);
                let fresh_id = fresh_id(self.joins);
                let command = Join {
                    require_known_member_id: true,
                    fresh_id,
                    ..join(name, &member_id)
                };
                client.phase = Phase::Joining(self.rig.ask(&Command::Join(command)));
            }
            Phase::MustSync { leads, generation } => {
                let words: BTreeMap<_, _> = leads
                    .iter()
                    .map(|id| (id.clone(), format!("{generation}:{id}")))
                    .collect();
                let pairs: Vec<_> = words
                    .iter()
                    .map(|(id, word)| (id.as_str(), word.as_str()))
                    .collect();
                let waits = self.rig.state() == Some(ClassicState::CompletingRebalance);
                let waiter = self.rig.ask(&sync(&member_id, generation, &pairs));
                client.phase = Phase::Syncing(waiter, generation);
                // A leader of a generation that a crash undid is not heard.
                let heard = matches!(self.rig.peek(waiter), Some(Reply::Sync(Ok(_))));
                if waits && heard {
                    self.said.insert(generation, words);
                }
            }
            Phase::Stable(generation) => match self.rig.heartbeat(&member_id, generation) {
                ErrorCode::None => {}
                ErrorCode::RebalanceInProgress => client.phase = Phase::Out,
                _ => *client = Classic::default(),
            },
            Phase::Joining(_) | Phase::Syncing(..) => {}
        }
    }

    /// Takes the answer that a client waits for, if it came.
    fn listen(&mut self, index: usize) {
        let client = &mut self.clients[index];
        match client.phase {
            Phase::Joining(waiter) => match self.rig.answer(waiter) {
                None => {}
                Some(Reply::Join(reply)) => match reply.error {
                    ErrorCode::None => {
                        let leads = reply.members.into_iter().map(|m| m.member_id).collect();
                        client.phase = Phase::MustSync {
                            leads,
                            generation: reply.generation,
                        };
                    }
                    ErrorCode::MemberIdRequired => {
                        (client.member_id, client.phase) = (reply.member_id, Phase::Out);
                    }
                    _ => *client = Classic::default(),
                },
                other => panic!("not a join's answer: {other:?}"),
            },
            Phase::Syncing(waiter, generation) => match self.rig.answer(waiter) {
                None => {}
                Some(Reply::Sync(Ok(reply))) => {
                    let word = self.said[&generation].get(&client.member_id);
                    let expected = word.cloned().unwrap_or_default();
                    assert_eq!(reply.assignment, expected.as_bytes());
                    client.phase = Phase::Stable(generation);
                }
                Some(Reply::Sync(Err(ErrorCode::RebalanceInProgress))) => client.phase = Phase::Out,
                Some(Reply::Sync(Err(_))) => *client = Classic::default(),
                other => panic!("not a sync's answer: {other:?}"),
            },
            Phase::Out | Phase::MustSync { .. } | Phase::Stable(_) => {}
        }
    }

    /// Left in peace, all clients end up in one generation.
    fn settle(&mut self) {
        for _ in 0..60 {
            for index in 0..self.clients.len() {
                self.step(ClientStep::Act(index));
            }
            self.rig.pass(2_000);
            (0..self.clients.len()).for_each(|index| self.listen(index));
        }
        let generations: Vec<_> = self
            .clients
            .iter()
            .map(|client| match client.phase {
                Phase::Stable(generation) => generation,
                _ => -1,
            })
            .collect();
        let first = generations[0];
        assert!(
            first > 0 && generations.iter().all(|g| *g == first),
            "{generations:?}"
        );
    }
}
