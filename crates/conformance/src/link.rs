//! A connection that speaks the protocol by hand: one request, one answer, and nothing retried,
//! so that what the broker does is what is seen.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::Bytes;
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::request::{RequestHeader, read_response_header};
use once_wire::{ApiKey, EncodeError, Message, Reader, Request, VersionRange, Writer, frame};

use crate::error::{Error, accept};

/// What every request here says of its sender.
pub(crate) const CLIENT_ID: &str = "once-conformance";
/// More than any broker is asked to answer with.
const ANSWER_MAX: usize = 100 << 20;

/// One connection, used by one thread. After an error it is of no more use.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    correlation_id: i32,
}

impl Link {
    /// Connects; every later call must be answered within `patience` too.
    pub(crate) fn connect(address: &str, patience: Duration) -> Result<Self, Error> {
        let doing = || format!("connect to {address}");
        let stream = TcpStream::connect_timeout(&resolve(address)?, patience);
        let stream = stream.map_err(Error::io(doing()))?;
        stream.set_nodelay(true).map_err(Error::io(doing()))?;
        for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            set(&stream, Some(patience)).map_err(Error::io(doing()))?;
        }
        Ok(Self {
            stream,
            correlation_id: 0,
        })
    }

    /// Asks and waits for the answer, which must be whole and of the version asked for.
    pub(crate) fn call<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<R::Response, Error> {
        self.correlation_id += 1;
        let doing = format!("{} version {version}", R::KEY);
        let content = content(R::KEY, version, self.correlation_id, request)?;
        let mut framed = frame::prefix(content.len()).to_vec();
        framed.extend_from_slice(&content);
        self.stream
            .write_all(&framed)
            .map_err(Error::io(doing.clone()))?;
        let answer = self.read_frame(&doing)?;
        answered::<R>(answer, version, self.correlation_id)
    }

    /// The versions that the broker advertises.
    pub(crate) fn versions(&mut self) -> Result<BTreeMap<i16, VersionRange>, Error> {
        let answer = self.call(3, &api_versions())?;
        accept("ApiVersions", answer.error_code)?;
        Ok(answer
            .api_keys
            .iter()
            .map(|api| {
                (
                    api.api_key,
                    VersionRange::new(api.min_version, api.max_version),
                )
            })
            .collect())
    }

    fn read_frame(&mut self, doing: &str) -> Result<Bytes, Error> {
        let mut length = [0; 4];
        let read = self.stream.read_exact(&mut length);
        read.map_err(Error::io(doing))?;
        let length = i32::from_be_bytes(length);
        let length = usize::try_from(length).ok().filter(|n| *n <= ANSWER_MAX);
        let length =
            length.ok_or_else(|| Error::Wrong(format!("{doing}: an answer of absurd length")))?;
        let mut content = vec![0; length];
        let read = self.stream.read_exact(&mut content);
        read.map_err(Error::io(doing))?;
        Ok(content.into())
    }
}

/// The first address that `HOST:PORT` stands for.
pub(crate) fn resolve(address: &str) -> Result<SocketAddr, Error> {
    let mut found = address
        .to_socket_addrs()
        .map_err(Error::io(format!("look up {address}")))?;
    found
        .next()
        .ok_or_else(|| Error::Usage(format!("{address} is no address")))
}

/// The request every client begins with.
pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: CLIENT_ID.to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ApiVersionsRequest::default()
    }
}

/// A frame's content: the header and the request.
pub(crate) fn content(
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    request: &impl Message,
) -> Result<Bytes, EncodeError> {
    let header = RequestHeader {
        key: api.key(),
        version,
        correlation_id,
        client_id: Some(CLIENT_ID.to_owned()),
    };
    let mut writer = Writer::new();
    header.write(&mut writer)?;
    request.encode(&mut writer, version)?;
    Ok(writer.finish_contiguous())
}

/// Reads an answer to `R`, which must bear this correlation id and end where its message does.
pub(crate) fn answered<R: Request>(
    answer: Bytes,
    version: i16,
    correlation_id: i32,
) -> Result<R::Response, Error> {
    let doing = || format!("the answer to {} version {version}", R::KEY);
    let mut reader = Reader::new(answer);
    let header = read_response_header(&mut reader, R::KEY, version);
    let met = header.map_err(Error::decode(doing()))?;
    if met != correlation_id {
        return Err(Error::Wrong(format!(
            "{}: correlation id {met} where {correlation_id} was sent",
            doing()
        )));
    }
    let response = R::Response::decode(&mut reader, version).map_err(Error::decode(doing()))?;
    match reader.remaining() {
        0 => Ok(response),
        left => Err(Error::Wrong(format!(
            "{}: {left} bytes follow its end",
            doing()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use once_wire::message::heartbeat_request::HeartbeatRequest;
    use once_wire::message::heartbeat_response::HeartbeatResponse;

    use super::*;

    fn answer(correlation_id: i32, extra: &[u8]) -> Bytes {
        let mut writer = Writer::new();
        once_wire::request::write_response_header(
            &mut writer,
            ApiKey::Heartbeat,
            4,
            correlation_id,
        );
        let encoded = HeartbeatResponse::default().encode(&mut writer, 4);
        encoded.expect("version 4 is there");
        writer.slice(extra);
        writer.finish_contiguous()
    }

    #[test]
    fn an_answer_must_be_whole_ours_and_nothing_more() {
        let read = |bytes| answered::<HeartbeatRequest>(bytes, 4, 9);
        assert_eq!(
            read(answer(9, &[])).expect("it is right"),
            HeartbeatResponse::default()
        );
        assert!(matches!(read(answer(8, &[])), Err(Error::Wrong(_))));
        assert!(matches!(read(answer(9, &[0])), Err(Error::Wrong(_))));
        let cut = answer(9, &[]).slice(..6);
        assert!(matches!(read(cut), Err(Error::Decode { .. })));
    }
}
