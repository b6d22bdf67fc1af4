//! Our records are Kafka's, byte for byte.

use ::bytes::Bytes;

use super::*;
use crate::machine::LogRecord;

fn hex(text: &str) -> Bytes {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn record(key: &str, value: &str) -> LogRecord {
    LogRecord {
        key: Some(hex(key)),
        value: Some(hex(value)),
    }
}

/// Written by Kafka 4.1.0 for a transaction that committed.
#[test]
fn a_real_record_decodes_and_encodes_to_itself() {
    let real = record(
        "0000 0005 6374702d30",
        "0001 0000000000000001 0002 0000ea60 04 01 000001a2097173bc 000001a209717377 00",
    );
    let event = Transactions::decode(&real, None)
        .expect("decodes")
        .expect("known");
    let Event::Stored {
        transactional_id,
        metadata,
    } = &event
    else {
        panic!("{event:?}")
    };
    assert_eq!(transactional_id, "ctp-0");
    assert_eq!(metadata.producer, ProducerIdentity { id: 1, epoch: 2 });
    assert_eq!(metadata.timeout_ms, 60_000);
    assert_eq!(metadata.state, TransactionState::CompleteCommit);
    assert!(metadata.partitions.is_empty());
    assert_eq!(metadata.last_update_ms, 0x0000_01a2_0971_73bc);
    assert_eq!(metadata.start_ms, 0x0000_01a2_0971_7377);
    assert_eq!(metadata.previous_producer_id, -1);
    assert_eq!(Transactions::encode(&event), Some(real));
}

/// An id that was just initialised has no partition list at all, and names its producer id as
/// the previous one (tag 0), as Kafka 4.3.1 writes it.
#[test]
fn a_new_id_is_stored_as_kafka_stores_it() {
    let mut bench = Bench::new();
    bench.next_producer_id = 0;
    bench.now = 0x01a2_0971_73bc;
    let (_, decision) = bench.init_as(None);
    let stored = Transactions::encode(&decision.events[0]);
    let expected = record(
        "0000 0003 617070",
        "0001 0000000000000001 0000 0000ea60 00 00 000001a2097173bc ffffffffffffffff
         01 00 08 0000000000000001",
    );
    assert_eq!(stored, Some(expected));
}

#[test]
fn partitions_are_stored_by_topic() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.force(|metadata| metadata.producer = ProducerIdentity { id: 1, epoch: 0 });
    bench.now = 0;
    let command = Command::AddPartitions {
        transactional_id: ID.into(),
        producer: ProducerIdentity { id: 1, ..producer },
        partitions: [("b", 1), ("a", 2), ("b", 0)]
            .map(|(topic, partition)| TopicPartition::new(topic, partition))
            .into(),
        client_version: TransactionVersion::V0,
    };
    let (_, decision) = bench.run(&command);
    let expected = record(
        "0000 0003 617070",
        "0001 0000000000000001 0000 0000ea60 01
         03 02 61 02 00000002 00   02 62 03 00000000 00000001 00
         0000000000000000 0000000000000000   01 00 08 0000000000000001",
    );
    assert_eq!(Transactions::encode(&decision.events[0]), Some(expected));
}

#[test]
fn an_expired_id_leaves_a_tombstone() {
    let removed = Event::Removed {
        transactional_id: ID.into(),
    };
    let tombstone = LogRecord {
        key: Some(hex("0000 0003 617070")),
        value: None,
    };
    assert_eq!(Transactions::encode(&removed), Some(tombstone.clone()));
    assert_eq!(Transactions::decode(&tombstone, None), Ok(Some(removed)));
}

#[test]
fn newer_keys_are_skipped_and_newer_values_and_damage_are_reported() {
    let newer_key = record("0001 0003 617070", "0001");
    let newer_value = record("0000 0003 617070", "0002 00");
    assert_eq!(Transactions::decode(&newer_key, None), Ok(None));
    for damaged in [
        newer_value,
        LogRecord {
            key: None,
            value: None,
        },
        record("00", "0001"),
        record("0000 0009 617070", "0001"),
        record("0000 0003 617070", "0001 0000"),
        record(
            "0000 0003 617070",
            "0001 0000000000000001 0002 0000ea60 09 01 000001a2097173bc 000001a209717377 00",
        ),
    ] {
        assert!(Transactions::decode(&damaged, None).is_err(), "{damaged:?}");
    }
}
