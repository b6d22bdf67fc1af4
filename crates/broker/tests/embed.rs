//! A broker inside a program: real sockets and files.

use bytes::Bytes;
use once_broker::{Broker, StartError};
use once_wire::codec::{Message, Reader, Request, Writer};
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::message::api_versions_response::ApiVersionsResponse;
use once_wire::request::RequestHeader;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    stream
}

fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let header = RequestHeader {
        key,
        version,
        correlation_id: 5,
        client_id: None,
    };
    let mut writer = Writer::new();
    header.write(&mut writer).expect("a header");
    let header = writer.finish_contiguous();
    let length = i32::try_from(header.len() + body.len()).expect("small");
    [&length.to_be_bytes()[..], &header, body].concat()
}

fn reply(stream: &mut TcpStream) -> Bytes {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer");
    let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length)).expect("a length")];
    stream.read_exact(&mut frame).expect("a whole answer");
    assert_eq!(frame[..4], 5_i32.to_be_bytes(), "the correlation id");
    Bytes::from(frame).slice(4..)
}

fn api_versions(stream: &mut TcpStream, version: i16) -> ApiVersionsResponse {
    let request = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    let mut body = Writer::new();
    request
        .encode(&mut body, version.min(4))
        .expect("it encodes");
    let bytes = frame(
        ApiVersionsRequest::KEY.key(),
        version,
        &body.finish_contiguous(),
    );
    stream.write_all(&bytes).expect("it reads");
    let answered = if version > 4 { 0 } else { version };
    ApiVersionsResponse::decode(&mut Reader::new(reply(stream)), answered).expect("an answer")
}

#[test]
fn an_ephemeral_broker_serves_and_leaves_nothing_behind() {
    let broker = Broker::builder().ephemeral().start().expect("it starts");
    let data = broker.data_dir().to_owned();
    assert!(data.is_dir());
    for version in 0..=4 {
        let answer = api_versions(&mut connect(broker.address()), version);
        assert_eq!(answer.error_code, 0);
        assert!(
            answer
                .api_keys
                .iter()
                .any(|api| api.api_key == 0 && api.min_version == 0)
        );
    }
    let unknown = api_versions(&mut connect(broker.address()), 9);
    assert_eq!(
        unknown.error_code, 35,
        "UNSUPPORTED_VERSION, in version 0's shape (KIP-511)"
    );
    assert_eq!(unknown.api_keys.len(), 1);
    let address = broker.address();
    drop(broker);
    assert!(TcpStream::connect(address).is_err());
    assert!(!data.exists());
}

#[test]
fn a_produce_before_version_3_is_told_so_in_its_own_shape() {
    let broker = Broker::builder().ephemeral().start().expect("it starts");
    let mut stream = connect(broker.address());
    let mut body = Vec::new();
    body.extend(1_i16.to_be_bytes());
    body.extend(1000_i32.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend(1_i16.to_be_bytes());
    body.push(b't');
    body.extend(1_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    body.extend(3_i32.to_be_bytes());
    body.extend(b"old");
    stream.write_all(&frame(0, 2, &body)).expect("it reads");
    let answer = reply(&mut stream);
    // topics, "t", partitions, partition 0, then the error.
    assert_eq!(answer[4 + 3 + 4 + 4..][..2], 35_i16.to_be_bytes());
    assert_eq!(answer.len(), 4 + 3 + 4 + 4 + 2 + 8 + 8 + 4);
}

#[test]
fn what_cannot_be_read_closes_its_connection_and_no_other() {
    let broker = Broker::builder().ephemeral().start().expect("it starts");
    let mut good = connect(broker.address());
    let garbage: [&[u8]; 5] = [
        &[0xff; 64],
        &i32::MAX.to_be_bytes(),
        &frame(3, 12, &[0xff; 20]),
        &frame(
            0,
            9,
            &[0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1],
        ),
        &frame(999, 0, &[]),
    ];
    for bytes in garbage {
        let mut bad = connect(broker.address());
        bad.write_all(bytes).expect("it is read");
        let mut rest = Vec::new();
        let _ = bad.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{bytes:?} was answered {rest:?}");
        assert_eq!(api_versions(&mut good, 3).error_code, 0);
    }
}

#[test]
fn a_directory_in_use_and_an_unknown_setting_stop_the_start() {
    let data = tempfile::tempdir().expect("a directory");
    let start = || {
        Broker::builder()
            .data_dir(data.path())
            .listen("127.0.0.1:0")
            .start()
    };
    let broker = start().expect("it starts");
    assert!(matches!(start(), Err(StartError::Directory(_))));
    drop(broker);
    drop(start().expect("the directory is free again"));
    assert!(matches!(
        Broker::builder().set("no.such", "1"),
        Err(StartError::Setting(_))
    ));
}

#[test]
fn a_stop_does_not_wait_for_idle_clients() {
    let broker = Broker::builder().ephemeral().start().expect("it starts");
    let _idle: Vec<TcpStream> = (0..10).map(|_| connect(broker.address())).collect();
    let begin = Instant::now();
    drop(broker);
    assert!(begin.elapsed() < Duration::from_secs(10));
}
