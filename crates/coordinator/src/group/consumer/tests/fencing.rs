//! Who is let in, and who is shut out.

use super::{Client, rig, settle};
use crate::group::ConsumerHeartbeat;
use once_wire::ErrorCode;

#[test]
fn strangers_are_told_what_is_missing() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    let stranger = Client {
        epoch: 3,
        ..Client::new("a")
    };
    assert_eq!(
        rig.beat(&stranger.brief()).err(),
        Some(ErrorCode::GroupIdNotFound)
    );
    assert_eq!(a.beat(&mut rig), Ok(()));
    let stranger = Client {
        epoch: 3,
        ..Client::new("b")
    };
    assert_eq!(
        rig.beat(&stranger.brief()).err(),
        Some(ErrorCode::UnknownMemberId)
    );
}

#[test]
fn a_request_that_makes_no_sense_is_refused_before_the_group_is_looked_at() {
    let mut rig = rig();
    let full = Client::new("a").full();
    let mistakes = [
        ConsumerHeartbeat {
            member_id: String::new(),
            ..full.clone()
        },
        ConsumerHeartbeat {
            group_id: String::new(),
            ..full.clone()
        },
        ConsumerHeartbeat {
            instance_id: Some(String::new()),
            ..full.clone()
        },
        ConsumerHeartbeat {
            rack_id: Some(String::new()),
            ..full.clone()
        },
        ConsumerHeartbeat {
            rebalance_timeout_ms: None,
            ..full.clone()
        },
        ConsumerHeartbeat {
            owned: None,
            ..full.clone()
        },
        ConsumerHeartbeat {
            subscribed_topics: None,
            ..full.clone()
        },
        ConsumerHeartbeat {
            member_epoch: -2,
            ..full.clone()
        },
        ConsumerHeartbeat {
            member_epoch: -3,
            ..full.clone()
        },
    ];
    for mistake in mistakes {
        assert_eq!(
            rig.beat(&mistake).err(),
            Some(ErrorCode::InvalidRequest),
            "{mistake:?}"
        );
    }
    let wish = ConsumerHeartbeat {
        server_assignor: Some("sticky".to_owned()),
        ..full
    };
    assert_eq!(rig.beat(&wish).err(), Some(ErrorCode::UnsupportedAssignor));
    assert!(rig.live.list().is_empty());
}

#[test]
fn an_epoch_that_is_not_the_members_is_fenced() {
    let (mut rig, mut a, mut b) = (rig(), Client::new("a"), Client::new("b"));
    settle(&mut rig, &mut [&mut a, &mut b]);
    for epoch in [a.epoch + 1, a.epoch - 1] {
        let command = ConsumerHeartbeat {
            member_epoch: epoch,
            ..a.brief()
        };
        assert_eq!(rig.beat(&command).err(), Some(ErrorCode::FencedMemberEpoch));
    }
}

#[test]
fn the_epoch_before_is_accepted_if_the_answer_may_have_been_lost() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    assert_eq!(a.beat(&mut rig), Ok(()));
    let lost = rig.beat(&ConsumerHeartbeat {
        subscribed_topics: Some(["u".to_owned()].into()),
        owned: Some(a.owned.clone()),
        ..a.brief()
    });
    assert!(lost.is_ok());
    a.owned.clear();
    let lost = rig.beat(&ConsumerHeartbeat {
        owned: Some(a.owned.clone()),
        ..a.brief()
    });
    assert_eq!(lost.map(|reply| reply.member_epoch), Ok(3));
    let retry = rig.beat(&ConsumerHeartbeat {
        owned: Some(a.owned.clone()),
        ..a.brief()
    });
    assert_eq!(retry.map(|reply| reply.member_epoch), Ok(3));
}

#[test]
fn a_member_may_join_again_under_its_own_id() {
    let (mut rig, mut a) = (rig(), Client::new("a"));
    settle(&mut rig, &mut [&mut a]);
    let mut again = Client::new("a");
    assert_eq!(again.beat(&mut rig), Ok(()));
    assert_eq!((again.epoch, again.count()), (a.epoch, 6));
}

#[test]
fn an_instance_id_belongs_to_one_member_until_that_one_lets_go() {
    let mut rig = rig();
    let with_instance = |id| Client {
        instance_id: Some("i"),
        ..Client::new(id)
    };
    let (mut a, mut b, mut other) = (with_instance("a"), with_instance("b"), Client::new("c"));
    settle(&mut rig, &mut [&mut a, &mut other]);
    let (epoch, owned) = (a.epoch, a.owned.clone());
    assert_eq!(b.beat(&mut rig), Err(ErrorCode::UnreleasedInstanceId));

    assert_eq!(a.leave(&mut rig, -2), Ok(()));
    assert_eq!(other.beat(&mut rig), Ok(()));
    assert_eq!(
        other.count(),
        3,
        "nothing moves while the static member is away"
    );
    assert_eq!(b.beat(&mut rig), Ok(()));
    assert_eq!(
        (b.epoch, &b.owned),
        (epoch, &owned),
        "its successor has what it had"
    );

    let ghost = Client {
        epoch,
        ..with_instance("a")
    };
    assert_eq!(
        rig.beat(&ghost.brief()).err(),
        Some(ErrorCode::FencedInstanceId)
    );
    let leaving = ConsumerHeartbeat {
        member_epoch: -1,
        ..ghost.brief()
    };
    assert_eq!(rig.beat(&leaving).err(), Some(ErrorCode::FencedInstanceId));
    let nobody = Client {
        instance_id: Some("j"),
        epoch,
        ..Client::new("a")
    };
    assert_eq!(
        rig.beat(&nobody.brief()).err(),
        Some(ErrorCode::UnknownMemberId)
    );
}

#[test]
fn a_static_member_that_stays_away_loses_its_place() {
    let mut rig = rig();
    let mut a = Client {
        instance_id: Some("i"),
        ..Client::new("a")
    };
    let mut other = Client::new("c");
    settle(&mut rig, &mut [&mut a, &mut other]);
    assert_eq!(a.leave(&mut rig, -2), Ok(()));
    rig.pass(40_000);
    assert_eq!(other.beat(&mut rig), Ok(()));
    rig.pass(5_001);
    assert_eq!(other.beat(&mut rig), Ok(()));
    assert_eq!(other.count(), 6);
}
