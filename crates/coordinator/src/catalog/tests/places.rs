//! Where partitions are, of new topics and of those that grow.

use super::*;

type Places<'a> = &'a [(i32, &'a [i32])];

#[rustfmt::skip]
const BAD_PLACES: &[(Places<'_>, &str)] = &[
    (&[(0, &[1]), (2, &[1])], "partitions should be a consecutive 0-based integer sequence"),
    (&[(0, &[7])], "The manual partition assignment includes broker 7, but no such broker is registered."),
    (&[(0, &[])], "The manual partition assignment includes an empty replica list."),
    (&[(0, &[1, 1])], "The manual partition assignment includes the broker 1 more than once."),
    (&[(0, &[1]), (0, &[1])], "Found multiple manual partition assignments for partition 0"),
    (&[(0, &[1]), (1, &[1, 2])], "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous partitions, which have 1 replica(s)."),
];

fn assigned(bench: &mut Bench, name: &str, places: Places<'_>) -> NewTopic {
    let assignments = places.iter().map(|(partition, nodes)| Assignment {
        partition: *partition,
        nodes: nodes.to_vec(),
    });
    NewTopic {
        assignments: assignments.collect(),
        ..bench.topic(name)
    }
}

#[test]
fn manual_assignments_name_nodes_that_exist_for_partitions_without_a_gap() {
    let config = CatalogConfig {
        nodes: vec![1, 2],
        ..CatalogConfig::default()
    };
    let mut bench = Bench::with(config);
    let good = assigned(&mut bench, "t", &[(1, &[2]), (0, &[1])]);
    assert_eq!(bench.create(good).expect("accepted").partitions, 2);
    assert_eq!(bench.catalog().partition("t", 1).expect("exists").leader, 2);
    for (places, message) in BAD_PLACES {
        let topic = assigned(&mut bench, "u", places);
        assert_eq!(
            bench.create(topic),
            refused(ErrorCode::InvalidReplicaAssignment, message)
        );
    }
    let counted = NewTopic {
        partitions: 1,
        ..assigned(&mut bench, "u", &[(0, &[1])])
    };
    let replicated = NewTopic {
        replication_factor: 1,
        ..assigned(&mut bench, "u", &[(0, &[1])])
    };
    for topic in [counted, replicated] {
        let outcome = bench.create(topic).map_err(|refusal| refusal.code);
        assert_eq!(outcome, Err(ErrorCode::InvalidRequest));
    }
}

/// Nodes of each new partition.
type Nodes<'a> = Option<&'a [&'a [i32]]>;

#[rustfmt::skip]
const BAD_GROWTH: &[(i32, Nodes<'_>, ErrorCode, &str)] = &[
    (2, None, ErrorCode::InvalidPartitions, "Topic already has 2 partition(s)."),
    (1, None, ErrorCode::InvalidPartitions, "The topic t currently has 2 partition(s); 1 would not be an increase."),
    (-1, None, ErrorCode::InvalidPartitions, "The topic t currently has 2 partition(s); -1 would not be an increase."),
    (4, Some(&[&[1]]), ErrorCode::InvalidReplicaAssignment, "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."),
    (3, Some(&[&[9]]), ErrorCode::InvalidReplicaAssignment, "The manual partition assignment includes broker 9, but no such broker is registered."),
    (20_000, None, ErrorCode::PolicyViolation, "Excessively large number of partitions per request."),
];

fn grow(bench: &mut Bench, name: &str, count: i32, assignments: Nodes<'_>) -> Result<(), Refusal> {
    let assignments = assignments.map(|all| all.iter().map(|nodes| nodes.to_vec()).collect());
    let topics = vec![MorePartitions {
        name: name.into(),
        count,
        assignments,
    }];
    match bench.run(&Command::CreatePartitions {
        topics,
        validate_only: false,
    }) {
        Reply::CreatePartitions(mut results) if results.len() == 1 => results.remove(0).1,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_topic_only_grows() {
    let mut bench = Bench::new();
    let topic = NewTopic {
        partitions: 2,
        ..bench.topic("t")
    };
    bench.create(topic).expect("made");
    for (count, assignments, code, message) in BAD_GROWTH {
        assert_eq!(
            grow(&mut bench, "t", *count, *assignments),
            refused(*code, message)
        );
    }
    let unknown = Err(Refusal::bare(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(grow(&mut bench, "nope", 3, None), unknown);
    assert_eq!(grow(&mut bench, "t", 3, None), Ok(()));
    assert_eq!(grow(&mut bench, "t", 5, Some(&[&[1], &[1]])), Ok(()));
    let topic = bench.catalog().topic("t").expect("exists");
    let indexes: Vec<i32> = topic.partitions.keys().copied().collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4]);
}

#[test]
fn new_partitions_are_in_the_directory_of_their_node_and_a_snapshot_keeps_it() {
    let directory = Uuid([9; 16]);
    let mut bench = Bench::with(CatalogConfig {
        nodes: vec![1, 2],
        directories: [(1, directory)].into(),
        ..CatalogConfig::default()
    });
    let topic = NewTopic {
        partitions: 2,
        ..bench.topic("t")
    };
    bench.create(topic).expect("made");
    let by_hand = assigned(&mut bench, "u", &[(0, &[1])]);
    bench.create(by_hand).expect("made");
    assert_eq!(grow(&mut bench, "t", 3, None), Ok(()));
    let mut copy = Catalog::new(CatalogConfig::default());
    for event in bench.catalog().snapshot() {
        copy.apply(0, &event);
    }
    for catalog in [bench.catalog(), &copy] {
        let of = |topic, index| {
            let partition = catalog.partition(topic, index).expect("made");
            partition.directories.as_slice()
        };
        assert_eq!(of("t", 0), [directory]);
        assert_eq!(of("t", 1), [], "of the other node it is not known");
        assert_eq!(of("t", 2), [directory]);
        assert_eq!(of("u", 0), [directory]);
    }
}
