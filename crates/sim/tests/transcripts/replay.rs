//! What real clients asked an Apache Kafka is asked of our broker, byte by byte and in the same order, and it has to
//! answer as Kafka did.
//!
//! What brokers choose themselves is translated both ways: names of members, ids of topics. Producer ids are brought to
//! where Kafka's were.

use crate::transcript::{Exchange, Transcript};
use bytes::Bytes;
use once_broker::{Broker, FlushPolicy};
use once_wire::api::ApiKey;
use once_wire::codec::{Message, Reader, Request, Writer};
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message as m;
use once_wire::request::{RequestHeader, read_header, read_response_header};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What is asked and not compared: what brokers are and where, and what `compare-tools` compares.
const NOT_COMPARED: [ApiKey; 2] = [ApiKey::DescribeCluster, ApiKey::DescribeTopicPartitions];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a request is given to arrive before the next one goes on another connection.
const ARRIVES: Duration = Duration::from_millis(100);

/// Who asks by hand.
struct Hand {
    stream: TcpStream,
    correlation: i32,
}

/// A scene that is played again.
struct Replay {
    address: SocketAddr,
    hand: Hand,
    connections: BTreeMap<u64, TcpStream>,
    /// What brokers chose themselves: Kafka's, and ours.
    translated: Vec<(Vec<u8>, Vec<u8>)>,
    /// The producer id that comes next.
    next_id: i64,
    /// What was asked of who was told by Kafka to ask again, and our answers, by client and API: they are those to
    /// what it asks then.
    early: BTreeMap<(String, i16), (Bytes, Bytes)>,
    /// What differs.
    differences: Vec<String>,
}

/// Plays a transcript; what our broker answers otherwise.
pub(crate) fn differences(transcript: &Transcript) -> Vec<String> {
    let broker = Broker::builder().ephemeral().flush(FlushPolicy::Os).start();
    let broker = broker.expect("a broker starts");
    let address = broker.address();
    let mut replay = Replay {
        address,
        hand: Hand::new(address),
        connections: BTreeMap::new(),
        translated: Vec::new(),
        next_id: 0,
        early: BTreeMap::new(),
        differences: Vec::new(),
    };
    for (name, (id, partitions)) in &transcript.topics {
        let own = replay.hand.create(name, *partitions);
        replay.translated.push((id.0.to_vec(), own.0.to_vec()));
    }
    let frames = transcript.frames().into_iter();
    let frames: Vec<_> = frames
        .filter(|(_, exchange, _)| is_played(exchange))
        .collect();
    for (place, (_, exchange, is_request)) in frames.iter().enumerate() {
        let next = frames.get(place + 1);
        let elsewhere = next.is_some_and(|(_, next, _)| next.connection != exchange.connection);
        match is_request {
            true => replay.ask(exchange, elsewhere),
            false => replay.hear(exchange),
        }
    }
    assert!(replay.early.is_empty(), "who is told to ask again does");
    replay.differences
}

/// Reading depends on records that nobody recorded the writing of; where coordinators are, on who asks.
fn is_played(exchange: &Exchange) -> bool {
    let key = header(&exchange.request).key;
    ![ApiKey::Fetch, ApiKey::ListOffsets, ApiKey::FindCoordinator]
        .iter()
        .any(|api| api.key() == key)
}

impl Replay {
    /// Sends a request. If something passes elsewhere before its answer comes, it has to be there by then.
    fn ask(&mut self, exchange: &Exchange, elsewhere: bool) {
        if let Some((before, _)) = self.early.get(&asker(exchange)) {
            assert_eq!(
                before,
                &exchange.request.slice(8..),
                "asked again as it was"
            );
            return;
        }
        if header(&exchange.request).key == ApiKey::InitProducerId.key()
            && exchange.answered.is_some()
        {
            self.take_ids_before(exchange);
        }
        let request = translate(&exchange.request, &self.translated, false);
        let address = self.address;
        let stream = self
            .connections
            .entry(exchange.connection)
            .or_insert_with(|| connect(address));
        write(stream, &request);
        if elsewhere {
            std::thread::sleep(ARRIVES);
        }
    }

    /// Kafka gave ids to others in between.
    fn take_ids_before(&mut self, exchange: &Exchange) {
        let said = response::<m::init_producer_id_request::InitProducerIdRequest>(
            exchange,
            &exchange.answer,
        );
        if said.error_code == 0 && said.producer_epoch == 0 {
            while self.next_id < said.producer_id {
                self.next_id = self.hand.take_id() + 1;
            }
            self.next_id += 1;
        }
    }

