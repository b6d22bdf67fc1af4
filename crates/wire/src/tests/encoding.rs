//! The generated codec against the notation, and the rules of encoding.

use bytes::Bytes;

use super::vectors::{self, Rng};
use super::{every_message, vectors::schema};
use crate::codec::{DecodeError, EncodeError, Message, Reader, TaggedFields, Writer};
use crate::message::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::message::init_producer_id_request::InitProducerIdRequest;
use crate::message::metadata_request::MetadataRequest;
use crate::message::produce_request::ProduceRequest;
use crate::message::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use crate::record::group::ConsumerGroupMemberMetadataValue;
use crate::record::group::consumer_group_member_metadata_value::ClassicMemberMetadata;

#[test]
fn every_message_in_every_version_reads_and_writes_what_the_notation_says() {
    let schema = schema();
    assert!(
        schema.messages.len() > 220,
        "{} messages",
        schema.messages.len()
    );
    for message in &schema.messages {
        let ours = every_message::find(&message.name).expect("every message is generated");
        assert_eq!(
            ours.versions,
            message.versions.min..=message.versions.max,
            "{}",
            ours.name
        );
        for version in ours.versions.clone() {
            for seed in 0..20 {
                let bytes = Bytes::from(vectors::random(message, version, &mut Rng::new(seed)));
                let again = (ours.recode)(bytes.clone(), version);
                assert_eq!(
                    again,
                    Ok(bytes),
                    "{} version {version} seed {seed}",
                    ours.name
                );
            }
            let default = Bytes::from(vectors::default(message, version));
            let ours_default = (ours.default)(version);
            assert_eq!(
                ours_default,
                Ok(default),
                "the default of {} version {version}",
                ours.name
            );
        }
    }
}

fn encode(message: &impl Message, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::new();
    message.encode(&mut w, version)?;
    Ok(w.finish_contiguous())
}

fn decode<M: Message>(bytes: Bytes, version: i16) -> Result<M, DecodeError> {
    M::decode(&mut Reader::new(bytes), version)
}

#[test]
fn an_unstable_version_needs_the_switch() {
    let request = InitProducerIdRequest {
        enable2_pc: true,
        ..Default::default()
    };
    let refused = EncodeError::UnsupportedVersion {
        message: "InitProducerIdRequest",
        version: 6,
    };
    assert_eq!(request.encode(&mut Writer::new(), 6), Err(refused));

    let mut w = Writer::new().allow_unstable();
    request.encode(&mut w, 6).expect("the switch is on");
    let bytes = w.finish_contiguous();
    let refused = DecodeError::UnsupportedVersion {
        message: "InitProducerIdRequest",
        version: 6,
    };
    assert_eq!(
        decode::<InitProducerIdRequest>(bytes.clone(), 6),
        Err(refused)
    );
    let mut r = Reader::new(bytes).allow_unstable();
    assert_eq!(InitProducerIdRequest::decode(&mut r, 6), Ok(request));
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    for version in [-1, 2, 14] {
        let refused = DecodeError::UnsupportedVersion {
            message: "ProduceRequest",
            version,
        };
        assert_eq!(
            decode::<ProduceRequest>(Bytes::new(), version),
            Err(refused)
        );
    }
}

