//! Settings: what may be set, and what is in force.

use super::*;

fn created_with(key: &str, value: Option<&str>) -> Result<(), Refusal> {
    let mut bench = Bench::new();
    let configs = vec![(key.to_owned(), value.map(str::to_owned))];
    let topic = NewTopic {
        configs,
        ..bench.topic("t")
    };
    bench.create(topic).map(|_| ())
}

#[test]
fn the_table_is_sorted_and_its_defaults_are_valid() {
    for pair in TOPIC_CONFIG_KEYS.windows(2) {
        assert!(pair[0].name < pair[1].name);
    }
    for key in TOPIC_CONFIG_KEYS {
        assert_eq!(key.validate(key.default), Ok(()), "{}", key.name);
        assert!(key.doc.ends_with('.'), "{}", key.name);
    }
    assert_eq!(TOPIC_CONFIG_KEYS.len(), 33);
}

#[test]
fn good_values_are_taken() {
    for (key, value) in [
        ("segment.bytes", " 2000000 "),
        ("segment.bytes", "+2000000"),
        ("cleanup.policy", ""),
        ("cleanup.policy", "compact,delete"),
        ("cleanup.policy", "compact , delete"),
        ("compression.type", " zstd "),
        ("compression.gzip.level", "-1"),
        ("min.cleanable.dirty.ratio", "0.75"),
        ("preallocate", "TRUE"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1,1:2"),
        ("min.compaction.lag.ms", "5000"),
        ("internal.segment.bytes", "500"),
        ("min.insync.replicas", "5"),
    ] {
        assert_eq!(created_with(key, Some(value)), Ok(()), "{key}={value}");
    }
}

/// Key, value, and what Kafka 4.3.1 finds wrong with it.
#[rustfmt::skip]
const BAD_VALUES: &[(&str, &str, &str)] = &[
    ("segment.bytes", "5", "Value must be at least 1048576"),
    ("segment.bytes", "abc", "Not a number of type INT"),
    ("segment.bytes", "", "Not a number of type INT"),
    ("segment.bytes", "99999999999", "Not a number of type INT"),
    ("retention.ms", "-2", "Value must be at least -1"),
    ("retention.ms", "x", "Not a number of type LONG"),
    ("cleanup.policy", "foo", "String must be one of: compact, delete"),
    ("cleanup.policy", "Compact", "String must be one of: compact, delete"),
    ("compression.type", "none", "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"),
    ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
    ("compression.lz4.level", "0", "Value must be at least 1"),
    ("compression.zstd.level", "23", "Value must be no more than 22"),
    ("min.cleanable.dirty.ratio", "2.0", "Value must be no more than 1"),
    ("min.cleanable.dirty.ratio", "x", "Not a number of type DOUBLE"),
    ("preallocate", "maybe", "Expected value to be either true or false"),
    ("preallocate", "", "Expected value to be either true or false"),
    ("min.insync.replicas", "0", "Value must be at least 1"),
    ("message.timestamp.type", "x", "String must be one of: CreateTime, LogAppendTime"),
    ("flush.messages", "0", "Value must be at least 1"),
];

#[test]
fn bad_values_are_refused_with_kafkas_reason() {
    for (key, value, reason) in BAD_VALUES {
        let message = format!("Invalid value {value} for configuration {key}: {reason}");
        let expected = refused(ErrorCode::InvalidConfig, &message);
        assert_eq!(created_with(key, Some(value)), expected);
    }
    let key = "leader.replication.throttled.replicas";
    let form = "must be the literal '*' or a list of replicas in the following format: \
                [partitionId]:[brokerId],[partitionId]:[brokerId],...";
    for (value, shown) in [("none", "none"), ("*,0:1", "*, 0:1"), ("0:", "0:")] {
        let message = format!("Invalid value [{shown}] for configuration {key}: {key} {form}");
        let expected = refused(ErrorCode::InvalidConfig, &message);
        assert_eq!(created_with(key, Some(value)), expected);
    }
}

#[test]
fn what_is_no_setting_is_refused() {
    let null = "Null value not supported for topic configs: retention.ms";
    let empty = "Configuration 'cleanup.policy' values must not be empty.";
    let remote = "Tiered Storage functionality is disabled in the broker. \
                  Topic cannot be configured with remote log storage.";
    for (key, value, message) in [
        ("foo", Some("1"), "Unknown topic config name: foo"),
        ("retention.ms", None, null),
        ("cleanup.policy", Some("compact,"), empty),
        ("remote.storage.enable", Some("true"), remote),
    ] {
        let expected = refused(ErrorCode::InvalidConfig, message);
        assert_eq!(created_with(key, value), expected);
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let mut bench = Bench::new();
    bench.create_plain("t");
    let topic = Resource::topic("t");
    assert_eq!(
        bench.alter(&topic, set("min.compaction.lag.ms", "5000")),
        Ok(())
    );
    let message = "conflict topic config setting min.compaction.lag.ms (5000) > \
                   max.compaction.lag.ms (4000)";
    let conflict = refused(ErrorCode::InvalidConfig, message);
    assert_eq!(
        bench.alter(&topic, set("max.compaction.lag.ms", "4000")),
        conflict
    );
    assert_eq!(
        bench.alter(&topic, set("max.compaction.lag.ms", "5000")),
        Ok(())
    );
}

/// In the order in which they were tried on Kafka 4.3.1.
#[test]
fn changes_do_what_kafkas_do() {
    let mut bench = Bench::new();
    bench.create_plain("t");
    let topic = Resource::topic("t");
    let config = ErrorCode::InvalidConfig;
    for (key, operation, value, expected) in [
        ("segment.bytes", Operation::Set, "2000000", Ok(())),
        (
            "segment.bytes",
            Operation::Set,
            "2",
            refused(
                config,
                "Invalid value 2 for configuration segment.bytes: Value must be at least 1048576",
            ),
        ),
        (
            "foo",
            Operation::Set,
            "2",
            refused(config, "Unknown topic config name: foo"),
        ),
        ("segment.bytes", Operation::Delete, "", Ok(())),
        ("segment.bytes", Operation::Delete, "", Ok(())),
        ("foo", Operation::Delete, "", Ok(())),
        ("cleanup.policy", Operation::Append, "compact", Ok(())),
        (
            "segment.bytes",
            Operation::Append,
            "1",
            refused(
                config,
                "Can't APPEND to key segment.bytes because its type is not LIST.",
            ),
        ),
        ("cleanup.policy", Operation::Append, "compact", Ok(())),
        ("cleanup.policy", Operation::Subtract, "delete", Ok(())),
        ("cleanup.policy", Operation::Subtract, "compact", Ok(())),
    ] {
        let outcome = bench.alter(&topic, vec![change(key, operation, value)]);
        assert_eq!(outcome, expected, "{key} {operation:?} {value}");
        if (key, operation) == ("cleanup.policy", Operation::Append) {
            let settings = bench.catalog().topic_settings("t");
            assert!(settings.compact && settings.delete);
        }
    }
    let policy = bench
        .catalog()
        .overrides(&topic)
        .expect("set")
        .get("cleanup.policy");
    assert_eq!(policy.map(String::as_str), Some(""));
    let settings = bench.catalog().topic_settings("t");
    assert!(!settings.compact && !settings.delete);
}

#[test]
fn a_change_without_sense_is_refused_before_anything_is_changed() {
    let mut bench = Bench::new();
    bench.create_plain("t");
    let topic = Resource::topic("t");
    let null = Change {
        value: None,
        ..change("segment.bytes", Operation::Set, "")
    };
    let message = "Null value not supported for : segment.bytes";
    assert_eq!(
        bench.alter(&topic, vec![null]),
        refused(ErrorCode::InvalidRequest, message)
    );
    let twice = [set("retention.ms", "1"), set("retention.ms", "2")].concat();
    let message = "Error due to duplicate config keys";
    assert_eq!(
        bench.alter(&topic, twice),
        refused(ErrorCode::InvalidRequest, message)
    );
    let half = [set("retention.ms", "1"), set("segment.bytes", "1")].concat();
    assert!(bench.alter(&topic, half).is_err());
    assert_eq!(bench.catalog().overrides(&topic), None);
    let same = Alteration {
        resource: topic.clone(),
        changes: set("retention.ms", "1"),
    };
    let resources = vec![same.clone(), same];
    let reply = bench.run(&Command::AlterConfigs {
        resources,
        validate_only: false,
    });
    let twice = refused(
        ErrorCode::InvalidRequest,
        "Each resource must appear at most once.",
    );
    assert_eq!(
        reply,
        Reply::AlterConfigs(vec![(topic.clone(), twice.clone()), (topic, twice)])
    );
}

#[test]
fn only_what_exists_has_settings() {
    let mut bench = Bench::new();
    let named = |kind, name: &str| Resource {
        kind,
        name: name.to_owned(),
    };
    let invalid = ErrorCode::InvalidRequest;
    for (resource, code, message) in [
        (
            Resource::topic("nope"),
            ErrorCode::UnknownTopicOrPartition,
            "The topic 'nope' does not exist.",
        ),
        (
            Resource::topic(""),
            invalid,
            "Default topic resources are not allowed.",
        ),
        (
            Resource::topic("a b"),
            ErrorCode::InvalidTopicException,
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        (
            named(ResourceKind::Broker, "x"),
            invalid,
            "Node id must be an integer, but it is: x",
        ),
        (
            named(ResourceKind::Broker, "9"),
            invalid,
            "Unexpected broker id, expected 1, but received 9",
        ),
        (
            named(ResourceKind::Group, "g"),
            invalid,
            "Groups have no settings of their own in this broker.",
        ),
    ] {
        assert_eq!(
            bench.alter(&resource, set("segment.bytes", "2000000")),
            refused(code, message)
        );
    }
}

#[test]
fn of_a_brokers_settings_those_change_that_topics_take_defaults_from() {
    let mut bench = Bench::new();
    bench.create_plain("t");
    assert_eq!(
        bench.alter(&all_nodes(), set("log.retention.ms", "123456")),
        Ok(())
    );
    assert_eq!(bench.catalog().topic_settings("t").retention_ms, 123_456);
    let node = Resource {
        name: "1".into(),
        ..all_nodes()
    };
    let message = "Cannot update these configs dynamically: [log.retention.hours]";
    let weaker = refused(ErrorCode::InvalidRequest, message);
    assert_eq!(bench.alter(&node, set("log.retention.hours", "2")), weaker);
    let message = "Cannot update these configs dynamically: [num.partitions]";
    let fixed = refused(ErrorCode::InvalidRequest, message);
    assert_eq!(bench.alter(&node, set("num.partitions", "5")), fixed);
    let message =
        "Invalid value -5 for configuration log.segment.bytes: Value must be at least 1048576";
    let invalid = refused(ErrorCode::InvalidRequest, message);
    assert_eq!(
        bench.alter(&all_nodes(), set("log.segment.bytes", "-5")),
        invalid
    );
}

#[test]
fn creation_tells_all_settings_by_key() {
    let mut bench = Bench::new();
    let configs = vec![("segment.bytes".to_owned(), Some("2000000".to_owned()))];
    let topic = NewTopic {
        configs,
        ..bench.topic("t")
    };
    let created = bench.create(topic).expect("made");
    let keys: Vec<&str> = created
        .configs
        .iter()
        .map(|config| config.name.as_str())
        .collect();
    let table: Vec<&str> = TOPIC_CONFIG_KEYS.iter().map(|key| key.name).collect();
    assert_eq!(keys, table);
    let own: Vec<_> = created
        .configs
        .iter()
        .filter(|config| config.source == ConfigSource::DynamicTopic)
        .map(|config| (config.name.as_str(), config.value.as_deref()))
        .collect();
    assert_eq!(own, [("segment.bytes", Some("2000000"))]);
}

#[test]
fn an_unlisted_setting_is_listed_where_it_is_set_and_counts() {
    let mut bench = Bench::new();
    bench.create_plain("t");
    bench
        .alter(&Resource::topic("t"), set("internal.segment.bytes", "500"))
        .expect("taken");
    let overrides = bench.catalog().overrides(&Resource::topic("t"));
    let all = bench.catalog().describe_topic_configs(overrides);
    assert!(
        all.iter()
            .any(|config| config.name == "internal.segment.bytes")
    );
    assert_eq!(bench.catalog().topic_settings("t").segment_bytes, 500);
}
