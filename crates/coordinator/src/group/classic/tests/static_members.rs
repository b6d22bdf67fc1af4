//! Members with a `group.instance.id` (KIP-345).

use super::{is_parked, rig, state};
use crate::group::tests::rig::{Rig, committer, join, sync};
use crate::group::{ClassicState, Command, Committer, Join, Leave, LeavingMember, Reply};
use once_wire::ErrorCode;

fn join_static(client: &str, member_id: &str) -> Join {
    Join {
        instance_id: Some("i".to_owned()),
        ..join(client, member_id)
    }
}

fn stable() -> (Rig, String) {
    let mut rig = rig();
    let waiter = rig.ask(&Command::Join(join_static("a", "")));
    let member = rig.joined(waiter).member_id;
    assert!(member.starts_with("i-"));
    let waiter = rig.ask(&sync(&member, 1, &[(member.as_str(), "all")]));
    assert!(rig.synced(waiter).is_ok());
    (rig, member)
}

#[test]
fn one_that_comes_back_keeps_its_assignment_without_a_rebalance() {
    let (mut rig, old) = stable();
    let waiter = rig.ask(&Command::Join(join_static("b", "")));
    let back = rig.joined(waiter);
    assert_eq!((back.error, back.generation), (ErrorCode::None, 1));
    assert!(back.skip_assignment, "the leader need not assign");
    assert_ne!(back.member_id, old);
    rig.crash();
    let waiter = rig.ask(&sync(&back.member_id, 1, &[]));
    assert_eq!(
        rig.synced(waiter).map(|reply| reply.assignment),
        Ok("all".into())
    );
}

#[test]
fn the_one_that_was_replaced_is_fenced() {
    let (mut rig, old) = stable();
    let waiter = rig.ask(&Command::Join(join_static("b", "")));
    rig.joined(waiter);
    let old_self = Committer {
        instance_id: Some("i".to_owned()),
        ..committer(&old, 1)
    };
    assert_eq!(
        rig.commit(old_self.clone(), 1),
        Err(ErrorCode::FencedInstanceId)
    );
    assert_eq!(
        rig.txn_commit(9, old_self, 1),
        Err(ErrorCode::FencedInstanceId)
    );
}

#[test]
fn one_that_is_replaced_while_it_waits_is_told() {
    let (mut rig, old) = stable();
    let other = rig.ask(&Command::Join(join("c", "")));
    let waits = rig.ask(&Command::Join(join_static("a", &old)));
    assert_eq!(rig.joined(waits).generation, 2);
    rig.joined(other);
    rig.ask(&sync(&old, 2, &[]));
    let again = rig.ask(&Command::Join(join_static("a", &old)));
    let replaced = rig.ask(&Command::Join(join_static("b", "")));
    assert_eq!(rig.joined(again).error, ErrorCode::FencedInstanceId);
    assert!(
        is_parked(&mut rig, replaced),
        "the dynamic member has to join again"
    );
}

#[test]
fn one_that_is_away_keeps_its_place_until_its_session_ends() {
    let (mut rig, old) = stable();
    rig.pass(9_000);
    assert_eq!(rig.heartbeat(&old, 1), ErrorCode::None);
    rig.pass(10_001);
    assert_eq!(rig.heartbeat(&old, 1), ErrorCode::UnknownMemberId);
}

#[test]
fn an_administrator_removes_one_by_its_instance_id() {
    let (mut rig, _) = stable();
    let leave = |instance_id: &str| {
        let instance_id = Some(instance_id.to_owned());
        let member = LeavingMember {
            member_id: String::new(),
            instance_id,
        };
        Command::Leave(Leave {
            group_id: "g".to_owned(),
            members: vec![member],
        })
    };
    for (instance_id, expected) in [("i", ErrorCode::None), ("i", ErrorCode::UnknownMemberId)] {
        match rig.call(&leave(instance_id)) {
            Reply::Leave(Ok(left)) => assert_eq!(left[0].error, expected),
            other => panic!("not a leave's answer: {other:?}"),
        }
    }
    assert_eq!(state(&rig), ClassicState::Empty);
}
