//! What members want, and what that leads to.

use super::{Client, rig, settle, state};
use crate::group::ConsumerHeartbeat;
use crate::group::consumer::ConsumerState;
use crate::group::event::{ConsumerEvent, Event};
use crate::group::groups::Group;
use crate::group::tests::rig::topic_id;
use once_wire::ErrorCode;

#[test]
fn a_topic_that_grows_or_appears_is_shared_out_at_the_next_heartbeat() {
    let mut rig = rig();
    let mut a = Client {
        topics: &["t", "new"],
        ..Client::new("a")
    };
    settle(&mut rig, &mut [&mut a]);
    assert_eq!((a.epoch, a.count()), (2, 6));
    rig.set_topics(&[("t", 8), ("u", 2)]);
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!((a.epoch, a.count()), (3, 8));
    rig.set_topics(&[("t", 8), ("u", 2), ("new", 1)]);
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!((a.epoch, a.count()), (4, 9));
}

#[test]
fn a_topic_that_is_gone_is_taken_from_members() {
    let mut rig = rig();
    let mut a = Client {
        topics: &["t", "u"],
        ..Client::new("a")
    };
    settle(&mut rig, &mut [&mut a]);
    assert_eq!(a.count(), 8);
    rig.set_topics(&[("u", 2)]);
    settle(&mut rig, &mut [&mut a]);
    assert_eq!(a.owned.keys().copied().collect::<Vec<_>>(), [topic_id("u")]);
}

#[test]
fn members_with_other_wishes_get_other_topics() {
    let mut rig = rig();
    let mut a = Client {
        topics: &["t"],
        ..Client::new("a")
    };
    let mut b = Client {
        topics: &["u"],
        ..Client::new("b")
    };
    settle(&mut rig, &mut [&mut a, &mut b]);
    assert_eq!((a.count(), b.count()), (6, 2));
}

#[test]
fn a_pattern_stands_for_the_topics_whose_whole_name_it_matches() {
    let mut rig = rig();
    rig.set_topics(&[("logs-a", 1), ("logs-b", 2), ("xlogs-c", 4)]);
    let mut a = Client::new("a");
    let pattern = |text: &str| Some(text.to_owned());
    let full = ConsumerHeartbeat {
        subscribed_topics: None,
        subscribed_regex: pattern("logs-.*"),
        ..a.full()
    };
    let reply = rig.beat(&full).expect("a valid pattern");
    a.take(reply);
    assert_eq!(a.count(), 3);
    rig.set_topics(&[("logs-a", 1), ("logs-b", 2), ("xlogs-c", 4), ("logs-d", 8)]);
    assert_eq!(a.beat(&mut rig), Ok(()));
    assert_eq!(a.count(), 11, "a topic that came later");
    rig.crash();
    settle(&mut rig, &mut [&mut a]);
    assert_eq!(a.count(), 11);
    let broken = ConsumerHeartbeat {
        subscribed_regex: pattern("("),
        ..a.brief()
    };
    assert_eq!(
        rig.beat(&broken).err(),
        Some(ErrorCode::InvalidRegularExpression)
    );
    let none = ConsumerHeartbeat {
        subscribed_regex: pattern(""),
        ..a.brief()
    };
    let reply = rig.beat(&none).expect("an end of the subscription");
    a.take(reply);
    settle(&mut rig, &mut [&mut a]);
    assert_eq!(a.count(), 0);
}

#[test]
fn the_assignor_that_most_members_want_is_used() {
    let mut rig = rig();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    settle(&mut rig, &mut [&mut a, &mut b]);
    let describe = |rig: &super::Rig| rig.live.describe_consumer("g").expect("there").assignor;
    assert_eq!(describe(&rig), "uniform");
    for client in [&mut a, &mut b] {
        let server_assignor = Some("range".to_owned());
        let owned = Some(client.owned.clone());
        let wish = ConsumerHeartbeat {
            server_assignor,
            owned,
            ..client.brief()
        };
        let reply = rig.beat(&wish).expect("on offer");
        client.take(reply);
    }
    assert_eq!(describe(&rig), "range");
    settle(&mut rig, &mut [&mut a, &mut b]);
    let of = |client: &Client| {
        client.owned[&topic_id("t")]
            .iter()
            .copied()
            .collect::<Vec<_>>()
    };
    assert_eq!((of(&a), of(&b)), (vec![0, 1, 2], vec![3, 4, 5]));
}

#[test]
fn a_member_without_any_topic_is_still_a_member() {
    let mut rig = rig();
    let mut a = Client {
        topics: &[],
        ..Client::new("a")
    };
    settle(&mut rig, &mut [&mut a]);
    assert_eq!(
        (a.epoch, a.count(), state(&rig)),
        (2, 0, ConsumerState::Stable)
    );
}

#[test]
fn one_heartbeat_brings_only_so_many_patterns_up_to_date_and_the_next_ones_the_rest() {
    const IDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let current = |rig: &super::Rig| {
        let version = rig.live.topics().fingerprint();
        let Some(Group::Consumer(group)) = rig.live.group("g") else {
            panic!("the group is there");
        };
        let resolved = group.regexes.values();
        resolved.filter(|one| one.version == version).count()
    };
    let mut rig = rig();
    let mut clients = IDS.map(Client::new);
    for (joined, client) in clients.iter_mut().enumerate() {
        let full = ConsumerHeartbeat {
            subscribed_topics: None,
            subscribed_regex: Some(format!("(a?){{80}}b{}", client.id)),
            ..client.full()
        };
        let reply = rig.beat(&full).expect("a valid pattern");
        client.take(reply);
        assert_eq!(current(&rig), joined + 1);
    }
    rig.set_topics(&[("t", 6), ("aaba", 2), ("bl", 1)]);
    assert_eq!(clients[0].beat(&mut rig), Ok(()));
    let some = current(&rig);
    assert!((1..IDS.len()).contains(&some), "{some} patterns at once");
    for client in &mut clients {
        assert_eq!(client.beat(&mut rig), Ok(()));
    }
    assert_eq!(current(&rig), IDS.len());
    let counts = clients.map(|client| client.count());
    assert_eq!(counts, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn a_pattern_that_a_log_brings_and_nobody_can_read_refuses_no_heartbeat() {
    let mut rig = rig();
    let mut a = Client::new("a");
    let full = ConsumerHeartbeat {
        subscribed_topics: None,
        subscribed_regex: Some("t".to_owned()),
        ..a.full()
    };
    let reply = rig.beat(&full).expect("a valid pattern");
    a.take(reply);
    let Some(Group::Consumer(group)) = rig.live.group("g") else {
        panic!("the group is there");
    };
    let mut record = group.members["a"].record.clone();
    record.subscribed_regex = Some("(".to_owned());
    rig.apply(&Event::Consumer {
        group_id: "g".to_owned(),
        event: ConsumerEvent::Member {
            member_id: "a".to_owned(),
            record: Some(record),
        },
    });
    assert_eq!(a.beat(&mut rig), Ok(()));
}
