//! Laws over random histories. [`Rig::step`] checks after every step that replay equals live.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["a.b", "a_b", "c", "d-1"];
const KEYS: [&str; 4] = [
    "retention.ms",
    "cleanup.policy",
    "segment.bytes",
    "nonsense",
];
const VALUES: [&str; 4] = ["2000000", "compact", "-1", ""];

fn name() -> impl Strategy<Value = String> {
    (0..NAMES.len()).prop_map(|n| NAMES[n].to_owned())
}

fn commands() -> impl Strategy<Value = Command> {
    let new = (
        name(),
        any::<[u8; 16]>(),
        -1..4i32,
        -1..3i16,
        0..KEYS.len(),
        0..VALUES.len(),
    );
    let new = new.prop_map(
        |(name, id, partitions, replication_factor, key, value)| NewTopic {
            name,
            id: Uuid(id),
            partitions,
            replication_factor,
            assignments: Vec::new(),
            configs: if key == 3 {
                Vec::new()
            } else {
                vec![(KEYS[key].to_owned(), Some(VALUES[value].to_owned()))]
            },
            is_internal: false,
        },
    );
    let by_name = name().prop_map(|name| TopicRef {
        name: Some(name),
        id: Uuid::ZERO,
    });
    let more = (name(), 0..6i32).prop_map(|(name, count)| MorePartitions {
        name,
        count,
        assignments: None,
    });
    let alter = (name(), 0..KEYS.len(), 0..4i8, 0..VALUES.len());
    let alter = alter.prop_map(|(name, key, operation, value)| Alteration {
        resource: Resource::topic(name),
        changes: vec![change(
            KEYS[key],
            Operation::from_id(operation).expect("one of four"),
            VALUES[value],
        )],
    });
    prop_oneof![
        4 => (proptest::collection::vec(new, 1..4), any::<bool>())
            .prop_map(|(topics, validate_only)| Command::CreateTopics { topics, validate_only }),
        2 => proptest::collection::vec(by_name, 1..3)
            .prop_map(|topics| Command::DeleteTopics { topics }),
        2 => proptest::collection::vec(more, 1..3)
            .prop_map(|topics| Command::CreatePartitions { topics, validate_only: false }),
        3 => proptest::collection::vec(alter, 1..3)
            .prop_map(|resources| Command::AlterConfigs { resources, validate_only: false }),
        1 => Just(Command::AllocateProducerIds),
        1 => Just(Command::Bootstrap),
    ]
}

proptest! {
    #[test]
    fn any_history_keeps_the_laws(history in proptest::collection::vec(commands(), 1..40)) {
        let mut bench = Bench::new();
        for command in &history {
            bench.run(command);
            let catalog = bench.catalog();
            for topic in catalog.topics() {
                let indexes = topic.partitions.keys().copied();
                prop_assert!(indexes.eq((0..).take(topic.partitions.len())));
                prop_assert!(!topic.partitions.is_empty());
                prop_assert_eq!(catalog.topic_by_id(topic.id), Some(topic));
                let resource = Resource::topic(topic.name.clone());
                for (key, value) in catalog.overrides(&resource).into_iter().flatten() {
                    let key = topic_config_key(key).expect("only known keys are stored");
                    prop_assert_eq!(key.validate(value), Ok(()));
                }
            }
            let both = catalog.topic("a.b").is_some() && catalog.topic("a_b").is_some();
            prop_assert!(!both, "names that collide do not coexist");
        }
        let mut copy = Catalog::new(CatalogConfig::default());
        for event in bench.catalog().snapshot() {
            copy.apply(0, &event);
        }
        prop_assert_eq!(&copy, bench.catalog(), "a snapshot is the catalog");
    }
}
