//! In which order a batch is checked, and that what is cheap comes first.

use super::rig::Rig;
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_wire::batch::{Batch, BatchBuilder, CLIENT_DECOMPRESSED_MAX};
use once_wire::compression::Compression;
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const NOW: i64 = 1_700_000_000_000;

/// A topic `t` that takes batches of 1,000 bytes, and `wide` with two partitions that takes any.
fn rig() -> (Rig, ConnectionId) {
    let mut rig = Rig::new();
    let client = rig.connect();
    let topic = |name: &str, partitions, max: &str| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: vec![CreatableTopicConfig {
            name: "max.message.bytes".into(),
            value: Some(max.into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic("t", 1, "1000"), topic("wide", 2, "10000000")],
        ..Default::default()
    };
    let answer = rig.call(client, 7, &request);
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0));
    (rig, client)
}

fn produce(rig: &mut Rig, client: ConnectionId, topic: &str, batches: &[Bytes]) -> Vec<i16> {
    let part = |(index, batch): (i32, &Bytes)| PartitionProduceData {
        index,
        records: Some(batch.clone()),
        ..Default::default()
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: (0..).zip(batches).map(part).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = rig.call(client, 9, &request);
    let partitions = answer.responses[0].partition_responses.iter();
    partitions.map(|partition| partition.error_code).collect()
}

/// A batch of random-looking bytes, or of zeros.
fn batch(codec: Compression, size: usize, zeros: bool) -> Batch {
    let mut seed: u64 = 1;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 56) as u8
    };
    let value = if zeros {
        vec![0; size]
    } else {
        (0..size).map(|_| noise()).collect()
    };
    BatchBuilder::new()
        .compression(codec)
        .push(NOW, None, Some(&value), &[])
        .build()
}

fn damaged(batch: &Batch) -> Bytes {
    let mut bytes = batch.as_bytes().to_vec();
    *bytes.last_mut().expect("not empty") ^= 1;
    bytes.into()
}

#[test]
fn a_topic_that_is_not_there_comes_first_then_the_size_then_the_checksum() {
    let (mut rig, client) = rig();
    let [unknown, too_large, corrupt] = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::MessageTooLarge,
        ErrorCode::CorruptMessage,
    ]
    .map(ErrorCode::code);
    for codec in [Compression::None, Compression::Zstd] {
        // Looked at where they arrive, and elsewhere.
        for size in [2_000, 3 << 20] {
            let batch = damaged(&batch(codec, size, false));
            let told =
                |rig: &mut Rig, topic| produce(rig, client, topic, std::slice::from_ref(&batch));
            assert_eq!(told(&mut rig, "nope"), [unknown], "{codec:?} {size}");
            assert_eq!(told(&mut rig, "t"), [too_large], "{codec:?} {size}");
            assert_eq!(told(&mut rig, "wide"), [corrupt], "{codec:?} {size}");
        }
    }
}

#[test]
fn a_batch_that_gives_much_passes_and_one_that_gives_too_much_does_not() {
    let (mut rig, client) = rig();
    for codec in [Compression::Lz4, Compression::Snappy, Compression::Zstd] {
        let half = batch(codec, CLIENT_DECOMPRESSED_MAX / 2, true)
            .as_bytes()
            .clone();
        assert_eq!(
            produce(&mut rig, client, "wide", std::slice::from_ref(&half)),
            [0]
        );
        // All batches of a request share one limit.
        let too_large = ErrorCode::MessageTooLarge.code();
        let both = [half.clone(), half];
        assert_eq!(produce(&mut rig, client, "wide", &both), [0, too_large]);
    }
}

#[test]
fn what_is_no_whole_batch_is_told_so_as_kafka_tells_it() {
    let (mut rig, client) = rig();
    let sound = batch(Compression::None, 10, true).as_bytes().clone();
    let with = |at: usize, byte: u8| {
        let mut bytes = sound.to_vec();
        bytes[at] = byte;
        Bytes::from(bytes)
    };
    let (invalid, corrupt) = (ErrorCode::InvalidRecord, ErrorCode::CorruptMessage);
    // Codes that Kafka 4.3.1 answered to these bytes.
    for (what, bytes, error) in [
        ("whole", sound.clone(), ErrorCode::None),
        ("cut", sound.slice(..sound.len() - 3), invalid),
        ("header cut", sound.slice(..40), invalid),
        ("nothing", Bytes::new(), invalid),
        ("two", [&sound[..], &sound[..]].concat().into(), invalid),
        ("length 13", with(11, 13), corrupt),
        ("format 1", with(16, 1), invalid),
        ("format 3", with(16, 3), corrupt),
        ("base offset 1", with(7, 1), invalid),
        ("a bit", with(70, 7), corrupt),
    ] {
        let told = produce(&mut rig, client, "t", &[bytes]);
        assert_eq!(told, [error.code()], "{what}");
    }
}
