use super::state::{ConsumerState, Partitions};
use crate::group::tests::rig::{Rig, committer, join, nobody, sync, topic_id};
use crate::group::{Command, ConsumerHeartbeat, ConsumerHeartbeatReply, GroupConfig};
use once_wire::ErrorCode;
use std::collections::BTreeSet;

mod fencing;
mod subscriptions;

/// A member as a client drives it: it reports what it has, and takes what it is told.
struct Client {
    id: &'static str,
    instance_id: Option<&'static str>,
    topics: &'static [&'static str],
    epoch: i32,
    owned: Partitions,
}

impl Client {
    fn new(id: &'static str) -> Self {
        Self {
            id,
            instance_id: None,
            topics: &["t"],
            epoch: 0,
            owned: Partitions::new(),
        }
    }

    /// All that a member says when it joins.
    fn full(&self) -> ConsumerHeartbeat {
        ConsumerHeartbeat {
            rebalance_timeout_ms: Some(30_000),
            subscribed_topics: Some(self.topics.iter().map(ToString::to_string).collect()),
            owned: Some(self.owned.clone()),
            ..self.brief()
        }
    }

    /// What it says when nothing changed.
    fn brief(&self) -> ConsumerHeartbeat {
        ConsumerHeartbeat {
            group_id: "g".to_owned(),
            member_id: self.id.to_owned(),
            member_epoch: self.epoch,
            instance_id: self.instance_id.map(str::to_owned),
            rack_id: None,
            rebalance_timeout_ms: None,
            subscribed_topics: None,
            subscribed_regex: None,
            server_assignor: None,
            owned: None,
            origin: crate::group::MemberOrigin::default(),
        }
    }

    /// One round; the client does at once what it is told.
    fn beat(&mut self, rig: &mut Rig) -> Result<(), ErrorCode> {
        let command = match self.epoch {
            0 => self.full(),
            _ => ConsumerHeartbeat {
                owned: Some(self.owned.clone()),
                ..self.brief()
            },
        };
        let reply = rig.beat(&command)?;
        self.take(reply);
        Ok(())
    }

    fn take(&mut self, reply: ConsumerHeartbeatReply) {
        self.epoch = reply.member_epoch;
        if let Some(assignment) = reply.assignment {
            self.owned = assignment;
        }
    }

    fn leave(&mut self, rig: &mut Rig, epoch: i32) -> Result<(), ErrorCode> {
        let command = ConsumerHeartbeat {
            member_epoch: epoch,
            ..self.brief()
        };
        let reply = rig.beat(&command)?;
        assert_eq!((reply.member_epoch, reply.assignment), (epoch, None));
        (self.epoch, self.owned) = (0, Partitions::new());
        Ok(())
    }

    fn count(&self) -> usize {
        self.owned.values().map(BTreeSet::len).sum()
    }
}

fn rig() -> Rig {
    Rig::quick(&[("t", 6), ("u", 2)])
}

fn state(rig: &Rig) -> ConsumerState {
    rig.live
        .describe_consumer("g")
        .expect("the group is there")
        .state
}

/// Lets everyone beat until all is quiet.
fn settle(rig: &mut Rig, clients: &mut [&mut Client]) {
    for _ in 0..10 {
        for client in clients.iter_mut() {
            assert_eq!(client.beat(rig), Ok(()));
        }
    }
    assert_eq!(state(rig), ConsumerState::Stable);
}

#[test]
fn a_lone_member_gets_everything_with_its_first_heartbeat() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!((a.epoch, a.count()), (2, 6), "Kafka's first epoch");
    assert_eq!(a.owned.keys().copied().collect::<Vec<_>>(), [topic_id("t")]);
    assert_eq!(state(&rig), ConsumerState::Stable);
}