    fn hear(&mut self, exchange: &Exchange) {
        let early = self.early.remove(&asker(exchange));
        let ours = early.map(|(_, ours)| ours).unwrap_or_else(|| {
            let stream = self.connections.get_mut(&exchange.connection);
            read(stream.expect("it was asked on"))
        });
        if exchange.lost {
            self.connections.remove(&exchange.connection);
        }
        self.learn(exchange, &ours);
        let translated = translate(&ours, &self.translated, true);
        let (kafka, once) = (
            told(exchange, &exchange.answer),
            told(exchange, &translated),
        );
        if says_later(&kafka) {
            if !says_later(&once) {
                let asked = exchange.request.slice(8..);
                self.early.insert(asker(exchange), (asked, ours));
            }
        } else if kafka != once {
            let (api, at) = (header(&exchange.request).key, exchange.sent);
            let api = ApiKey::from_key(api).map_or("?", ApiKey::name);
            self.differences
                .push(format!("{api} at {at}:\n- {kafka}\n+ {once}"));
        }
    }

    /// The name that a member of a classic group was given.
    fn learn(&mut self, exchange: &Exchange, ours: &Bytes) {
        type Join = m::join_group_request::JoinGroupRequest;
        if header(&exchange.request).key != ApiKey::JoinGroup.key() {
            return;
        }
        let kafka = response::<Join>(exchange, &exchange.answer);
        let once = response::<Join>(exchange, ours);
        let mut pairs = vec![(kafka.member_id, once.member_id)];
        // A leader is told of those who have not heard their names yet.
        for member in kafka.members {
            let same = once
                .members
                .iter()
                .find(|own| called(&own.member_id) == called(&member.member_id));
            pairs.extend(same.map(|own| (member.member_id, own.member_id.clone())));
        }
        for (kafka, once) in pairs {
            let pair = (kafka.into_bytes(), once.into_bytes());
            if pair.0.len() == pair.1.len() && !self.translated.contains(&pair) {
                self.translated.push(pair);
            }
        }
    }
}

impl Hand {
    fn new(address: SocketAddr) -> Self {
        Self {
            stream: connect(address),
            correlation: 0,
        }
    }

    fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.correlation += 1;
        let header = RequestHeader {
            key: R::KEY.key(),
            version,
            correlation_id: self.correlation,
            client_id: None,
        };
        let mut frame = Writer::new();
        header.write(&mut frame).expect("a header");
        request.encode(&mut frame, version).expect("a request");
        write(&mut self.stream, &frame.finish_contiguous());
        let mut reader = Reader::new(read(&mut self.stream));
        read_response_header(&mut reader, R::KEY, version).expect("a header");
        R::Response::decode(&mut reader, version).expect("an answer")
    }

    fn create(&mut self, name: &str, partitions: i32) -> Uuid {
        let request = m::create_topics_request::CreateTopicsRequest {
            topics: vec![m::create_topics_request::CreatableTopic {
                name: name.to_owned(),
                num_partitions: partitions,
                replication_factor: 1,
                ..Default::default()
            }],
            timeout_ms: 10_000,
            ..Default::default()
        };
        self.call(7, &request).topics[0].topic_id
    }

    fn take_id(&mut self) -> i64 {
        let request = m::init_producer_id_request::InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        let said = self.call(4, &request);
        assert_eq!(said.error_code, 0, "a producer id is given");
        said.producer_id
    }
}

/// The part of a member's name that it has from its client; a UUID follows.
fn called(member_id: &str) -> &str {
    member_id
        .get(..member_id.len().saturating_sub(36))
        .unwrap_or_default()
}

/// Who asks what.
fn asker(exchange: &Exchange) -> (String, i16) {
    (exchange.client.clone(), header(&exchange.request).key)
}

/// Kafka ends a transaction after it has said so, and who comes too early is told to come again.
fn says_later(told: &str) -> bool {
    [
        ErrorCode::ConcurrentTransactions,
        ErrorCode::UnstableOffsetCommit,
    ]
    .iter()
    .any(|code| told.contains(&format!("error_code: {},", code.code())))
}

fn header(request: &Bytes) -> RequestHeader {
    read_header(&mut Reader::new(request.clone())).expect("a header")
}

fn response<R: Request>(exchange: &Exchange, answer: &Bytes) -> R::Response {
    let mut reader = Reader::new(answer.clone());
    let version = header(&exchange.request).version;
    read_response_header(&mut reader, R::KEY, version).expect("a header");
    R::Response::decode(&mut reader, version).expect("an answer of its version")
}

