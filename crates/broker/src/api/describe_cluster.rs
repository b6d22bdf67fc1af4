//! DescribeCluster (key 60), versions 0–2.
//!
//! The cluster's id and its one node. Version 1 asks for brokers or controllers: controllers
//! are not reached through this listener and get MISMATCHED_ENDPOINT_TYPE, as on Kafka's brokers;
//! 2 can include fenced brokers, of which there are none.

use super::{Answer, Api, authorized};
use crate::engine::Context;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::describe_cluster_request::DescribeClusterRequest;
use once_wire::message::describe_cluster_response::{
    DescribeClusterBroker, DescribeClusterResponse,
};

const BROKERS: i8 = 1;

/// See the module.
pub(crate) struct DescribeCluster;

impl Api for DescribeCluster {
    type Request = DescribeClusterRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 2);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<DescribeClusterResponse>, ErrorCode> {
        if request.endpoint_type != BROKERS {
            return Err(ErrorCode::MismatchedEndpointType);
        }
        let node = cx.node();
        Ok(Answer::Now(DescribeClusterResponse {
            endpoint_type: BROKERS,
            cluster_id: cx.cluster_id(),
            controller_id: node.id,
            brokers: vec![DescribeClusterBroker {
                broker_id: node.id,
                host: node.host,
                port: i32::from(node.port),
                ..Default::default()
            }],
            cluster_authorized_operations: authorized::if_asked(
                request.include_cluster_authorized_operations,
                authorized::CLUSTER,
            ),
            ..Default::default()
        }))
    }

    fn refuse(_: &Self::Request, error: ErrorCode) -> DescribeClusterResponse {
        DescribeClusterResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}
