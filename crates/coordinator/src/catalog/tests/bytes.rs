//! Our records are Kafka's, byte for byte.

use ::bytes::Bytes;

use super::*;
use crate::machine::LogRecord;

fn record(text: &str) -> LogRecord {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    let value: Bytes = digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect();
    LogRecord {
        key: None,
        value: Some(value),
    }
}

fn decoded(text: &str) -> Event {
    Catalog::decode(&record(text), None)
        .expect("decodes")
        .expect("known")
}

const TOPIC_ID: &str = "c8dd290feba940ba8fa506d6ee123565";

fn topic_id() -> Uuid {
    let bytes = u128::from_str_radix(TOPIC_ID, 16)
        .expect("16 bytes in hex")
        .to_be_bytes();
    Uuid(bytes)
}

/// Written by Kafka 4.3.1.
#[test]
fn real_records_decode_and_encode_to_themselves() {
    for (real, expected) in [
        (
            "010200 04612e62 c8dd290feba940ba8fa506d6ee123565 00",
            Event::TopicCreated {
                name: "a.b".into(),
                id: topic_id(),
            },
        ),
        (
            "010400 02 04612e62 0d726574656e74696f6e2e6d73 0531303030 00",
            Event::ConfigChanged {
                resource: Resource::topic("a.b"),
                key: "retention.ms".into(),
                value: Some("1000".into()),
            },
        ),
        (
            "010400 04 01 146d696e2e696e73796e632e7265706c69636173 0231 00",
            Event::ConfigChanged {
                resource: all_nodes(),
                key: "min.insync.replicas".into(),
                value: Some("1".into()),
            },
        ),
        (
            "010c00 116d657461646174612e76657273696f6e 001e 00",
            Event::FeatureFinalized {
                name: "metadata.version".into(),
                level: 30,
            },
        ),
    ] {
        assert_eq!(decoded(real), expected);
        assert_eq!(Catalog::encode(&expected), Some(record(real)));
    }
}

/// The first was written by Kafka 4.3.1, the second by older versions of ours.
#[test]
fn a_partition_is_recorded_with_its_directory_where_that_is_known() {
    let directory = Uuid(0x598b_f59a_7566_c8d8_c4a5_ec84_a8da_bab0_u128.to_be_bytes());
    for (directory, bytes) in [
        (
            Some(directory),
            "010302 00000001 c8dd290feba940ba8fa506d6ee123565 0200000001 0200000001 01 01
             00000001 00000000 00000000 02598bf59a7566c8d8c4a5ec84a8dabab0 00",
        ),
        (
            None,
            "010300 00000001 c8dd290feba940ba8fa506d6ee123565 0200000001 0200000001 01 01
             00000001 00000000 00000000 00",
        ),
    ] {
        let event = Event::PartitionCreated {
            topic: topic_id(),
            index: 1,
            partition: Partition::on(1, directory),
        };
        assert_eq!(decoded(bytes), event);
        assert_eq!(Catalog::encode(&event), Some(record(bytes)));
    }
}

#[test]
fn removals_and_producer_ids_have_kafkas_layout() {
    for (event, bytes) in [
        (
            Event::TopicRemoved { id: topic_id() },
            "010900 c8dd290feba940ba8fa506d6ee123565 00",
        ),
        (
            Event::ProducerIdsTaken {
                node: 1,
                next: 1_000,
            },
            "010f00 00000001 ffffffffffffffff 00000000000003e8 00",
        ),
        (
            Event::ConfigChanged {
                resource: Resource::topic("t"),
                key: "k".into(),
                value: None,
            },
            "010400 02 0274 026b 00 00",
        ),
    ] {
        assert_eq!(Catalog::encode(&event), Some(record(bytes)));
        assert_eq!(decoded(bytes), event);
    }
}

#[test]
fn other_records_are_skipped_and_damaged_ones_are_reported() {
    let no_op = record("011400 00");
    assert_eq!(Catalog::decode(&no_op, None), Ok(None));
    for damaged in [
        LogRecord {
            key: None,
            value: None,
        },
        record(""),
        record("020200 04612e62"),
        record("010200 04612e62"),
        record("010209 04612e62 c8dd290feba940ba8fa506d6ee123565 00"),
    ] {
        assert!(Catalog::decode(&damaged, None).is_err(), "{damaged:?}");
    }
}

#[test]
fn a_feature_that_is_not_known_or_not_at_that_level_is_refused() {
    for (name, level, taken) in [
        ("transaction.version", 1, true),
        ("transaction.version", 99, false),
        ("share.version", 0, true),
        ("share.version", 1, false),
    ] {
        let event = Event::FeatureFinalized {
            name: name.into(),
            level,
        };
        let record = Catalog::encode(&event).expect("is durable");
        let decoded = Catalog::decode(&record, None);
        assert_eq!(decoded.is_ok(), taken, "{name} {level}: {decoded:?}");
    }
}
