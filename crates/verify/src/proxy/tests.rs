use std::time::Duration;

use bytes::Bytes;
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::message::metadata_request::MetadataRequest;
use once_wire::message::metadata_response::{MetadataResponse, MetadataResponseBroker};
use once_wire::message::produce_request::ProduceRequest;
use once_wire::message::produce_response::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use once_wire::{Message, Request, Writer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener as TokioListener, TcpStream};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

/// A broker made by hand: it answers what the test makes it answer.
struct Upstream {
    listener: TokioListener,
    port: u16,
}

impl Upstream {
    async fn open() -> Self {
        let listener = TokioListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        Self { listener, port }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.listener.accept())
            .await
            .expect("in time")
            .expect("a connection")
            .0
    }
}

/// A client and the broker's end of its connection, with the proxy between them.
async fn connected(proxy: &Proxy, upstream: &Upstream) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(proxy.bootstrap())
        .await
        .expect("the proxy listens");
    (client, upstream.accept().await)
}

async fn receive(stream: &mut TcpStream) -> Option<Bytes> {
    timeout(PATIENCE, frame::read(stream))
        .await
        .expect("in time")
        .unwrap_or(None)
}

async fn send(stream: &mut TcpStream, content: &[u8]) {
    frame::write(stream, content).await.expect("sent");
}

/// A request frame, its header written by hand: client id "t", and the tags of flexible versions.
fn request<R: Request>(request: &R, version: i16, correlation_id: i32) -> Bytes {
    let mut writer = Writer::new();
    writer.i16(R::KEY.key());
    writer.i16(version);
    writer.i32(correlation_id);
    writer.i16(1);
    writer.slice(b"t");
    if R::header_version(version) > 1 {
        writer.uvarint(0);
    }
    request.encode(&mut writer, version).expect("encodes");
    writer.finish_contiguous()
}

fn response<R: Request>(response: &R::Response, version: i16, correlation_id: i32) -> Bytes {
    let mut writer = Writer::new();
    writer.i32(correlation_id);
    if R::response_header_version(version) > 0 {
        writer.uvarint(0);
    }
    response.encode(&mut writer, version).expect("encodes");
    writer.finish_contiguous()
}

fn stored_at(base_offset: i64) -> ProduceResponse {
    let partition = PartitionProduceResponse {
        base_offset,
        ..Default::default()
    };
    let topic = TopicProduceResponse {
        name: "t".into(),
        partition_responses: vec![partition],
        ..Default::default()
    };
    ProduceResponse {
        responses: vec![topic],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_broker_met_in_metadata_is_reached_through_a_listener_of_its_own() {
    let (first, second) = (Upstream::open().await, Upstream::open().await);
    let proxy = Proxy::start(&first.address()).expect("starts");
    let (mut client, mut broker) = connected(&proxy, &first).await;

    send(&mut client, &request(&MetadataRequest::default(), 12, 7)).await;
    let asked = receive(&mut broker).await.expect("a request");
    assert_eq!(
        asked,
        request(&MetadataRequest::default(), 12, 7),
        "requests pass unchanged"
    );
    let node = |node_id, port| MetadataResponseBroker {
        node_id,
        host: "127.0.0.1".into(),
        port: i32::from(port),
        ..Default::default()
    };
    let told = MetadataResponse {
        brokers: vec![node(1, first.port), node(2, second.port)],
        ..Default::default()
    };
    send(&mut broker, &response::<MetadataRequest>(&told, 12, 7)).await;

    let got = receive(&mut client).await.expect("a response");
    let mut reader = once_wire::Reader::new(got);
    rewrite::skip_header(&mut reader, ApiKey::Metadata, 12).expect("a header");
    let got = MetadataResponse::decode(&mut reader, 12).expect("metadata");
    let ours: Vec<_> = got
        .brokers
        .iter()
        .map(|b| format!("{}:{}", b.host, b.port))
        .collect();
    assert_eq!(
        ours[0],
        proxy.bootstrap(),
        "the address given at the start and the one told are one broker"
    );
    assert_ne!(got.brokers[1].port, i32::from(second.port));

    let mut client = TcpStream::connect(&ours[1])
        .await
        .expect("a listener for the second broker");
    let mut broker = second.accept().await;
    send(&mut client, &request(&MetadataRequest::default(), 12, 8)).await;
    assert!(
        receive(&mut broker).await.is_some(),
        "the second broker is behind it"
    );
}

#[tokio::test]
async fn an_ordered_response_is_dropped_after_the_broker_gave_it_and_only_that_one() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let dropping = proxy.drop_next(ApiKey::Produce);

    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    let versions = response::<ApiVersionsRequest>(&Default::default(), 3, 1);
    send(&mut client, &request(&ApiVersionsRequest::default(), 3, 1)).await;
    receive(&mut broker).await.expect("the request");
    send(&mut broker, &versions).await;
    assert_eq!(
        receive(&mut client).await,
        Some(versions),
        "other APIs are let through"
    );

    send(&mut client, &request(&ProduceRequest::default(), 9, 2)).await;
    receive(&mut broker)
        .await
        .expect("the request reaches the broker");
    send(
        &mut broker,
        &response::<ProduceRequest>(&stored_at(41), 9, 2),
    )
    .await;
    assert_eq!(
        receive(&mut client).await,
        None,
        "the connection closes instead"
    );
    assert_eq!(receive(&mut broker).await, None, "on the broker's side too");

    let dropped = timeout(PATIENCE, dropping.happened())
        .await
        .expect("in time")
        .expect("reported");
    assert_eq!(
        (dropped.api, dropped.version, dropped.correlation_id),
        (ApiKey::Produce, 9, 2)
    );
    assert_eq!(dropped.broker, upstream.address());
    assert_eq!(
        dropped.response::<ProduceRequest>().expect("readable"),
        stored_at(41)
    );

    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    send(&mut client, &request(&ProduceRequest::default(), 9, 3)).await;
    receive(&mut broker).await.expect("the request");
    let second = response::<ProduceRequest>(&stored_at(42), 9, 3);
    send(&mut broker, &second).await;
    assert_eq!(
        receive(&mut client).await,
        Some(second),
        "the order is used up"
    );
    assert_eq!(
        (
            proxy.answered(ApiKey::Produce),
            proxy.dropped(ApiKey::Produce)
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn an_order_taken_back_drops_nothing() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    drop(proxy.drop_next(ApiKey::Produce));
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    send(&mut client, &request(&ProduceRequest::default(), 9, 1)).await;
    receive(&mut broker).await.expect("the request");
    send(
        &mut broker,
        &response::<ProduceRequest>(&stored_at(0), 9, 1),
    )
    .await;
    assert!(receive(&mut client).await.is_some());
    assert_eq!(proxy.dropped(ApiKey::Produce), 0);
}

#[tokio::test]
async fn a_request_that_is_never_answered_does_not_shift_the_answers_of_others() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    let silent = ProduceRequest {
        acks: 0,
        ..Default::default()
    };
    send(&mut client, &request(&silent, 9, 1)).await;
    send(&mut client, &request(&MetadataRequest::default(), 1, 2)).await;
    receive(&mut broker).await.expect("acks=0");
    receive(&mut broker).await.expect("metadata");
    let told = MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            host: "127.0.0.1".into(),
            port: i32::from(upstream.port),
            ..Default::default()
        }],
        ..Default::default()
    };
    send(&mut broker, &response::<MetadataRequest>(&told, 1, 2)).await;
    let got = receive(&mut client).await.expect("an answer");
    assert_ne!(
        got,
        response::<MetadataRequest>(&told, 1, 2),
        "read as metadata, hence rewritten"
    );
}

