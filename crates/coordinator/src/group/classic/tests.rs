use crate::group::tests::rig::{Rig, committer, join, nobody, subscription, sync};
use crate::group::{ClassicProtocol, ClassicState, Command, GroupConfig, Join};
use crate::machine::Waiter;
use once_wire::ErrorCode;

mod static_members;

fn rig() -> Rig {
    Rig::quick(&[("t", 3)])
}

/// One member, alone and stable in generation 1.
fn alone() -> (Rig, String) {
    let mut rig = rig();
    let waiter = rig.ask(&Command::Join(join("a", "")));
    let member = rig.joined(waiter).member_id;
    let waiter = rig.ask(&sync(&member, 1, &[(member.as_str(), "all")]));
    assert_eq!(
        rig.synced(waiter).map(|reply| reply.assignment),
        Ok("all".into())
    );
    (rig, member)
}

/// Two members, stable in generation 2; the first leads.
fn pair() -> (Rig, String, String) {
    let (mut rig, first) = alone();
    let second = rig.ask(&Command::Join(join("b", "")));
    assert_eq!(rig.heartbeat(&first, 1), ErrorCode::RebalanceInProgress);
    let again = rig.ask(&Command::Join(join("a", &first)));
    let (leader, follower) = (rig.joined(again), rig.joined(second));
    assert_eq!((leader.generation, follower.generation), (2, 2));
    assert_eq!(
        (leader.leader.as_ref(), leader.members.len()),
        (Some(&first), 2)
    );
    assert_eq!(
        (follower.leader.as_ref(), follower.members.len()),
        (Some(&first), 0)
    );
    let second = follower.member_id;
    let waits = rig.ask(&sync(&second, 2, &[]));
    let speaks = rig.ask(&sync(
        &first,
        2,
        &[(first.as_str(), "x"), (second.as_str(), "y")],
    ));
    assert_eq!(
        rig.synced(waits).map(|reply| reply.assignment),
        Ok("y".into())
    );
    assert_eq!(
        rig.synced(speaks).map(|reply| reply.assignment),
        Ok("x".into())
    );
    (rig, first, second)
}

fn state(rig: &Rig) -> ClassicState {
    rig.live
        .describe_classic("g")
        .expect("the group is there")
        .state
}

fn is_parked(rig: &mut Rig, waiter: Waiter) -> bool {
    rig.answer(waiter).is_none()
}

#[test]
fn a_new_member_is_told_its_id_and_comes_back_with_it() {
    let mut rig = rig();
    let unknown = Join {
        require_known_member_id: true,
        ..join("a", "")
    };
    let waiter = rig.ask(&Command::Join(unknown.clone()));
    let told = rig.joined(waiter);
    assert_eq!(told.error, ErrorCode::MemberIdRequired);
    assert!(told.member_id.starts_with("a-"));
    assert_eq!(told.member_id.len(), "a-".len() + 36);
    let waiter = rig.ask(&Command::Join(Join {
        member_id: told.member_id.clone(),
        ..unknown
    }));
    let joined = rig.joined(waiter);
    assert_eq!((joined.error, joined.generation), (ErrorCode::None, 1));
    assert_eq!(joined.leader, Some(told.member_id));
    assert_eq!(joined.members[0].metadata, subscription(&["t"]));
}

