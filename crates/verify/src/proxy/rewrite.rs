//! Responses on their way down: brokers' addresses become ours, versions the codec lacks go.

use std::net::SocketAddr;

use bytes::Bytes;
use once_wire::message::api_versions_response::ApiVersionsResponse;
use once_wire::message::describe_cluster_response::DescribeClusterResponse;
use once_wire::message::fetch_response::FetchResponse;
use once_wire::message::find_coordinator_response::FindCoordinatorResponse;
use once_wire::message::metadata_response::MetadataResponse;
use once_wire::message::produce_response::ProduceResponse;
use once_wire::message::share_acknowledge_response::ShareAcknowledgeResponse;
use once_wire::message::share_fetch_response::ShareFetchResponse;
use once_wire::{ApiKey, DecodeError, EncodeError, ErrorCode, Message, Reader, Writer};

use super::address::Address;
use crate::error::Error;

/// Why a response cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum RewriteError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Listen(#[from] Error),
}

/// Gives our address for a broker's.
pub(super) type Local<'a> = dyn FnMut(Address) -> Result<SocketAddr, Error> + Send + 'a;

/// The response to deliver instead. One that names no address is passed on as it is.
pub(super) fn response(
    api: ApiKey,
    version: i16,
    frame: Bytes,
    local: &mut Local<'_>,
) -> Result<Bytes, RewriteError> {
    match api {
        ApiKey::ApiVersions => api_versions(version, frame),
        ApiKey::Metadata => addresses::<MetadataResponse>(api, version, frame, local),
        ApiKey::FindCoordinator => addresses::<FindCoordinatorResponse>(api, version, frame, local),
        ApiKey::DescribeCluster => addresses::<DescribeClusterResponse>(api, version, frame, local),
        ApiKey::Produce => addresses::<ProduceResponse>(api, version, frame, local),
        ApiKey::Fetch => addresses::<FetchResponse>(api, version, frame, local),
        ApiKey::ShareFetch => addresses::<ShareFetchResponse>(api, version, frame, local),
        ApiKey::ShareAcknowledge => {
            addresses::<ShareAcknowledgeResponse>(api, version, frame, local)
        }
        _ => Ok(frame),
    }
}

/// The first four bytes of every response.
pub(super) fn correlation_id(frame: &Bytes) -> Option<i32> {
    frame.first_chunk().map(|id| i32::from_be_bytes(*id))
}

/// Reads past a response's header.
pub(super) fn skip_header(
    reader: &mut Reader,
    api: ApiKey,
    version: i16,
) -> Result<(), DecodeError> {
    reader.i32()?;
    if api.response_header_version(version) > 0 {
        for _ in 0..reader.uvarint()? {
            reader.uvarint()?;
            let size = reader.uvarint()?;
            reader.take(size as usize)?;
        }
    }
    Ok(())
}

/// A response in which brokers' addresses stand.
trait Addresses: Message {
    /// Every host and port in it.
    fn addresses(&mut self) -> Vec<(&mut String, &mut i32)>;
}

macro_rules! addresses_of_list {
    ($response:ty, $list:ident) => {
        impl Addresses for $response {
            fn addresses(&mut self) -> Vec<(&mut String, &mut i32)> {
                self.$list
                    .iter_mut()
                    .map(|node| (&mut node.host, &mut node.port))
                    .collect()
            }
        }
    };
}

addresses_of_list!(MetadataResponse, brokers);
addresses_of_list!(DescribeClusterResponse, brokers);
addresses_of_list!(ProduceResponse, node_endpoints);
addresses_of_list!(FetchResponse, node_endpoints);
addresses_of_list!(ShareFetchResponse, node_endpoints);
addresses_of_list!(ShareAcknowledgeResponse, node_endpoints);

impl Addresses for FindCoordinatorResponse {
    /// One coordinator up to version 3, a list from 4 on.
    fn addresses(&mut self) -> Vec<(&mut String, &mut i32)> {
        let many = self
            .coordinators
            .iter_mut()
            .map(|c| (&mut c.host, &mut c.port));
        std::iter::once((&mut self.host, &mut self.port))
            .chain(many)
            .collect()
    }
}

fn addresses<R: Addresses>(
    api: ApiKey,
    version: i16,
    frame: Bytes,
    local: &mut Local<'_>,
) -> Result<Bytes, RewriteError> {
    let mut reader = Reader::new(frame.clone());
    skip_header(&mut reader, api, version)?;
    let header = frame.slice(..frame.len() - reader.remaining());
    let mut response = R::decode(&mut reader, version)?;
    let mut changed = false;
    for (host, port) in response.addresses() {
        if let Some(told) = Address::told(host, *port) {
            let ours = local(told)?;
            (*host, *port) = (ours.ip().to_string(), i32::from(ours.port()));
            changed = true;
        }
    }
    if changed {
        encoded(&header, &response, version)
    } else {
        Ok(frame)
    }
}

/// Leaves the versions that the codec knows. The lower bounds stay as they are: clients judge by
/// old versions of Produce what a broker can do, though it no longer answers them.
fn api_versions(version: i16, frame: Bytes) -> Result<Bytes, RewriteError> {
    let mut reader = Reader::new(frame.clone());
    skip_header(&mut reader, ApiKey::ApiVersions, version)?;
    let header = frame.slice(..frame.len() - reader.remaining());
    // A version the broker does not have is answered in version 0 (KIP-511).
    let body = frame.slice(header.len()..);
    let refused = body.first_chunk().map(|code| i16::from_be_bytes(*code))
        == Some(ErrorCode::UnsupportedVersion.code());
    let version = if refused { 0 } else { version };
    let mut response = ApiVersionsResponse::decode(&mut reader, version)?;
    response.api_keys.retain_mut(|offered| {
        let known = ApiKey::from_key(offered.api_key).and_then(ApiKey::versions);
        known.is_some_and(|known| {
            offered.max_version = offered.max_version.min(known.stable.max);
            offered.min_version <= offered.max_version
        })
    });
    encoded(&header, &response, version)
}

fn encoded(header: &Bytes, response: &impl Message, version: i16) -> Result<Bytes, RewriteError> {
    let mut writer = Writer::new();
    writer.slice(header);
    response.encode(&mut writer, version)?;
    Ok(writer.finish_contiguous())
}

#[cfg(test)]
mod tests;
