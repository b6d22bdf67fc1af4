//! IncrementalAlterConfigs (key 44), versions 0–1.
//!
//! Changes settings of topics, and of the broker those that topics take their defaults from; each
//! resource wholly or not at all.
//!
//! * 1 flexible.
//!
//! Left out, and refused with a reason: loggers, client metrics, groups.

use super::{Answer, Api};
use crate::engine::Context;
use once_coordinator::catalog::{
    Alteration, Change, Command, Operation, Refusal, Reply, Resource, ResourceKind,
};
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, IncrementalAlterConfigsRequest,
};
use once_wire::message::incremental_alter_configs_response::{
    AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
};

/// See the module.
pub(crate) struct IncrementalAlterConfigs;

impl Api for IncrementalAlterConfigs {
    type Request = IncrementalAlterConfigsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 1);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<IncrementalAlterConfigsResponse>, ErrorCode> {
        let wanted: Vec<_> = request.resources.iter().map(wanted).collect();
        let resources = wanted
            .iter()
            .filter_map(|wanted| wanted.as_ref().ok().cloned())
            .collect();
        let validate_only = request.validate_only;
        let reply = cx.decide_catalog(&Command::AlterConfigs {
            resources,
            validate_only,
        })?;
        let Reply::AlterConfigs(results) = reply else {
            return Err(ErrorCode::UnknownServerError);
        };
        let mut results = results.into_iter().map(|(_, result)| result);
        let responses = request
            .resources
            .iter()
            .zip(wanted)
            .map(|(resource, wanted)| {
                let result = match wanted {
                    Ok(_) => results
                        .next()
                        .expect("the catalog answers for each resource"),
                    Err(refusal) => Err(refusal),
                };
                told(resource, result)
            });
        Ok(Answer::Now(IncrementalAlterConfigsResponse {
            responses: responses.collect(),
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> IncrementalAlterConfigsResponse {
        let refusal = Refusal {
            code: error,
            message: None,
        };
        let resources = request.resources.iter();
        let responses = resources.map(|resource| told(resource, Err(refusal.clone())));
        IncrementalAlterConfigsResponse {
            responses: responses.collect(),
            ..Default::default()
        }
    }
}

fn wanted(resource: &AlterConfigsResource) -> Result<Alteration, Refusal> {
    let unknown = |what: &str, id: i8| Refusal {
        code: ErrorCode::InvalidRequest,
        message: Some(format!("Unknown {what} type {id}")),
    };
    let id = resource.resource_type;
    let kind = ResourceKind::from_id(id).ok_or_else(|| unknown("resource", id))?;
    let changes = resource.configs.iter().map(|config| {
        let id = config.config_operation;
        let operation = Operation::from_id(id).ok_or_else(|| unknown("operations", id))?;
        Ok(Change {
            key: config.name.clone(),
            operation,
            value: config.value.clone(),
        })
    });
    Ok(Alteration {
        resource: Resource {
            kind,
            name: resource.resource_name.clone(),
        },
        changes: changes.collect::<Result<_, _>>()?,
    })
}

fn told(
    resource: &AlterConfigsResource,
    result: Result<(), Refusal>,
) -> AlterConfigsResourceResponse {
    let (code, message) = match result {
        Ok(()) => (ErrorCode::None, None),
        Err(refusal) => (refusal.code, refusal.message),
    };
    AlterConfigsResourceResponse {
        error_code: code.code(),
        error_message: message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        ..Default::default()
    }
}
