//! Batches that decompress to far more than they weigh: whoever sends them waits, nobody else does.

use bytes::Bytes;
use once_broker::Broker;
use once_wire::batch::{Batch, BatchBuilder, CLIENT_DECOMPRESSED_MAX, HEADER_SIZE};
use once_wire::codec::{Message, Reader, Request, Writer};
use once_wire::compression::Compression;
use once_wire::error::ErrorCode;
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use once_wire::request::RequestHeader;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PRODUCE: i16 = 11;
const TIME: i64 = 1_000;

struct Client(TcpStream);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a timeout");
        Self(stream)
    }

    fn send<R: Request>(&mut self, version: i16, request: &R) {
        let header = RequestHeader {
            key: R::KEY.key(),
            version,
            correlation_id: 1,
            client_id: None,
        };
        let mut writer = Writer::new();
        header.write(&mut writer).expect("a header");
        request.encode(&mut writer, version).expect("a request");
        let frame = writer.finish_contiguous();
        let length = i32::try_from(frame.len()).expect("small");
        let bytes = [&length.to_be_bytes()[..], &frame].concat();
        self.0.write_all(&bytes).expect("it reads");
    }

    fn answer<R: Request>(&mut self, version: i16) -> R::Response {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("an answer");
        let length = usize::try_from(i32::from_be_bytes(length)).expect("a length");
        let mut frame = vec![0; length];
        self.0.read_exact(&mut frame).expect("a whole answer");
        let head = 4 + usize::from(R::response_header_version(version) > 0);
        let mut reader = Reader::new(Bytes::from(frame).slice(head..));
        R::Response::decode(&mut reader, version).expect("a sound answer")
    }

    fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        self.answer::<R>(version)
    }

    /// Bytes of answers that have come and were not taken.
    fn waiting(&self) -> usize {
        self.0.set_nonblocking(true).expect("a socket");
        let peeked = self.0.peek(&mut [0; 1 << 12]);
        self.0.set_nonblocking(false).expect("a socket");
        match peeked {
            Ok(bytes) => bytes,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                0
            }
        }
    }

    fn create(&mut self, name: &str, cleanup: &str) {
        let config = CreatableTopicConfig {
            name: "cleanup.policy".into(),
            value: Some(cleanup.into()),
            ..Default::default()
        };
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: 1,
            replication_factor: 1,
            configs: vec![config],
            ..Default::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            timeout_ms: 10_000,
            ..Default::default()
        };
        let answer = self.call(7, &request);
        assert_eq!(answer.topics[0].error_code, 0);
    }
}

fn produce(topic: &str, batch: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn zigzag(value: usize) -> Vec<u8> {
    let mut rest = value * 2;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// One record of mebibytes of zeros with a key, in gzip: one member after the other, so that it is made fast.
fn bomb(mebibytes: usize) -> Bytes {
    let value = mebibytes << 20;
    // Attributes, both deltas, the key "k"; and no headers at the end.
    let mut record = vec![0, 0, 0, 2, b'k'];
    record.extend(zigzag(value));
    let mut head = zigzag(record.len() + value + 1);
    head.extend(record);
    let zeros = Compression::Gzip.compress(&vec![0; 1 << 20]);
    let mut area = Compression::Gzip.compress(&head);
    for _ in 0..mebibytes {
        area.extend(&zeros);
    }
    area.extend(Compression::Gzip.compress(&[0]));

    let template = BatchBuilder::new().compression(Compression::Gzip);
    let template = template.push(TIME, Some(b"k"), Some(b""), &[]).build();
    let mut bytes = template.as_bytes()[..HEADER_SIZE].to_vec();
    bytes.extend(area);
    let length = i32::try_from(bytes.len() - 12).expect("small");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    Batch::parse(bytes.clone().into()).expect("a sound header");
    bytes.into()
}

fn broker() -> Broker {
    Broker::builder().ephemeral().start().expect("it starts")
}

#[test]
fn others_are_served_while_bombs_are_unpacked() {
    let broker = broker();
    let mut good = Client::connect(broker.address());
    good.create("t", "delete");
    good.create("compacted", "compact");
    let fits = CLIENT_DECOMPRESSED_MAX / (1 << 20) - 1;
    let (accepted, refused) = (bomb(fits), bomb(fits + 1));
    let mut senders: Vec<Client> = (0..8).map(|_| Client::connect(broker.address())).collect();
    for (sender, topic) in senders
        .iter_mut()
        .zip(["t", "compacted"].into_iter().cycle())
    {
        sender.send(PRODUCE, &produce(topic, accepted.clone()));
        sender.send(PRODUCE, &produce(topic, refused.clone()));
    }
    std::thread::sleep(Duration::from_millis(20));
    let small = BatchBuilder::new()
        .push(TIME, Some(b"k"), None, &[])
        .build();
    let begin = Instant::now();
    for _ in 0..10 {
        good.call(0, &ApiVersionsRequest::default());
        let answer = good.call(PRODUCE, &produce("t", small.as_bytes().clone()));
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    }
    let waited = begin.elapsed();
    let unpacked = senders.iter().filter(|sender| sender.waiting() > 0).count();
    assert!(
        unpacked < 5,
        "{unpacked} bombs were unpacked before others were served in {waited:?}"
    );
    for sender in &mut senders {
        for expected in [ErrorCode::None, ErrorCode::MessageTooLarge] {
            let answer = sender.answer::<ProduceRequest>(PRODUCE);
            let code = answer.responses[0].partition_responses[0].error_code;
            assert_eq!(code, expected.code(), "in the order of the requests");
        }
    }
}

#[test]
fn a_search_by_time_does_not_unpack_bombs_where_others_wait() {
    let broker = broker();
    let mut good = Client::connect(broker.address());
    good.create("t", "delete");
    let answer = good.call(PRODUCE, &produce("t", bomb(60)));
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let search = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 0,
                timestamp: TIME,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut searching = Client::connect(broker.address());
    let found = searching.call(7, &search);
    let partition = &found.topics[0].partitions[0];
    assert_eq!(
        (partition.error_code, partition.offset, partition.timestamp),
        (0, 0, TIME)
    );
    const SEARCHES: usize = 6;
    let begin = Instant::now();
    for _ in 0..SEARCHES {
        searching.send(7, &search);
    }
    std::thread::sleep(Duration::from_millis(5));
    good.call(0, &ApiVersionsRequest::default());
    let (waited, answered) = (begin.elapsed(), searching.waiting());
    assert_eq!(answered, 0, "nobody else was served for {waited:?}");
    for _ in 0..SEARCHES {
        searching.answer::<ListOffsetsRequest>(7);
    }
}
