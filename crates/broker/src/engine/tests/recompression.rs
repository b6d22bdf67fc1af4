//! Topics whose `compression.type` is not `producer` (Kafka: `LogValidator`, target compression).

use super::reading::{batches, fetch};
use super::rig::Rig;
use crate::engine::ConnectionId;
use once_wire::batch::{Batch, BatchBuilder};
use once_wire::compression::Compression;
use once_wire::error::ErrorCode;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const NOW: i64 = 1_700_000_000_000;

fn rig(configs: &[(&str, &str)]) -> (Rig, ConnectionId) {
    let mut rig = Rig::new();
    let client = rig.connect();
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: (*name).into(),
        value: Some((*value).into()),
        ..Default::default()
    };
    let topic = CreatableTopic {
        name: "t".into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 7, &request).topics[0].error_code, 0);
    (rig, client)
}

/// Ten records of zeros, from a producer.
fn batch(codec: Compression, sequence: i32) -> Batch {
    let batch = BatchBuilder::new()
        .compression(codec)
        .producer(7, 0, sequence);
    let push = |batch: BatchBuilder, n| batch.push(NOW + n, Some(b"key"), Some(&[0; 300]), &[]);
    (0..10).fold(batch, push).build()
}

fn produce(rig: &mut Rig, client: ConnectionId, batch: &Batch) -> (i16, i64) {
    let data = PartitionProduceData {
        records: Some(batch.as_bytes().clone()),
        ..Default::default()
    };
    let topic = TopicProduceData {
        name: "t".into(),
        partition_data: vec![data],
        ..Default::default()
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![topic],
        ..Default::default()
    };
    let answer = rig.call(client, 9, &request);
    let partition = &answer.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

fn stored(rig: &mut Rig) -> Vec<Batch> {
    batches(fetch(rig, "t", 0).records)
}

#[test]
fn what_is_stored_is_in_the_topics_codec_with_the_same_records() {
    for (name, codec) in [
        ("gzip", Compression::Gzip),
        ("uncompressed", Compression::None),
    ] {
        let (mut rig, client) = rig(&[("compression.type", name)]);
        let sent = [
            batch(Compression::None, 0),
            batch(Compression::Zstd, 10),
            batch(codec, 20),
        ];
        for (batch, offset) in sent.iter().zip([0, 10, 20]) {
            assert_eq!(produce(&mut rig, client, batch), (0, offset), "{name}");
        }
        for (stored, sent) in stored(&mut rig).iter().zip(&sent) {
            assert_eq!(stored.compression(), codec);
            let records = |batch: &Batch| -> Vec<_> {
                let all = batch.records(1 << 20).expect("records");
                let content = |r: once_wire::records::Record| (r.timestamp, r.key, r.value);
                all.map(|record| content(record.expect("sound"))).collect()
            };
            assert_eq!(records(stored), records(sent));
            assert_eq!(stored.base_sequence(), sent.base_sequence());
        }
    }
}

#[test]
fn the_size_is_judged_after_conversion_too() {
    let (mut rig, client) = rig(&[
        ("compression.type", "uncompressed"),
        ("max.message.bytes", "1000"),
    ]);
    let packed = batch(Compression::Gzip, 0);
    assert!(packed.size() < 1000);
    let too_large = ErrorCode::MessageTooLarge.code();
    assert_eq!(produce(&mut rig, client, &packed).0, too_large);
    assert!(stored(&mut rig).is_empty());
}

#[test]
fn a_retry_is_a_duplicate_and_a_setting_holds_from_its_change_on() {
    let (mut rig, client) = rig(&[]);
    let first = batch(Compression::None, 0);
    assert_eq!(produce(&mut rig, client, &first), (0, 0));
    let config = AlterableConfig {
        name: "compression.type".into(),
        value: Some("lz4".into()),
        ..Default::default()
    };
    let resource = AlterConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configs: vec![config],
        ..Default::default()
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![resource],
        ..Default::default()
    };
    assert_eq!(rig.call(client, 1, &request).responses[0].error_code, 0);
    assert_eq!(produce(&mut rig, client, &first), (0, 0), "a retry");
    assert_eq!(
        produce(&mut rig, client, &batch(Compression::None, 10)),
        (0, 10)
    );
    let codecs: Vec<_> = stored(&mut rig)
        .iter()
        .map(|batch| batch.compression())
        .collect();
    assert_eq!(codecs, [Compression::None, Compression::Lz4]);
}
