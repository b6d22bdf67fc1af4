//! Settings as DescribeConfigs and CreateTopics tell them.

use super::*;

/// Value, source and synonyms.
fn told(config: DescribedConfig) -> String {
    let synonyms = config.synonyms.iter();
    let synonyms: String = synonyms
        .map(|s| format!(" {}={}:{}", s.name, s.value, s.source.id()))
        .collect();
    let value = config.value.unwrap_or_else(|| "null".to_owned());
    format!("{value}:{}{synonyms}", config.source.id())
}

/// The setting of the topic `t`, as DescribeConfigs tells it.
fn of_t(bench: &Bench, key: &str) -> String {
    let overrides = bench.catalog().overrides(&Resource::topic("t"));
    let all = bench.catalog().describe_topic_configs(overrides);
    let config = all.into_iter().find(|config| config.name == key);
    told(config.expect("listed"))
}

/// The node's setting, as DescribeConfigs tells it.
fn of_the_node(bench: &Bench, key: &str) -> String {
    let config = bench.catalog().describe_broker_config(key);
    told(config.expect("listed"))
}

fn started_with<const N: usize>(broker: [(&str, &str); N]) -> Bench {
    let broker = broker.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut bench = Bench::with(CatalogConfig {
        broker: broker.into(),
        ..CatalogConfig::default()
    });
    bench.create_plain("t");
    bench
}

/// As seen on Apache Kafka 4.3.1. What stands before the first value under the key itself is not
/// listed, the default of another unit neither; so where nothing is listed the source is the default.
#[test]
fn a_value_comes_from_the_strongest_place_that_sets_it() {
    let mut bench = started_with([]);
    let never = i64::MAX;
    for (key, expected) in [
        ("retention.ms", "604800000:5".to_owned()),
        ("flush.ms", format!("{never}:5")),
        ("segment.ms", "604800000:5".to_owned()),
        ("segment.jitter.ms", "0:5".to_owned()),
        ("preallocate", "false:5 log.preallocate=false:5".to_owned()),
        ("remote.storage.enable", "false:5".to_owned()),
    ] {
        assert_eq!(of_t(&bench, key), expected, "{key}");
    }
    for (key, value) in [
        ("log.retention.ms", "123456"),
        ("log.flush.interval.ms", "777"),
    ] {
        assert_eq!(bench.alter(&all_nodes(), set(key, value)), Ok(()));
    }
    let retention = "log.retention.ms=123456:3 log.retention.hours=168:5";
    let flush = format!("log.flush.interval.ms=777:3 log.flush.scheduler.interval.ms={never}:5");
    assert_eq!(
        of_t(&bench, "retention.ms"),
        format!("123456:3 {retention}")
    );
    assert_eq!(of_t(&bench, "flush.ms"), format!("777:3 {flush}"));
    let own = set("retention.ms", "1000");
    assert_eq!(bench.alter(&Resource::topic("t"), own), Ok(()));
    let expected = format!("1000:1 retention.ms=1000:1 {retention}");
    assert_eq!(of_t(&bench, "retention.ms"), expected);
    let gone = vec![change("log.retention.ms", Operation::Delete, "")];
    assert_eq!(bench.alter(&all_nodes(), gone), Ok(()));
    assert_eq!(of_t(&bench, "retention.ms"), "1000:1 retention.ms=1000:1");
}

/// Read off `ConfigHelper` and `KafkaConfigSchema` of Apache Kafka 4.3.1: the value in hours counts,
/// and DescribeConfigs hides where it comes from, but CreateTopics does not.
#[test]
fn a_value_in_another_unit_counts_without_being_listed() {
    let mut bench = started_with([("log.retention.hours", "3"), ("message.max.bytes", "999")]);
    assert_eq!(of_t(&bench, "retention.ms"), "10800000:5");
    let size = "message.max.bytes=999:4 message.max.bytes=1048588:5";
    assert_eq!(of_t(&bench, "max.message.bytes"), format!("999:4 {size}"));
    let settings = bench.catalog().topic_settings("t");
    assert_eq!(
        (settings.retention_ms, settings.max_message_bytes),
        (10_800_000, 999)
    );
    let topic = bench.topic("u");
    let created = bench.create(topic).expect("made").configs;
    let config = created.iter().find(|config| config.name == "retention.ms");
    let config = config.expect("listed");
    assert_eq!(
        (config.value.as_deref(), config.source),
        (Some("10800000"), ConfigSource::StaticBroker)
    );
}

/// As seen on Apache Kafka 4.3.1.
#[test]
fn a_nodes_value_lists_the_other_units_after_it() {
    let mut bench = started_with([("log.roll.hours", "2")]);
    let never = i64::MAX;
    for (key, value) in [
        ("log.retention.ms", "123456"),
        ("log.flush.interval.ms", "777"),
    ] {
        assert_eq!(bench.alter(&all_nodes(), set(key, value)), Ok(()));
    }
    for (key, expected) in [
        (
            "log.retention.ms",
            "123456:3 log.retention.ms=123456:3 log.retention.hours=168:5".to_owned(),
        ),
        ("log.retention.minutes", "null:5".to_owned()),
        (
            "log.retention.hours",
            "168:5 log.retention.hours=168:5".to_owned(),
        ),
        (
            "log.flush.interval.ms",
            format!("777:3 log.flush.interval.ms=777:3 log.flush.scheduler.interval.ms={never}:5"),
        ),
        (
            "log.flush.scheduler.interval.ms",
            format!("{never}:5 log.flush.scheduler.interval.ms={never}:5"),
        ),
        ("log.roll.ms", "null:5".to_owned()),
        (
            "log.roll.hours",
            "2:4 log.roll.hours=2:4 log.roll.hours=168:5".to_owned(),
        ),
        (
            "log.roll.jitter.hours",
            "0:5 log.roll.jitter.hours=0:5".to_owned(),
        ),
    ] {
        assert_eq!(of_the_node(&bench, key), expected, "{key}");
    }
}
