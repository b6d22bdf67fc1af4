//! ApiVersions (key 18), versions 0–4.
//!
//! The table as clients see it, and the features (KIP-584). An unknown version is answered in
//! version 0's shape with UNSUPPORTED_VERSION and this API's own range, so that the client can
//! ask again (KIP-511). Up to version 3, features whose least version is 0 are left out
//! (KAFKA-17011).

use super::call::reply_or_close;
use super::{Answer, Api, Call, Outcome, TABLE, Wake, encode_reply};
use crate::engine::Context;
use once_wire::api::ApiKey;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::api_versions_request::ApiVersionsRequest;
use once_wire::message::api_versions_response::{
    ApiVersion, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

/// See the module.
pub(crate) struct ApiVersions;

impl Api for ApiVersions {
    type Request = ApiVersionsRequest;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<ApiVersionsResponse>, ErrorCode> {
        if cx.version >= 3
            && !(names_software(&request.client_software_name)
                && names_software(&request.client_software_version))
        {
            return Err(ErrorCode::InvalidRequest);
        }
        let mut response = ApiVersionsResponse {
            api_keys: TABLE
                .iter()
                .map(|row| version(row.key, row.advertised))
                .collect(),
            ..Default::default()
        };
        let oldest = if cx.version >= 4 { 0 } else { 1 };
        let features = cx.catalog().features();
        response.supported_features = features
            .iter()
            .filter(|feature| feature.min >= oldest)
            .map(|feature| SupportedFeatureKey {
                name: feature.name.to_owned(),
                min_version: feature.min,
                max_version: feature.max,
                ..Default::default()
            })
            .collect();
        response.finalized_features = features
            .iter()
            .filter(|feature| feature.finalized > 0)
            .map(|feature| FinalizedFeatureKey {
                name: feature.name.to_owned(),
                max_version_level: feature.finalized,
                min_version_level: feature.finalized,
                ..Default::default()
            })
            .collect();
        response.finalized_features_epoch = 0;
        Ok(Answer::Now(response))
    }

    fn refuse(_: &Self::Request, error: ErrorCode) -> ApiVersionsResponse {
        ApiVersionsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

/// Kafka's rule for software names and versions: `ApiVersionsRequest.isValid`.
fn names_software(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(inner)
}

fn version(key: ApiKey, range: VersionRange) -> ApiVersion {
    ApiVersion {
        api_key: key.key(),
        min_version: range.min,
        max_version: range.max,
        ..Default::default()
    }
}

/// An ApiVersions request of a version that is not served.
pub(crate) struct UnknownVersion;

impl Call for UnknownVersion {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        let response = ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            api_keys: vec![version(ApiKey::ApiVersions, ApiVersions::VERSIONS)],
            ..Default::default()
        };
        reply_or_close(encode_reply(cx.correlation_id, 0, &response, 0))
    }

    fn wake(&mut self, _: &mut Context<'_>, _: Wake) -> Outcome {
        Outcome::Parked
    }
}
