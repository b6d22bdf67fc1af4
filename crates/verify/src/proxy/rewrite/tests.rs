use once_wire::message::api_versions_response::ApiVersion;
use once_wire::message::describe_cluster_response::DescribeClusterBroker;
use once_wire::message::find_coordinator_response::Coordinator;
use once_wire::message::metadata_response::MetadataResponseBroker;
use once_wire::message::{fetch_response, produce_response};

use super::*;

/// Stands in for listeners: broker port 9000 + n becomes our port 100 + n.
fn local(address: Address) -> Result<SocketAddr, Error> {
    assert_eq!(address.host, "broker");
    Ok(SocketAddr::from((
        [127, 0, 0, 1],
        address.port - 9000 + 100,
    )))
}

fn frame_of(api: ApiKey, version: i16, response: &impl Message) -> Bytes {
    let mut writer = Writer::new();
    writer.i32(77);
    if api.response_header_version(version) > 0 {
        writer.uvarint(0);
    }
    response.encode(&mut writer, version).expect("encodes");
    writer.finish_contiguous()
}

fn rewritten<R: Message>(api: ApiKey, version: i16, response: &R) -> R {
    let frame = frame_of(api, version, response);
    let ours = super::response(api, version, frame, &mut local).expect("rewritten");
    let mut reader = Reader::new(ours);
    skip_header(&mut reader, api, version).expect("a header");
    let response = R::decode(&mut reader, version).expect("decodes");
    assert_eq!(reader.remaining(), 0);
    response
}

#[test]
fn every_version_of_metadata_and_describe_cluster_names_only_us() {
    let node = |node_id, host: &str, port| MetadataResponseBroker {
        node_id,
        host: host.into(),
        port,
        ..Default::default()
    };
    for version in MetadataResponse::VERSIONS.iter() {
        let told = MetadataResponse {
            brokers: vec![node(1, "broker", 9001), node(2, "broker", 9002)],
            ..Default::default()
        };
        let ours = MetadataResponse {
            brokers: vec![node(1, "127.0.0.1", 101), node(2, "127.0.0.1", 102)],
            ..Default::default()
        };
        assert_eq!(
            rewritten(ApiKey::Metadata, version, &told),
            ours,
            "version {version}"
        );
    }
    let node = |host: &str, port| DescribeClusterBroker {
        broker_id: 1,
        host: host.into(),
        port,
        ..Default::default()
    };
    for version in DescribeClusterResponse::VERSIONS.iter() {
        let told = DescribeClusterResponse {
            brokers: vec![node("broker", 9001)],
            ..Default::default()
        };
        let ours = DescribeClusterResponse {
            brokers: vec![node("127.0.0.1", 101)],
            ..Default::default()
        };
        assert_eq!(
            rewritten(ApiKey::DescribeCluster, version, &told),
            ours,
            "version {version}"
        );
    }
}

#[test]
fn every_version_of_find_coordinator_names_only_us() {
    for version in FindCoordinatorResponse::VERSIONS.iter() {
        let (told, ours) = if version < 4 {
            let one = |host: &str, port| FindCoordinatorResponse {
                node_id: 1,
                host: host.into(),
                port,
                ..Default::default()
            };
            (one("broker", 9001), one("127.0.0.1", 101))
        } else {
            let many = |nodes: [(&str, i32); 2]| FindCoordinatorResponse {
                coordinators: nodes
                    .map(|(host, port)| Coordinator {
                        host: host.into(),
                        port,
                        ..Default::default()
                    })
                    .into(),
                ..Default::default()
            };
            // The second has no coordinator: an error, and no address.
            (
                many([("broker", 9001), ("", -1)]),
                many([("127.0.0.1", 101), ("", -1)]),
            )
        };
        assert_eq!(
            rewritten(ApiKey::FindCoordinator, version, &told),
            ours,
            "version {version}"
        );
    }
}

#[test]
fn the_new_leaders_that_produce_and_fetch_name_are_us() {
    let told = ProduceResponse {
        node_endpoints: vec![produce_response::NodeEndpoint {
            host: "broker".into(),
            port: 9003,
            ..Default::default()
        }],
        ..Default::default()
    };
    let ours = rewritten(ApiKey::Produce, 10, &told);
    assert_eq!(
        (
            ours.node_endpoints[0].host.as_str(),
            ours.node_endpoints[0].port
        ),
        ("127.0.0.1", 103)
    );
    let told = FetchResponse {
        node_endpoints: vec![fetch_response::NodeEndpoint {
            host: "broker".into(),
            port: 9004,
            ..Default::default()
        }],
        ..Default::default()
    };
    let ours = rewritten(ApiKey::Fetch, 16, &told);
    assert_eq!(
        (
            ours.node_endpoints[0].host.as_str(),
            ours.node_endpoints[0].port
        ),
        ("127.0.0.1", 104)
    );
}

#[test]
fn a_response_without_addresses_is_the_same_bytes() {
    let fetched = frame_of(ApiKey::Fetch, 16, &FetchResponse::default());
    let passed = super::response(ApiKey::Fetch, 16, fetched.clone(), &mut local).expect("passed");
    assert_eq!(passed.as_ptr(), fetched.as_ptr(), "not even copied");
    let opaque = Bytes::from_static(b"\0\0\0\x01whatever");
    let passed = super::response(ApiKey::Heartbeat, 4, opaque.clone(), &mut local).expect("passed");
    assert_eq!(passed, opaque, "APIs without addresses are not read at all");
}

#[test]
fn a_response_that_lies_about_its_shape_is_an_error() {
    let cut = frame_of(ApiKey::Metadata, 12, &MetadataResponse::default());
    let cut = cut.slice(..cut.len() - 3);
    assert!(super::response(ApiKey::Metadata, 12, cut, &mut local).is_err());
}

#[test]
fn versions_beyond_the_codecs_are_not_offered() {
    let offer = |api_key, min_version, max_version| ApiVersion {
        api_key,
        min_version,
        max_version,
        ..Default::default()
    };
    let known = |api: ApiKey| api.versions().expect("has messages").stable;
    let (produce, metadata) = (known(ApiKey::Produce), known(ApiKey::Metadata));
    let told = ApiVersionsResponse {
        api_keys: vec![
            offer(0, 0, 99),
            offer(3, 0, metadata.max - 1),
            offer(10, 90, 99),
            offer(999, 0, 1),
        ],
        finalized_features_epoch: 5,
        ..Default::default()
    };
    let ours = rewritten(ApiKey::ApiVersions, 4, &told);
    let expected = vec![offer(0, 0, produce.max), offer(3, 0, metadata.max - 1)];
    assert_eq!(ours.api_keys, expected);
    assert_eq!(ours.finalized_features_epoch, 5, "all else is kept");
}