#[test]
fn a_partition_is_given_only_after_it_was_given_back() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert_eq!((b.epoch, b.count()), (3, 0), "all is still with the first");
    let told = rig.beat(&a.brief()).expect("a member");
    let kept = told.assignment.expect("it must give back");
    assert_eq!(kept.values().map(BTreeSet::len).sum::<usize>(), 3);
    assert_eq!(
        told.member_epoch, 2,
        "its epoch moves when it has given back"
    );
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert_eq!(b.count(), 0);
    a.owned = kept;
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!((a.epoch, a.count()), (3, 3));
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert_eq!((b.epoch, b.count()), (3, 3));
    assert_eq!(state(&rig), ConsumerState::Stable);
}

#[test]
fn all_of_it_is_in_the_log() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    settle(&mut rig, &mut [&mut a, &mut b]);
    let before = rig.live.describe_consumer("g");
    rig.crash();
    assert_eq!(rig.live.describe_consumer("g"), before);
    rig.pass(40_000);
    settle(&mut rig, &mut [&mut a, &mut b]);
    assert_eq!(
        rig.live.describe_consumer("g"),
        before,
        "nobody had to rejoin"
    );
}

#[test]
fn who_leaves_makes_room_at_once() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    settle(&mut rig, &mut [&mut a, &mut b]);
    assert_eq!(b.leave(&mut rig, -1), Ok(()));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!((a.epoch, a.count()), (4, 6));
    assert_eq!(a.leave(&mut rig, -1), Ok(()));
    assert_eq!(state(&rig), ConsumerState::Empty);
}

#[test]
fn a_silent_member_is_fenced_when_its_session_ends() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    settle(&mut rig, &mut [&mut a, &mut b]);
    rig.pass(30_000);
    assert_eq!(a.beat(&mut rig), Ok(()));
    rig.pass(15_001);
    assert_eq!(b.beat(&mut rig), Err(ErrorCode::UnknownMemberId));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(a.count(), 6);
}

#[test]
fn a_member_that_keeps_what_it_must_give_back_is_fenced() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert!(rig.beat(&a.brief()).is_ok());
    rig.pass(29_000);
    assert!(rig.beat(&a.brief()).is_ok(), "it is alive, but holds on");
    rig.pass(1_001);
    assert_eq!(a.beat(&mut rig), Err(ErrorCode::UnknownMemberId));
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert_eq!(b.count(), 6);
}

#[test]
fn the_restart_of_a_broker_gives_the_whole_time_to_give_back() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert!(rig.beat(&a.brief()).is_ok());
    rig.pass(29_000);
    rig.crash();
    rig.pass(29_000);
    assert!(rig.beat(&a.brief()).is_ok());
    rig.pass(2_000);
    assert_eq!(a.beat(&mut rig), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn most_heartbeats_write_nothing() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    settle(&mut rig, &mut [&mut a]);
    let before = rig.live.durable();
    for _ in 0..100 {
        rig.pass(3_000);
        assert_eq!(a.beat(&mut rig), Ok(()));
    }
    assert_eq!(rig.live.durable(), before);
    assert_eq!(a.epoch, 2);
}

#[test]
fn a_group_of_one_protocol_is_not_there_for_the_other_while_it_has_members() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    let waiter = rig.ask(&Command::Join(join("c", "")));
    let classic = rig.joined(waiter).member_id;
    assert_eq!(a.beat(&mut rig), Err(ErrorCode::GroupIdNotFound));
    assert_eq!(rig.leave(&classic), ErrorCode::None);
    assert_eq!(rig.commit(nobody(), 5), Ok(()));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(rig.fetch(true).offset, 5, "the group's offsets stay");
    let waiter = rig.ask(&Command::Join(join("c", "")));
    assert_eq!(
        rig.joined(waiter).error,
        ErrorCode::InconsistentGroupProtocol
    );
    assert_eq!(rig.heartbeat("c", 1), ErrorCode::UnknownMemberId);
    let waiter = rig.ask(&sync("c", 1, &[]));
    assert_eq!(rig.synced(waiter), Err(ErrorCode::UnknownMemberId));
    assert_eq!(a.leave(&mut rig, -1), Ok(()));
    let waiter = rig.ask(&Command::Join(join("c", "")));
    assert_eq!(rig.joined(waiter).error, ErrorCode::None);
    assert_eq!(rig.fetch(true).offset, 5, "the group's offsets stay");
    rig.crash();
    assert!(rig.live.describe_consumer("g").is_none());
}

