//! Topics, Produce and Fetch.

use super::rig::Rig;
use crate::api::TABLE;
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::fetch_response::PartitionData;
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::metadata_request::{MetadataRequest, MetadataRequestTopic};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use once_wire::message::produce_response::PartitionProduceResponse;

fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder = builder.push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    }
    builder.build().as_bytes().clone()
}

fn produce(records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData {
        index: 0,
        records: Some(records),
        ..Default::default()
    };
    ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![data],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn make_topic(rig: &mut Rig, client: ConnectionId) -> once_wire::ids::Uuid {
    let topic = MetadataRequestTopic {
        name: Some("t".into()),
        ..Default::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        allow_auto_topic_creation: true,
        ..Default::default()
    };
    let response = rig.call(client, 12, &request);
    assert_eq!(response.topics[0].error_code, 0);
    assert_eq!(response.topics[0].partitions.len(), 1);
    response.topics[0].topic_id
}

fn fetch_request(id: once_wire::ids::Uuid, version: i16, offset: i64, wait: i32) -> FetchRequest {
    let partition = FetchPartition {
        partition: 0,
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic {
        topic: if version < 13 {
            "t".into()
        } else {
            String::new()
        },
        topic_id: if version < 13 {
            once_wire::ids::Uuid::ZERO
        } else {
            id
        },
        partitions: vec![partition],
        ..Default::default()
    };
    FetchRequest {
        max_wait_ms: wait,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

fn produced(
    response: &once_wire::message::produce_response::ProduceResponse,
) -> &PartitionProduceResponse {
    &response.responses[0].partition_responses[0]
}

fn only(response: &once_wire::message::fetch_response::FetchResponse) -> &PartitionData {
    &response.responses[0].partitions[0]
}

#[test]
fn what_is_produced_is_fetched_in_every_version() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let id = make_topic(&mut rig, client);
    let mut end = 0;
    for version in 3..=11 {
        let answer = rig.call(client, version, &produce(batch(&["a", "b"])));
        assert_eq!(
            (produced(&answer).error_code, produced(&answer).base_offset),
            (0, end)
        );
        end += 2;
    }
    for version in 4..=18 {
        let answer = rig.call(client, version, &fetch_request(id, version, end - 2, 0));
        let data = only(&answer);
        assert_eq!(
            (data.error_code, data.high_watermark),
            (0, end),
            "version {version}"
        );
        let mut records = data.records.clone().expect("records");
        let batch = once_wire::batch::Batch::split_first(&mut records).expect("a sound batch");
        assert_eq!((batch.base_offset(), batch.records_count()), (end - 2, 2));
    }
}

#[test]
fn nothing_is_acknowledged_or_readable_before_it_is_flushed() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let id = make_topic(&mut rig, client);
    rig.flush_at_once = false;
    let sent = rig.send(client, 9, &produce(batch(&["a"])));
    assert_eq!(rig.answer::<ProduceRequest>(sent, 9), None);
    let reader = rig.connect();
    let unread = rig.call(reader, 12, &fetch_request(id, 12, 0, 0));
    assert_eq!(
        (only(&unread).high_watermark, only(&unread).records.clone()),
        (0, Some(Bytes::new()))
    );
    assert!(rig.flush_one());
    let answer = rig.answer::<ProduceRequest>(sent, 9).expect("flushed");
    assert_eq!(produced(&answer).error_code, 0);
    let read = rig.call(reader, 12, &fetch_request(id, 12, 0, 0));
    assert_eq!(only(&read).high_watermark, 1);
}

#[test]
fn a_fetch_that_wants_more_waits_until_all_its_logs_together_have_it() {
    let mut rig = Rig::new();
    let (producer, reader) = (rig.connect(), rig.connect());
    rig.make_topic(producer, "t", 2);
    let records = batch(&["a"]);
    let size = records.len();
    let to = |index| {
        let mut request = produce(records.clone());
        request.topic_data[0].partition_data[0].index = index;
        request
    };
    rig.call(producer, 9, &to(0));
    let mut wanted = fetch_request(once_wire::ids::Uuid::ZERO, 12, 1, 500);
    wanted.min_bytes = i32::try_from(2 * size + size / 2).expect("small");
    let partitions = &mut wanted.topics[0].partitions;
    partitions.push(partitions[0].clone());
    partitions[1].partition = 1;
    partitions[1].fetch_offset = 0;
    let sent = rig.send(reader, 12, &wanted);
    for index in [0, 1] {
        rig.call(producer, 9, &to(index));
        assert_eq!(rig.answer::<FetchRequest>(sent, 12), None);
    }
    rig.call(producer, 9, &to(1));
    let full = rig.answer::<FetchRequest>(sent, 12).expect("enough came");
    let sizes = full.responses[0].partitions.iter();
    let sizes: Vec<_> = sizes.map(|p| p.records.as_ref().map(Bytes::len)).collect();
    assert_eq!(sizes, [Some(size), Some(2 * size)]);
}

#[test]
fn a_fetch_does_not_wait_for_more_than_an_answer_may_bring() {
    let mut rig = Rig::new();
    let (producer, reader) = (rig.connect(), rig.connect());
    let id = make_topic(&mut rig, producer);
    let records = batch(&["a"]);
    let mut wanted = fetch_request(id, 12, 0, 500);
    let size = records.len();
    wanted.max_bytes = i32::try_from(2 * size + size / 2).expect("small");
    wanted.min_bytes = 1 << 20;
    let sent = rig.send(reader, 12, &wanted);
    for _ in 0..3 {
        assert_eq!(rig.answer::<FetchRequest>(sent, 12), None);
        rig.call(producer, 9, &produce(records.clone()));
    }
    let full = rig.answer::<FetchRequest>(sent, 12);
    let full = full.expect("as much is there as an answer may bring");
    let brought = only(&full).records.as_ref().map(Bytes::len);
    assert_eq!(brought, Some(2 * size));
    let at_once = rig.call(reader, 12, &wanted);
    assert_eq!(only(&at_once).records, only(&full).records);
}

#[test]
fn a_fetch_waits_for_records_and_no_longer_than_it_asked() {
    let mut rig = Rig::new();
    let (producer, reader) = (rig.connect(), rig.connect());
    let id = make_topic(&mut rig, producer);
    let sent = rig.send(reader, 12, &fetch_request(id, 12, 0, 500));
    assert_eq!(rig.answer::<FetchRequest>(sent, 12), None);
    rig.sleep(499);
    assert_eq!(rig.answer::<FetchRequest>(sent, 12), None);
    rig.sleep(1);
    let empty = rig
        .answer::<FetchRequest>(sent, 12)
        .expect("its time is up");
    assert_eq!(only(&empty).records, Some(Bytes::new()));

    let sent = rig.send(reader, 12, &fetch_request(id, 12, 0, 500));
    rig.call(producer, 9, &produce(batch(&["a"])));
    let full = rig.answer::<FetchRequest>(sent, 12).expect("records came");
    assert!(
        only(&full)
            .records
            .as_ref()
            .is_some_and(|records| !records.is_empty())
    );
}

#[test]
fn answers_leave_in_the_order_of_requests() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let id = make_topic(&mut rig, client);
    let fetch = rig.send(client, 12, &fetch_request(id, 12, 0, 500));
    let other = rig.send(client, 12, &MetadataRequest::default());
    assert_eq!(
        rig.answer::<FetchRequest>(fetch, 12),
        None,
        "the fetch still waits"
    );
    rig.sleep(500);
    assert!(rig.answer::<FetchRequest>(fetch, 12).is_some());
    assert!(rig.answer::<MetadataRequest>(other, 12).is_some());
}

#[test]
fn a_damaged_batch_is_refused_and_changes_nothing() {
    let mut rig = Rig::new();
    let client = rig.connect();
    make_topic(&mut rig, client);
    let mut flipped = batch(&["a"]).to_vec();
    *flipped.last_mut().expect("bytes") ^= 1;
    let mut two = batch(&["a"]).to_vec();
    two.extend_from_slice(&batch(&["b"]));
    let refused = [
        (Bytes::from(flipped), ErrorCode::CorruptMessage),
        (Bytes::from(two), ErrorCode::InvalidRecord),
        (Bytes::new(), ErrorCode::InvalidRecord),
    ];
    for (records, error) in refused {
        let answer = rig.call(client, 9, &produce(records));
        assert_eq!(produced(&answer).error_code, error.code());
        assert_eq!(produced(&answer).base_offset, -1);
    }
    let answer = rig.call(client, 9, &produce(batch(&["a"])));
    assert_eq!(produced(&answer).base_offset, 0);
}

#[test]
fn produce_without_acks_is_silent_and_its_failure_closes_the_connection() {
    let mut rig = Rig::new();
    let client = rig.connect();
    make_topic(&mut rig, client);
    let silent = ProduceRequest {
        acks: 0,
        ..produce(batch(&["a"]))
    };
    let sent = rig.send(client, 9, &silent);
    assert_eq!(rig.answer::<ProduceRequest>(sent, 9), None);
    let next = rig.call(client, 9, &produce(batch(&["b"])));
    assert_eq!(produced(&next).base_offset, 1);
    rig.send(
        client,
        9,
        &ProduceRequest {
            acks: 0,
            ..produce(Bytes::new())
        },
    );
    assert_eq!(rig.closed.len(), 1);
}

#[test]
fn offsets_are_listed_by_isolation_and_by_time() {
    let mut rig = Rig::new();
    let client = rig.connect();
    make_topic(&mut rig, client);
    rig.call(client, 9, &produce(batch(&["a", "b"])));
    let expected = [
        (-1, (-1, 2)),
        (-2, (-1, 0)),
        (-3, (1_700_000_000_000, 0)),
        (-4, (-1, 0)),
        (-5, (-1, -1)),
        (1_600_000_000_000, (1_700_000_000_000, 0)),
        (1_800_000_000_000, (-1, -1)),
    ];
    for (timestamp, answer) in expected {
        let partition = ListOffsetsPartition {
            timestamp,
            ..Default::default()
        };
        let topic = ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = ListOffsetsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        let response = rig.call(client, 9, &request);
        let found = &response.topics[0].partitions[0];
        assert_eq!(
            (found.timestamp, found.offset),
            answer,
            "asked for {timestamp}"
        );
    }
}

#[test]
fn offsets_are_listed_in_every_version() {
    let mut rig = Rig::new();
    let client = rig.connect();
    make_topic(&mut rig, client);
    for version in 1..=11 {
        let partition = ListOffsetsPartition {
            timestamp: -1,
            ..Default::default()
        };
        let topic = ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = ListOffsetsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        let response = rig.call(client, version, &request);
        assert_eq!(
            response.topics[0].partitions[0].offset, 0,
            "version {version}"
        );
    }
}

#[test]
fn every_served_version_is_one_that_the_codec_reads() {
    for row in TABLE {
        for version in row.versions.iter() {
            let mut reader = once_wire::codec::Reader::new(Bytes::new());
            // An empty body decodes or is an error; it never panics.
            let _ = (row.parse)(&mut reader, version);
        }
    }
}
