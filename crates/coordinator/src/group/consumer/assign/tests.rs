use super::{Member, assign};
use crate::group::config::Assignor;
use crate::group::consumer::state::Partitions;
use crate::group::topics::TopicInfo;
use once_wire::Uuid;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Members = BTreeMap<String, Member>;
type Topics = BTreeMap<Uuid, TopicInfo>;

fn topic(index: u8) -> Uuid {
    Uuid([index + 1; 16])
}

fn topics(counts: &[i32]) -> Topics {
    let ids = (0..).map(topic);
    ids.zip(counts)
        .map(|(id, partitions)| {
            (
                id,
                TopicInfo {
                    id,
                    partitions: *partitions,
                },
            )
        })
        .collect()
}

fn member(subscribed: &[u8], has: Partitions) -> Member {
    Member {
        instance_id: None,
        subscribed: subscribed.iter().copied().map(topic).collect(),
        has,
    }
}

fn size(partitions: &Partitions) -> usize {
    partitions.values().map(BTreeSet::len).sum()
}

/// Up to six members, up to four topics, each member with any subscription and any past.
fn groups() -> impl Strategy<Value = (Members, Topics)> {
    let counts = prop::collection::vec(0..9i32, 1..5);
    let past = prop::collection::vec((0..4u8, 0..9i32), 0..12);
    let wishes = prop::collection::btree_set(0..4u8, 0..4);
    let members = prop::collection::vec((wishes, past, prop::bool::ANY), 1..7);
    (counts, members).prop_map(|(counts, members)| {
        let topics = topics(&counts);
        let make = |(index, (wishes, past, is_static)): (usize, (BTreeSet<u8>, Vec<_>, bool))| {
            let mut has = Partitions::new();
            for (of, partition) in past {
                has.entry(topic(of)).or_default().insert(partition);
            }
            let exists = |index: &u8| topics.contains_key(&topic(*index));
            let subscribed: Vec<u8> = wishes.into_iter().filter(exists).collect();
            let instance_id = is_static.then(|| format!("i{}", 9 - index));
            (
                format!("m{index}"),
                Member {
                    instance_id,
                    ..member(&subscribed, has)
                },
            )
        };
        (members.into_iter().enumerate().map(make).collect(), topics)
    })
}

proptest! {
    #[test]
    fn every_partition_that_someone_wants_goes_to_exactly_one_who_wants_it((members, topics) in groups()) {
        for assignor in [Assignor::Uniform, Assignor::Range] {
            let shares = assign(assignor, &members, &topics);
            prop_assert!(shares.keys().eq(members.keys()));
            let mut given = BTreeSet::new();
            for (member_id, share) in &shares {
                for (topic_id, partitions) in share {
                    prop_assert!(members[member_id].subscribed.contains(topic_id));
                    prop_assert!(!partitions.is_empty());
                    for partition in partitions {
                        prop_assert!(given.insert((*topic_id, *partition)), "given twice");
                    }
                }
            }
            let wanted = |id: &Uuid| members.values().any(|member| member.subscribed.contains(id));
            let all = topics.values().filter(|info| wanted(&info.id));
            let all = all.flat_map(|info| (0..info.partitions).map(|p| (info.id, p)));
            prop_assert_eq!(given, all.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn uniform_shares_are_as_even_as_single_moves_can_make_them((members, topics) in groups()) {
        let shares = assign(Assignor::Uniform, &members, &topics);
        for (from, share) in &shares {
            for (to, other) in &shares {
                let could_take = share.keys().any(|id| members[to].subscribed.contains(id));
                prop_assert!(!could_take || size(share) <= size(other) + 1, "{} → {}", from, to);
            }
        }
    }

    #[test]
    fn uniform_moves_nothing_when_nothing_changed((members, topics) in groups()) {
        let shares = assign(Assignor::Uniform, &members, &topics);
        let settled = members.into_iter().map(|(id, member)| {
            let has = shares[&id].clone();
            (id, Member { has, ..member })
        });
        prop_assert_eq!(assign(Assignor::Uniform, &settled.collect(), &topics), shares);
    }
}

#[test]
fn uniform_moves_only_what_a_newcomer_is_due() {
    let topics = topics(&[6]);
    let all = Partitions::from([(topic(0), (0..6).collect())]);
    let members = Members::from([
        ("a".to_owned(), member(&[0], all)),
        ("b".to_owned(), member(&[0], Partitions::new())),
    ]);
    let shares = assign(Assignor::Uniform, &members, &topics);
    let of = |id: &str| shares[id][&topic(0)].iter().copied().collect::<Vec<_>>();
    assert_eq!((of("a"), of("b")), (vec![0, 1, 2], vec![3, 4, 5]));
}

#[test]
fn range_gives_the_same_indexes_of_every_topic_to_the_same_member() {
    let topics = topics(&[5, 5]);
    let member = || member(&[0, 1], Partitions::new());
    let members = Members::from([
        ("a".to_owned(), member()),
        (
            "b".to_owned(),
            Member {
                instance_id: Some("i".to_owned()),
                ..member()
            },
        ),
    ]);
    let shares = assign(Assignor::Range, &members, &topics);
    let of = |id: &str, index| {
        shares[id][&topic(index)]
            .iter()
            .copied()
            .collect::<Vec<_>>()
    };
    for index in [0, 1] {
        assert_eq!(of("b", index), [0, 1, 2], "static members come first");
        assert_eq!(of("a", index), [3, 4]);
    }
}