#[test]
fn the_group_has_a_greatest_size() {
    let mut rig = Rig::new(GroupConfig {
        consumer_max_size: 1,
        ..GroupConfig::default()
    });
    rig.set_topics(&[("t", 1)]);
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(b.beat(&mut rig), Err(ErrorCode::GroupMaxSizeReached));
    assert_eq!(a.beat(&mut rig), Ok(()));
}

#[test]
fn members_commit_with_their_epoch_or_an_older_one_of_the_partitions_they_kept() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(rig.commit(committer("a", 2), 1), Ok(()));
    settle(&mut rig, &mut [&mut a, &mut b]);
    assert_eq!(a.epoch, 3);
    let kept = a.owned[&topic_id("t")].contains(&0);
    let (holder, other) = if kept { ("a", "b") } else { ("b", "a") };
    assert_eq!(rig.commit(committer(holder, 3), 1), Ok(()));
    assert_eq!(
        rig.commit(committer(other, 3), 1),
        Ok(()),
        "the current epoch is not asked more"
    );
    assert_eq!(
        rig.commit(committer(other, 2), 1),
        Err(ErrorCode::StaleMemberEpoch)
    );
    let old = if kept {
        Ok(())
    } else {
        Err(ErrorCode::StaleMemberEpoch)
    };
    assert_eq!(rig.commit(committer(holder, 2), 1), old);
    assert_eq!(
        rig.commit(committer("a", 4), 1),
        Err(ErrorCode::StaleMemberEpoch)
    );
    assert_eq!(
        rig.commit(committer("x", 3), 1),
        Err(ErrorCode::UnknownMemberId)
    );
    assert_eq!(rig.commit(nobody(), 1), Err(ErrorCode::UnknownMemberId));
    assert_eq!(rig.txn_commit(9, committer("a", 3), 1), Ok(()));
    assert_eq!(
        rig.txn_commit(9, committer("a", 4), 1),
        Err(ErrorCode::IllegalGeneration)
    );
    assert_eq!(
        rig.txn_commit(9, nobody(), 1),
        Ok(()),
        "clients before KIP-447"
    );
}

impl super::state::ConsumerGroup {
    /// What holds of every group at every moment.
    pub(crate) fn assert_laws(&self) {
        assert!(self.target_epoch <= self.epoch);
        let mut holders = BTreeSet::new();
        for (member_id, member) in &self.members {
            let current = &member.current;
            assert!(current.epoch <= self.target_epoch);
            assert!(current.previous_epoch <= current.epoch || member.is_away());
            for owned in [&current.assigned, &current.revoking] {
                for (topic_id, partitions) in owned {
                    assert!(!partitions.is_empty());
                    for (partition, since) in partitions {
                        let new = holders.insert((topic_id, partition));
                        assert!(
                            new,
                            "{topic_id}-{partition} has two owners, {member_id} is one"
                        );
                        assert!(*since <= self.target_epoch);
                    }
                }
            }
            let must_revoke = current.state == super::state::MemberState::UnrevokedPartitions;
            assert!(must_revoke || current.revoking.is_empty());
        }
        for (instance_id, member_id) in &self.static_members {
            let member = &self.members[member_id];
            assert_eq!(member.record.instance_id.as_ref(), Some(instance_id));
        }
        assert!(self.targets.keys().all(|id| self.members.contains_key(id)));
    }

    pub(crate) fn epoch(&self) -> i32 {
        self.epoch
    }
}
