//! FindCoordinator (key 10), versions 0–6.
//!
//! Names the node that owns a group or a transactional id, and makes the internal topic it will need.
//!
//! * 1 transactional ids (type 1); 3 flexible; 4 several keys at once; 5 TRANSACTION_ABORTABLE, never
//!   sent here; 6 share groups (type 2), refused: there are none.

use super::{Answer, Api};
use crate::engine::Context;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use once_wire::message::find_coordinator_response::{Coordinator, FindCoordinatorResponse};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// The first version that asks for several keys.
const BATCHED: i16 = 4;

/// See the module.
pub(crate) struct FindCoordinator;

impl Api for FindCoordinator {
    type Request = FindCoordinatorRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 6);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<FindCoordinatorResponse>, ErrorCode> {
        match request.key_type {
            GROUP => cx.ensure_offsets_topic(),
            TRANSACTION => cx.ensure_transaction_topic(),
            _ => return Err(ErrorCode::InvalidRequest),
        }
        let node = cx.node();
        let port = i32::from(node.port);
        if cx.version < BATCHED {
            return Ok(Answer::Now(FindCoordinatorResponse {
                error_message: Some(ErrorCode::None.name().to_owned()),
                node_id: node.id,
                host: node.host,
                port,
                ..Default::default()
            }));
        }
        let coordinator = |key: &String| Coordinator {
            key: key.clone(),
            node_id: node.id,
            host: node.host.clone(),
            port,
            ..Default::default()
        };
        let coordinators = request.coordinator_keys.iter().map(coordinator).collect();
        Ok(Answer::Now(FindCoordinatorResponse {
            coordinators,
            ..Default::default()
        }))
    }

    /// In the shape of both ages: fields that a version lacks are left out.
    fn refuse(request: &Self::Request, error: ErrorCode) -> FindCoordinatorResponse {
        let refused = |key: &String| Coordinator {
            key: key.clone(),
            node_id: -1,
            port: -1,
            error_code: error.code(),
            error_message: Some(error.name().to_owned()),
            ..Default::default()
        };
        let coordinators: Vec<_> = request.coordinator_keys.iter().map(refused).collect();
        if !coordinators.is_empty() {
            return FindCoordinatorResponse {
                coordinators,
                ..Default::default()
            };
        }
        FindCoordinatorResponse {
            error_code: error.code(),
            error_message: Some(error.name().to_owned()),
            node_id: -1,
            port: -1,
            ..Default::default()
        }
    }
}