/// An answer in words.
fn told(exchange: &Exchange, answer: &Bytes) -> String {
    fn of<R: Request>(exchange: &Exchange, answer: &Bytes) -> Option<String>
    where
        R::Response: Debug,
    {
        let is = header(&exchange.request).key == R::KEY.key();
        is.then(|| format!("{:?}", response::<R>(exchange, answer)))
    }
    let words = None
        .or_else(|| written(exchange, answer))
        .or_else(|| of::<m::init_producer_id_request::InitProducerIdRequest>(exchange, answer))
        .or_else(|| {
            of::<m::add_partitions_to_txn_request::AddPartitionsToTxnRequest>(exchange, answer)
        })
        .or_else(|| of::<m::add_offsets_to_txn_request::AddOffsetsToTxnRequest>(exchange, answer))
        .or_else(|| of::<m::txn_offset_commit_request::TxnOffsetCommitRequest>(exchange, answer))
        .or_else(|| of::<m::end_txn_request::EndTxnRequest>(exchange, answer))
        .or_else(|| joined(exchange, answer))
        .or_else(|| of::<m::sync_group_request::SyncGroupRequest>(exchange, answer))
        .or_else(|| of::<m::heartbeat_request::HeartbeatRequest>(exchange, answer))
        .or_else(|| of::<m::leave_group_request::LeaveGroupRequest>(exchange, answer))
        .or_else(|| of::<m::offset_commit_request::OffsetCommitRequest>(exchange, answer))
        .or_else(|| of::<m::offset_fetch_request::OffsetFetchRequest>(exchange, answer))
        .or_else(|| of::<m::describe_groups_request::DescribeGroupsRequest>(exchange, answer))
        .or_else(|| {
            of::<m::consumer_group_describe_request::ConsumerGroupDescribeRequest>(exchange, answer)
        })
        .or_else(|| assigned(exchange, answer));
    let key = header(&exchange.request).key;
    let words = words.or_else(|| {
        NOT_COMPARED
            .iter()
            .any(|api| api.key() == key)
            .then(String::new)
    });
    words.unwrap_or_else(|| panic!("nobody compares answers to API {key}"))
}

/// Partitions come in no order.
fn written(exchange: &Exchange, answer: &Bytes) -> Option<String> {
    type Produce = m::produce_request::ProduceRequest;
    (header(&exchange.request).key == ApiKey::Produce.key()).then(|| {
        let mut said = response::<Produce>(exchange, answer);
        for topic in &mut said.responses {
            topic.partition_responses.sort_by_key(|part| part.index);
            // It says whether a batch was there before, which for one whose connection was cut is a matter of luck.
            for part in &mut topic.partition_responses {
                part.log_append_time_ms = -1;
            }
        }
        format!("{said:?}")
    })
}

/// So do those that a member is assigned.
fn assigned(exchange: &Exchange, answer: &Bytes) -> Option<String> {
    type Heartbeat = m::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
    (header(&exchange.request).key == ApiKey::ConsumerGroupHeartbeat.key()).then(|| {
        let mut said = response::<Heartbeat>(exchange, answer);
        for topic in said
            .assignment
            .iter_mut()
            .flat_map(|a| &mut a.topic_partitions)
        {
            topic.partitions.sort_unstable();
        }
        format!("{said:?}")
    })
}

/// A leader is told the members in no order.
fn joined(exchange: &Exchange, answer: &Bytes) -> Option<String> {
    type Join = m::join_group_request::JoinGroupRequest;
    (header(&exchange.request).key == ApiKey::JoinGroup.key()).then(|| {
        let mut said = response::<Join>(exchange, answer);
        said.members.sort_by(|a, b| a.member_id.cmp(&b.member_id));
        format!("{said:?}")
    })
}

/// Replaces what Kafka chose by what ours did, or the other way.
fn translate(frame: &Bytes, pairs: &[(Vec<u8>, Vec<u8>)], back: bool) -> Bytes {
    let mut bytes = frame.to_vec();
    for (kafka, once) in pairs {
        let (from, to) = if back { (once, kafka) } else { (kafka, once) };
        let mut at = 0;
        while at + from.len() <= bytes.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..at + to.len()].copy_from_slice(to);
            }
            at += 1;
        }
    }
    bytes.into()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the broker listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

fn write(stream: &mut TcpStream, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("small");
    let frame = [&length.to_be_bytes(), content].concat();
    stream.write_all(&frame).expect("the broker reads");
}

fn read(stream: &mut TcpStream) -> Bytes {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("the broker answers");
    let mut content = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut content).expect("the broker answers");
    content.into()
}