#[test]
fn a_value_that_a_version_cannot_carry_is_refused_unless_ignorable() {
    // `AllowAutoTopicCreation` came with version 4 and is not ignorable; its default is true.
    let request = MetadataRequest {
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let lost = EncodeError::FieldNotInVersion {
        field: "MetadataRequest.AllowAutoTopicCreation",
        version: 3,
    };
    assert_eq!(encode(&request, 3), Err(lost));
    assert!(encode(&request, 4).is_ok());
    assert!(encode(&MetadataRequest::default(), 3).is_ok());

    // `LogStartOffset` came with version 5 and is ignorable.
    let partition = PartitionProduceResponse {
        log_start_offset: 17,
        ..Default::default()
    };
    let topic = TopicProduceResponse {
        partition_responses: vec![partition],
        ..Default::default()
    };
    let response = ProduceResponse {
        responses: vec![topic],
        ..Default::default()
    };
    let old: ProduceResponse = decode(encode(&response, 4).expect("dropped"), 4).expect("sound");
    assert_eq!(old.responses[0].partition_responses[0].log_start_offset, -1);
}

#[test]
fn null_is_refused_where_a_version_has_none() {
    let request = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let refused = EncodeError::NullNotAllowed {
        field: "MetadataRequest.Topics",
        version: 0,
    };
    assert_eq!(encode(&request, 0), Err(refused));
    assert_eq!(
        decode::<MetadataRequest>(Bytes::from_static(&[0xff; 4]), 0),
        Err(DecodeError::UnexpectedNull)
    );
    let null: MetadataRequest =
        decode(Bytes::from_static(&[0xff; 4]), 1).expect("null means all topics");
    assert_eq!(null.topics, None);
}

#[test]
fn unknown_tagged_fields_survive_and_cannot_clash() {
    let mut response = ProduceResponse::default();
    response.tagged.insert(9, Bytes::from_static(b"later"));
    response.tagged.insert(3, Bytes::from_static(b"sooner"));
    let bytes = encode(&response, 11).expect("flexible");
    let again: ProduceResponse = decode(bytes.clone(), 11).expect("sound");
    assert_eq!(
        again.tagged.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(),
        [3, 9],
        "ascending, as Kafka writes"
    );
    assert_eq!(
        again.tagged.get(9).map(|content| &content[..]),
        Some(&b"later"[..])
    );
    assert_eq!(encode(&again, 11), Ok(bytes));
    assert!(encode(&again, 8).is_err(), "version 8 has no tagged fields");

    response.node_endpoints.push(Default::default());
    response.tagged.insert(0, Bytes::new());
    assert_eq!(encode(&response, 11), Err(EncodeError::DuplicateTag(0)));
    assert_eq!(size_of::<TaggedFields>(), size_of::<usize>());
}

#[test]
fn a_known_tagged_field_fills_its_size() {
    let bytes = encode(
        &ProduceResponse {
            node_endpoints: vec![Default::default()],
            ..Default::default()
        },
        11,
    );
    let mut bytes = bytes.expect("sound").to_vec();
    // No responses, throttle time, one tagged field: tag 0, its size, its content.
    assert_eq!(bytes[5..8], [1, 0, bytes.len() as u8 - 8]);
    bytes[7] += 1;
    bytes.push(0);
    assert_eq!(
        decode::<ProduceResponse>(bytes.into(), 11),
        Err(DecodeError::TagSize(0))
    );
}

#[test]
fn records_pass_through_uncopied_both_ways() {
    let records = Bytes::from(vec![7; 5000]);
    let partition = PartitionData {
        records: Some(records.clone()),
        ..Default::default()
    };
    let topic = FetchableTopicResponse {
        partitions: vec![partition],
        ..Default::default()
    };
    let response = FetchResponse {
        responses: vec![topic],
        ..Default::default()
    };
    let mut w = Writer::new();
    response.encode(&mut w, 16).expect("sound");
    let segments = w.finish();
    assert_eq!(segments.len(), 3, "before, the records, after");
    assert_eq!(segments[1].as_ptr(), records.as_ptr());

    let frame = Bytes::from(segments.concat());
    let decoded: FetchResponse = decode(frame.clone(), 16).expect("sound");
    let decoded = decoded.responses[0].partitions[0]
        .records
        .clone()
        .expect("it has records");
    assert!(
        frame.as_ptr_range().contains(&decoded.as_ptr()),
        "a slice of the frame"
    );
}

#[test]
fn null_in_a_tagged_field_is_what_kafka_writes() {
    // Kafka 4.3.1's `ConsumerGroupMemberMetadataValue` with `ClassicMemberMetadata` null, default, and set.
    let with = |classic| ConsumerGroupMemberMetadataValue {
        classic_member_metadata: classic,
        ..Default::default()
    };
    let head = [1, 1, 1, 1, 1, 1, 0xff, 0xff, 0xff, 0xff, 1];
    let set = ClassicMemberMetadata {
        session_timeout_ms: 5,
        ..Default::default()
    };
    for (value, tail) in [
        (None, &[1, 0, 1, 0][..]),
        (Some(ClassicMemberMetadata::default()), &[0]),
        (Some(set), &[1, 0, 7, 1, 0, 0, 0, 5, 1, 0]),
    ] {
        let bytes = Bytes::from([&head, tail].concat());
        assert_eq!(encode(&with(value.clone()), 0), Ok(bytes.clone()));
        assert_eq!(decode(bytes, 0), Ok(with(value)));
    }
}