#[tokio::test]
async fn frames_that_come_byte_by_byte_arrive_whole() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    let asked = request(&MetadataRequest::default(), 1, 1);
    let mut raw = (asked.len() as u32).to_be_bytes().to_vec();
    raw.extend_from_slice(&asked);
    for byte in raw {
        client.write_all(&[byte]).await.expect("sent");
        client.flush().await.expect("sent");
        tokio::task::yield_now().await;
    }
    assert_eq!(receive(&mut broker).await, Some(asked));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_not_forwarded() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let unknown_api = [0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let unknown_version = [0, 3, 0x7f, 0xff, 0, 0, 0, 1, 0xff, 0xff];
    let (too_short, nothing_asked_for) = ([0, 3, 0], [0, 0, 0, 9]);
    for refused in [&unknown_api[..], &unknown_version, &too_short] {
        let (mut client, mut broker) = connected(&proxy, &upstream).await;
        send(&mut client, refused).await;
        assert_eq!(
            receive(&mut broker).await,
            None,
            "{refused:?} did not reach the broker"
        );
        assert_eq!(
            receive(&mut client).await,
            None,
            "and its connection is closed"
        );
    }
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    send(&mut broker, &nothing_asked_for).await;
    assert_eq!(receive(&mut client).await, None);
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    client
        .write_all(&u32::MAX.to_be_bytes())
        .await
        .expect("sent");
    assert_eq!(
        receive(&mut broker).await,
        None,
        "a frame that announces 4 GiB"
    );
}

#[tokio::test]
async fn a_newer_client_is_told_the_versions_by_a_broker_that_refuses_its_first_question() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    send(&mut client, &[0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0]).await;
    let asked = receive(&mut broker).await.expect("a request");
    assert_eq!(
        asked[..4],
        [0, 18, 0x7f, 0xff],
        "a version that no broker has"
    );
    assert_eq!(
        asked[4..],
        [0, 0, 0, 5, 0xff, 0xff, 0],
        "and the rest as it was"
    );
    // Version 0: UNSUPPORTED_VERSION, and Metadata 0-99.
    send(
        &mut broker,
        &[0, 0, 0, 5, 0, 35, 0, 0, 0, 1, 0, 3, 0, 0, 0, 99],
    )
    .await;
    let got = receive(&mut client).await.expect("an answer");
    let most = MetadataRequest::VERSIONS.max.to_be_bytes();
    assert_eq!(
        got[..],
        [&[0, 0, 0, 5, 0, 35, 0, 0, 0, 1, 0, 3, 0, 0][..], &most].concat()
    );
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections_and_listeners() {
    let upstream = Upstream::open().await;
    let proxy = Proxy::start(&upstream.address()).expect("starts");
    let (mut client, mut broker) = connected(&proxy, &upstream).await;
    let address = proxy.bootstrap().to_owned();
    drop(proxy);
    assert_eq!(receive(&mut client).await, None);
    assert_eq!(receive(&mut broker).await, None);
    let refused = async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused)
        .await
        .expect("nobody listens any more");
}