#[test]
fn a_member_that_was_told_its_id_and_stays_away_is_forgotten() {
    let mut rig = rig();
    let unknown = Join {
        require_known_member_id: true,
        ..join("a", "")
    };
    let waiter = rig.ask(&Command::Join(unknown.clone()));
    let told = rig.joined(waiter);
    rig.pass(10_001);
    let waiter = rig.ask(&Command::Join(Join {
        member_id: told.member_id,
        ..unknown
    }));
    assert_eq!(rig.joined(waiter).error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_first_rebalance_waits_for_more_members_but_not_for_ever() {
    let mut rig = Rig::new(GroupConfig::default());
    let first = rig.ask(&Command::Join(Join {
        rebalance_timeout_ms: 5_000,
        ..join("a", "")
    }));
    rig.pass(2_000);
    let second = rig.ask(&Command::Join(Join {
        rebalance_timeout_ms: 5_000,
        ..join("b", "")
    }));
    rig.pass(2_500);
    assert!(is_parked(&mut rig, first), "the second extended the delay");
    rig.pass(500);
    assert_eq!(rig.joined(first).generation, 1);
    assert_eq!(rig.joined(second).generation, 1);
}

#[test]
fn every_member_gets_what_the_leader_said_and_nothing_if_left_out() {
    let (mut rig, first, second) = pair();
    let again = rig.ask(&Command::Join(join("a", &first)));
    let follows = rig.ask(&Command::Join(join("b", &second)));
    assert_eq!(
        (rig.joined(again).generation, rig.joined(follows).generation),
        (3, 3)
    );
    let speaks = rig.ask(&sync(
        &first,
        3,
        &[(first.as_str(), "z"), ("stranger", "q")],
    ));
    assert_eq!(
        rig.synced(speaks).map(|reply| reply.assignment),
        Ok("z".into())
    );
    let late = rig.ask(&sync(&second, 3, &[]));
    assert_eq!(
        rig.synced(late).map(|reply| reply.assignment),
        Ok("".into())
    );
}

#[test]
fn an_assignment_is_kept_across_a_crash_and_members_have_a_session_to_come_back() {
    let (mut rig, first, second) = pair();
    rig.crash();
    rig.pass(9_000);
    assert_eq!(rig.heartbeat(&first, 2), ErrorCode::None);
    let waiter = rig.ask(&sync(&second, 2, &[]));
    assert_eq!(
        rig.synced(waiter).map(|reply| reply.assignment),
        Ok("y".into())
    );
    rig.pass(2_000);
    assert_eq!(
        rig.heartbeat(&second, 2),
        ErrorCode::UnknownMemberId,
        "a sync is no heartbeat"
    );
}

#[test]
fn a_generation_without_an_assignment_does_not_survive_a_crash() {
    let (mut rig, first) = alone();
    let again = rig.ask(&Command::Join(join("a", &first)));
    assert_eq!(rig.joined(again).generation, 2);
    rig.crash();
    assert_eq!(rig.heartbeat(&first, 2), ErrorCode::IllegalGeneration);
    assert_eq!(rig.heartbeat(&first, 1), ErrorCode::None);
}

#[test]
fn a_member_that_falls_silent_is_out_and_the_rest_rebalance() {
    let (mut rig, first, second) = pair();
    rig.pass(6_000);
    assert_eq!(rig.heartbeat(&first, 2), ErrorCode::None);
    rig.pass(6_000);
    assert_eq!(rig.heartbeat(&second, 2), ErrorCode::UnknownMemberId);
    assert_eq!(rig.heartbeat(&first, 2), ErrorCode::RebalanceInProgress);
    let again = rig.ask(&Command::Join(join("a", &first)));
    assert_eq!(rig.joined(again).generation, 3);
}

#[test]
fn a_member_that_does_not_rejoin_in_time_is_left_behind() {
    let (mut rig, first, second) = pair();
    let again = rig.ask(&Command::Join(join("a", &first)));
    for _ in 0..6 {
        rig.pass(9_990);
        assert_eq!(rig.heartbeat(&second, 2), ErrorCode::RebalanceInProgress);
    }
    assert!(is_parked(&mut rig, again));
    rig.pass(100);
    let joined = rig.joined(again);
    assert_eq!((joined.generation, joined.members.len()), (3, 1));
    assert_eq!(rig.heartbeat(&second, 2), ErrorCode::UnknownMemberId);
}

#[test]
fn if_the_leader_stays_away_another_leads() {
    let (mut rig, first, second) = pair();
    let third = rig.ask(&Command::Join(join("c", "")));
    let again = rig.ask(&Command::Join(join("b", &second)));
    rig.pass(10_001);
    let (second, third) = (rig.joined(again), rig.joined(third));
    assert_eq!(second.leader, third.leader);
    assert_ne!(second.leader, Some(first));
    assert_eq!(
        second.members.len() + third.members.len(),
        2,
        "the leader sees the members"
    );
}

#[test]
fn members_that_never_ask_for_their_assignment_are_out() {
    let (mut rig, first, second) = pair();
    let again = rig.ask(&Command::Join(join("a", &first)));
    let follows = rig.ask(&Command::Join(join("b", &second)));
    rig.joined(again);
    rig.joined(follows);
    let speaks = rig.ask(&sync(&first, 3, &[]));
    assert!(rig.synced(speaks).is_ok());
    for _ in 0..6 {
        rig.pass(9_995);
        assert_eq!(rig.heartbeat(&second, 3), ErrorCode::None);
        assert_eq!(rig.heartbeat(&first, 3), ErrorCode::None);
    }
    rig.pass(100);
    assert_eq!(rig.heartbeat(&second, 3), ErrorCode::UnknownMemberId);
    assert_eq!(rig.heartbeat(&first, 3), ErrorCode::RebalanceInProgress);
}

#[test]
fn who_waits_for_an_assignment_that_will_not_come_must_join_again() {
    let (mut rig, first, second) = pair();
    let again = rig.ask(&Command::Join(join("a", &first)));
    let follows = rig.ask(&Command::Join(join("b", &second)));
    rig.joined(again);
    rig.joined(follows);
    let waits = rig.ask(&sync(&second, 3, &[]));
    assert_eq!(rig.leave(&first), ErrorCode::None);
    assert_eq!(rig.synced(waits), Err(ErrorCode::RebalanceInProgress));
}

#[test]
fn the_last_to_leave_empties_the_group_durably() {
    let (mut rig, first, second) = pair();
    assert_eq!(rig.leave(&first), ErrorCode::None);
    assert_eq!(rig.leave(&second), ErrorCode::None);
    assert_eq!(state(&rig), ClassicState::Empty);
    rig.crash();
    assert_eq!(state(&rig), ClassicState::Empty);
    assert_eq!(rig.leave(&first), ErrorCode::UnknownMemberId);
    let waiter = rig.ask(&Command::Join(join("c", "")));
    assert!(
        rig.joined(waiter).generation > 2,
        "generations never go back"
    );
}

#[test]
fn an_unchanged_follower_that_joins_again_gets_the_same_generation() {
    let (mut rig, _, second) = pair();
    let waiter = rig.ask(&Command::Join(join("b", &second)));
    assert_eq!(rig.joined(waiter).generation, 2);
    assert_eq!(state(&rig), ClassicState::Stable);
}

#[test]
fn a_member_whose_subscription_changed_starts_a_rebalance() {
    let (mut rig, first, second) = pair();
    let mut changed = join("b", &second);
    changed.protocols[0].metadata = subscription(&["t", "u"]);
    let follows = rig.ask(&Command::Join(changed));
    let again = rig.ask(&Command::Join(join("a", &first)));
    assert_eq!(rig.joined(again).members.len(), 2);
    assert_eq!(rig.joined(follows).generation, 3);
}

#[test]
fn most_votes_among_common_protocols_decide() {
    let offers = |names: &[&str]| {
        let protocol = |name: &&str| ClassicProtocol {
            name: (*name).to_owned(),
            metadata: subscription(&["t"]),
        };
        names.iter().map(protocol).collect::<Vec<_>>()
    };
    let mut rig = Rig::new(GroupConfig::default());
    let wishes = [
        ("a", ["sticky", "range"]),
        ("b", ["range", "sticky"]),
        ("c", ["range", "x"]),
    ];
    let waiters = wishes.map(|(client, names)| {
        rig.ask(&Command::Join(Join {
            protocols: offers(&names),
            ..join(client, "")
        }))
    });
    rig.pass(7_000);
    for waiter in waiters {
        assert_eq!(rig.joined(waiter).protocol_name.as_deref(), Some("range"));
    }
    let alien = rig.ask(&Command::Join(Join {
        protocols: offers(&["x"]),
        ..join("d", "")
    }));
    assert_eq!(
        rig.joined(alien).error,
        ErrorCode::InconsistentGroupProtocol
    );
}

#[test]
fn the_group_has_a_greatest_size() {
    let config = GroupConfig {
        max_size: 1,
        initial_rebalance_delay_ms: 0,
        ..GroupConfig::default()
    };
    let mut rig = Rig::new(config);
    let first = rig.ask(&Command::Join(join("a", "")));
    assert_eq!(rig.joined(first).error, ErrorCode::None);
    let second = rig.ask(&Command::Join(join("b", "")));
    assert_eq!(rig.joined(second).error, ErrorCode::GroupMaxSizeReached);
}

#[test]
fn joins_are_refused_without_a_group_id_or_with_a_strange_session_timeout() {
    let mut rig = rig();
    let nameless = rig.ask(&Command::Join(Join {
        group_id: String::new(),
        ..join("a", "")
    }));
    assert_eq!(rig.joined(nameless).error, ErrorCode::InvalidGroupId);
    let hasty = rig.ask(&Command::Join(Join {
        session_timeout_ms: 5_999,
        ..join("a", "")
    }));
    assert_eq!(rig.joined(hasty).error, ErrorCode::InvalidSessionTimeout);
    assert!(rig.live.list().is_empty());
}

#[test]
fn only_members_of_the_generation_commit_and_not_before_it_is_complete() {
    let (mut rig, first, second) = pair();
    assert_eq!(rig.commit(committer(&second, 2), 1), Ok(()));
    assert_eq!(
        rig.commit(committer(&second, 1), 1),
        Err(ErrorCode::IllegalGeneration)
    );
    assert_eq!(
        rig.commit(committer("x", 2), 1),
        Err(ErrorCode::UnknownMemberId)
    );
    assert_eq!(rig.commit(nobody(), 1), Err(ErrorCode::UnknownMemberId));
    let again = rig.ask(&Command::Join(join("a", &first)));
    assert_eq!(
        rig.commit(committer(&second, 2), 2),
        Ok(()),
        "members finish their work"
    );
    let follows = rig.ask(&Command::Join(join("b", &second)));
    rig.joined(again);
    rig.joined(follows);
    assert_eq!(
        rig.commit(committer(&second, 3), 3),
        Err(ErrorCode::RebalanceInProgress)
    );
}

#[test]
fn a_transaction_commits_in_any_state_if_the_generation_is_right_or_unnamed() {
    let (mut rig, first, second) = pair();
    let again = rig.ask(&Command::Join(join("a", &first)));
    let follows = rig.ask(&Command::Join(join("b", &second)));
    rig.joined(again);
    rig.joined(follows);
    assert_eq!(rig.txn_commit(9, committer(&second, 3), 1), Ok(()));
    assert_eq!(
        rig.txn_commit(9, committer(&second, 2), 1),
        Err(ErrorCode::IllegalGeneration)
    );
    assert_eq!(
        rig.txn_commit(9, committer("x", 3), 1),
        Err(ErrorCode::UnknownMemberId)
    );
    assert_eq!(
        rig.txn_commit(9, nobody(), 1),
        Ok(()),
        "clients before KIP-447"
    );
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let (mut rig, first) = alone();
    for offset in 0..5 {
        rig.pass(9_000);
        assert_eq!(rig.commit(committer(&first, 1), offset), Ok(()));
    }
}

impl super::state::ClassicGroup {
    /// What holds of every group at every moment.
    pub(crate) fn assert_laws(&self) {
        let preparing = self.state == ClassicState::PreparingRebalance;
        assert_eq!(self.join_phase.is_some(), preparing);
        assert_eq!(self.leader.is_some(), !self.members.is_empty());
        assert!(
            self.leader
                .iter()
                .all(|leader| self.members.contains_key(leader))
        );
        assert!(
            self.pending_sync
                .iter()
                .all(|id| self.members.contains_key(id))
        );
        assert!(
            self.pending_join
                .keys()
                .all(|id| !self.members.contains_key(id))
        );
        assert!(self.sync_deadline.is_none() || !preparing);
        assert_eq!(
            self.state == ClassicState::Empty,
            self.members.is_empty() && !preparing
        );
        let statics = self.members.iter();
        let statics = statics.filter_map(|(id, member)| Some((member.instance_id.as_ref()?, id)));
        assert!(
            statics
                .clone()
                .all(|(instance, id)| self.static_members.get(instance) == Some(id))
        );
        assert_eq!(statics.count(), self.static_members.len());
        for member in self.members.values() {
            assert!(
                member.awaiting_join.is_none() || preparing,
                "joins wait for a generation"
            );
            let completing = self.state == ClassicState::CompletingRebalance;
            assert!(
                member.awaiting_sync.is_none() || completing,
                "syncs wait for the leader"
            );
        }
    }

    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }
}

#[test]
fn a_rebalance_timeout_below_zero_is_none_at_all() {
    let mut rig = Rig::new(GroupConfig::default());
    rig.set_topics(&[("t", 1)]);
    let waiter = rig.ask(&Command::Join(Join {
        rebalance_timeout_ms: i32::MIN,
        ..join("c", "")
    }));
    rig.pass(3_000);
    let joined = rig.joined(waiter);
    assert_eq!((joined.error, joined.generation), (ErrorCode::None, 1));
}

/// The record of a generation reads back as it was written, which the rig sees to.
#[test]
fn a_rebalance_timeout_below_zero_is_not_taken_for_a_missing_one() {
    let mut rig = rig();
    let waiter = rig.ask(&Command::Join(Join {
        rebalance_timeout_ms: -1,
        ..join("c", "")
    }));
    let member = rig.joined(waiter).member_id;
    let waiter = rig.ask(&sync(&member, 1, &[(member.as_str(), "all")]));
    assert!(rig.synced(waiter).is_ok());
    rig.crash();
    assert_eq!(rig.state(), Some(ClassicState::Stable));
}
