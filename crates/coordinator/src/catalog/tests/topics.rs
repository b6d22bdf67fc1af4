//! Topics and partitions come and go.

use super::*;

#[test]
fn a_topic_gets_the_brokers_numbers_where_it_does_not_say() {
    let mut bench = Bench::with(CatalogConfig {
        num_partitions: 4,
        default_replication_factor: 2,
        ..CatalogConfig::default()
    });
    let created = bench.create_plain("t");
    assert_eq!((created.partitions, created.replication_factor), (4, 1));
    assert_eq!(created.wished_replication_factor, 2);
    let topic = bench.catalog().topic("t").expect("it exists");
    assert_eq!(
        topic.partitions.keys().copied().collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    assert_eq!(bench.catalog().topic_by_id(created.id), Some(topic));
    let partition = bench.catalog().partition("t", 3).expect("it exists");
    assert_eq!((partition.leader, partition.leader_epoch), (1, 0));
    assert_eq!(
        (&partition.replicas[..], &partition.isr[..]),
        (&[1][..], &[1][..])
    );
}

#[test]
fn more_replicas_than_nodes_are_accepted_and_one_is_made() {
    let mut bench = Bench::new();
    let topic = NewTopic {
        replication_factor: 3,
        ..bench.topic("t")
    };
    let created = bench.create(topic).expect("accepted");
    assert_eq!(
        (
            created.replication_factor,
            created.wished_replication_factor
        ),
        (1, 3)
    );
    assert_eq!(
        bench.catalog().partition("t", 0).expect("exists").replicas,
        [1]
    );
}

#[test]
fn partitions_are_spread_over_the_nodes() {
    let mut bench = Bench::with(CatalogConfig {
        nodes: vec![1, 2, 3],
        ..CatalogConfig::default()
    });
    let topic = NewTopic {
        partitions: 4,
        ..bench.topic("t")
    };
    bench.create(topic).expect("accepted");
    let topic = bench.catalog().topic("t").expect("exists");
    let leaders: Vec<i32> = topic
        .partitions
        .values()
        .map(|partition| partition.leader)
        .collect();
    assert_eq!(leaders, [1, 2, 3, 1]);
}

#[test]
fn impossible_names_are_refused() {
    let long = "x".repeat(249);
    let too_long = "x".repeat(250);
    for name in ["a", "A.b_c-9", "...", &long] {
        assert!(is_valid_topic_name(name), "{name}");
    }
    let letters =
        "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    let length = format!("the length of '{too_long}' is longer than the max allowed length 249");
    for (name, reason) in [
        ("", "the empty string is not allowed".to_owned()),
        (".", "'.' is not allowed".to_owned()),
        ("..", "'..' is not allowed".to_owned()),
        ("a b", format!("'a b' {letters}")),
        ("ä", format!("'ä' {letters}")),
        ("a/b", format!("'a/b' {letters}")),
        (&too_long, length),
    ] {
        let mut bench = Bench::new();
        let topic = bench.topic(name);
        let message = format!("Topic name is invalid: {reason}");
        assert_eq!(
            bench.create(topic),
            refused(ErrorCode::InvalidTopicException, &message)
        );
    }
    let mut bench = Bench::new();
    let topic = bench.topic("__cluster_metadata");
    let message = "Creation of internal topic __cluster_metadata is prohibited.";
    assert_eq!(
        bench.create(topic),
        refused(ErrorCode::InvalidRequest, message)
    );
}

#[test]
fn names_are_taken_once_and_dots_count_as_underscores() {
    let mut bench = Bench::new();
    let first = bench.create_plain("a.b");
    let again = bench.topic("a.b");
    let exists = refused(ErrorCode::TopicAlreadyExists, "Topic 'a.b' already exists.");
    assert_eq!(bench.create(again), exists);
    let twin = bench.topic("a_b");
    let message = "Topic 'a_b' collides with existing topic: a.b";
    let collides = refused(ErrorCode::InvalidTopicException, message);
    assert_eq!(bench.create(twin.clone()), collides);
    let by_id = TopicRef {
        name: None,
        id: first.id,
    };
    bench.run(&Command::DeleteTopics {
        topics: vec![by_id],
    });
    assert!(bench.create(twin).is_ok());
}

#[test]
fn of_one_request_two_that_collide_are_not_both_made() {
    let mut bench = Bench::new();
    let topics = vec![
        bench.topic("a.b"),
        bench.topic("a_b"),
        bench.topic("c"),
        bench.topic("c"),
    ];
    let Reply::CreateTopics(results) = bench.run(&Command::CreateTopics {
        topics,
        validate_only: false,
    }) else {
        panic!("not an answer to CreateTopics");
    };
    let codes: Vec<_> = results
        .iter()
        .map(|(name, result)| {
            (
                name.as_str(),
                result.as_ref().err().map(|refusal| refusal.code),
            )
        })
        .collect();
    let expected = [
        ("a.b", None),
        ("a_b", Some(ErrorCode::InvalidTopicException)),
        ("c", Some(ErrorCode::InvalidRequest)),
    ];
    assert_eq!(codes, expected);
    assert_eq!(bench.catalog().topics().len(), 1);
}

#[test]
fn to_validate_only_makes_nothing() {
    let mut bench = Bench::new();
    let topics = vec![bench.topic("t")];
    let reply = bench.run(&Command::CreateTopics {
        topics,
        validate_only: true,
    });
    assert!(matches!(reply, Reply::CreateTopics(results) if results[0].1.is_ok()));
    assert_eq!(bench.rig.batches(), 0);
    bench.create_plain("t");
    let batches = bench.rig.batches();
    let topics = vec![MorePartitions {
        name: "t".into(),
        count: 5,
        assignments: None,
    }];
    bench.run(&Command::CreatePartitions {
        topics,
        validate_only: true,
    });
    let changes = set("retention.ms", "5");
    let resources = vec![Alteration {
        resource: Resource::topic("t"),
        changes,
    }];
    bench.run(&Command::AlterConfigs {
        resources,
        validate_only: true,
    });
    assert_eq!(bench.rig.batches(), batches);
}

#[test]
fn impossible_numbers_are_refused() {
    let partitions = "Number of partitions was set to an invalid non-positive value.";
    let replicas = "Replication factor must be larger than 0, or -1 to use the default value.";
    let many = "Excessively large number of partitions per request.";
    for (partitions, replication_factor, code, message) in [
        (0, 1, ErrorCode::InvalidPartitions, partitions),
        (-2, 1, ErrorCode::InvalidPartitions, partitions),
        (1, 0, ErrorCode::InvalidReplicationFactor, replicas),
        (1, -2, ErrorCode::InvalidReplicationFactor, replicas),
        (0, 0, ErrorCode::InvalidReplicationFactor, replicas),
        (10_001, 1, ErrorCode::PolicyViolation, many),
        (i32::MAX, 1, ErrorCode::PolicyViolation, many),
    ] {
        let mut bench = Bench::new();
        let topic = NewTopic {
            partitions,
            replication_factor,
            ..bench.topic("t")
        };
        assert_eq!(bench.create(topic), refused(code, message));
    }
}

fn delete(bench: &mut Bench, topics: Vec<TopicRef>) -> Vec<DeletedTopic> {
    match bench.run(&Command::DeleteTopics { topics }) {
        Reply::DeleteTopics(results) => results,
        other => panic!("{other:?}"),
    }
}

fn by_name(name: &str) -> TopicRef {
    TopicRef {
        name: Some(name.into()),
        id: Uuid::ZERO,
    }
}

fn by_id(id: Uuid) -> TopicRef {
    TopicRef { name: None, id }
}

#[test]
fn a_deleted_topic_takes_its_settings_with_it() {
    let mut bench = Bench::new();
    let topic = NewTopic {
        configs: vec![("retention.ms".into(), Some("5".into()))],
        ..bench.topic("t")
    };
    let first = bench.create(topic).expect("made");
    let gone = DeletedTopic {
        name: Some("t".into()),
        id: first.id,
        result: Ok(()),
    };
    assert_eq!(
        delete(&mut bench, vec![by_name("t")]),
        std::slice::from_ref(&gone)
    );
    assert_eq!(bench.catalog().topic("t"), None);
    assert_eq!(bench.catalog().topic_by_id(first.id), None);
    let second = bench.create_plain("t");
    assert_ne!(second.id, first.id);
    assert_eq!(bench.catalog().overrides(&Resource::topic("t")), None);
    let gone = DeletedTopic {
        id: second.id,
        ..gone
    };
    assert_eq!(delete(&mut bench, vec![by_id(second.id)]), [gone]);
}

#[test]
fn what_cannot_be_deleted_says_why() {
    let mut bench = Bench::new();
    let id = bench.create_plain("t").id;
    let other = bench.create_plain("u").id;
    let unknown = Uuid([99; 16]);
    let neither = TopicRef {
        name: None,
        id: Uuid::ZERO,
    };
    let both = TopicRef {
        name: Some("t".into()),
        id,
    };
    let asked = vec![
        by_name("nope"),
        by_id(unknown),
        neither,
        both,
        by_name("t"),
        by_name("t"),
        by_id(other),
        by_name("u"),
    ];
    let outcome: Vec<_> = delete(&mut bench, asked)
        .into_iter()
        .map(|deleted| {
            deleted
                .result
                .err()
                .map(|refusal| (refusal.code, refusal.message))
        })
        .collect();
    let invalid = |text: &str| Some((ErrorCode::InvalidRequest, Some(text.to_owned())));
    let expected = [
        Some((ErrorCode::UnknownTopicOrPartition, None)),
        Some((ErrorCode::UnknownTopicId, None)),
        invalid("Neither topic name nor id were specified."),
        invalid("You may not specify both topic name and topic id."),
        invalid("Duplicate topic name."),
        None,
        invalid("The provided topic name maps to an ID that was already supplied."),
    ];
    assert_eq!(outcome, expected);
    assert!(bench.catalog().topic("t").is_some());
    assert!(bench.catalog().topic("u").is_none());
}

#[test]
fn deletion_can_be_turned_off() {
    let mut bench = Bench::with(CatalogConfig {
        delete_topic_enable: false,
        ..CatalogConfig::default()
    });
    bench.create_plain("t");
    let results = delete(&mut bench, vec![by_name("t")]);
    let refusal = results[0].result.as_ref().expect_err("refused");
    assert_eq!(refusal.code, ErrorCode::TopicDeletionDisabled);
    assert!(bench.catalog().topic("t").is_some());
}

#[test]
fn a_new_catalog_finalizes_its_features_once() {
    let mut bench = Bench::new();
    assert!(
        bench
            .catalog()
            .features()
            .iter()
            .all(|feature| feature.finalized == 0)
    );
    assert_eq!(bench.run(&Command::Bootstrap), Reply::Bootstrap);
    for feature in bench.catalog().features() {
        assert!(
            (feature.min..=feature.max).contains(&feature.finalized),
            "{feature:?}"
        );
        assert!(feature.finalized > 0);
    }
    let batches = bench.rig.batches();
    bench.run(&Command::Bootstrap);
    assert_eq!(bench.rig.batches(), batches);
}

#[test]
fn no_producer_id_is_given_twice_even_across_a_crash() {
    let mut bench = Bench::new();
    let mut next = 0;
    for round in 0..4 {
        let Reply::ProducerIds(block) = bench.run(&Command::AllocateProducerIds) else {
            panic!("not a block");
        };
        assert_eq!(block, next..next + 1_000, "round {round}");
        next = block.end;
        bench.rig = bench.rig.crashed(bench.rig.batches());
    }
}
