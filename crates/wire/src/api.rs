//! The APIs: their keys, names and versions.

use std::fmt;

use crate::VersionRange;

include!(concat!(env!("OUT_DIR"), "/api.rs"));

/// The versions of an API's request and response, which always go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiVersions {
    /// The versions that Kafka offers.
    pub stable: VersionRange,
    /// The one above them that Kafka offers only if told to.
    pub unstable: Option<i16>,
    /// The first flexible version (KIP-482); `i16::MAX` if there is none.
    pub flexible_from: i16,
}

/// What is known of one API; `TABLE` has them by key, without gaps.
struct Row {
    api: ApiKey,
    name: &'static str,
    versions: Option<ApiVersions>,
}

impl ApiKey {
    /// Every API, by ascending key.
    pub fn all() -> impl Iterator<Item = ApiKey> {
        TABLE.iter().map(|row| row.api)
    }

    /// The API of this key, if Kafka 4.3 has one.
    pub fn from_key(key: i16) -> Option<ApiKey> {
        TABLE.get(usize::try_from(key).ok()?).map(|row| row.api)
    }

    /// Kafka's name, such as `Produce`.
    pub const fn name(self) -> &'static str {
        TABLE[self as usize].name
    }

    /// What is known of the versions; `None` for an API that has no messages here.
    pub const fn versions(self) -> Option<ApiVersions> {
        TABLE[self as usize].versions
    }

    /// The number on the wire.
    pub const fn key(self) -> i16 {
        self as i16
    }

    /// The version of the request's header: 2 for the flexible versions that are known, else 1.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the response's header: 1 for flexible versions, else 0; always 0 for ApiVersions,
    /// whose client does not know yet what the broker understands (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        if !matches!(self, ApiKey::ApiVersions) && self.is_flexible(version) {
            1
        } else {
            0
        }
    }

    const fn is_flexible(self, version: i16) -> bool {
        match self.versions() {
            Some(ApiVersions {
                stable,
                unstable,
                flexible_from,
            }) => {
                let max = if let Some(unstable) = unstable {
                    unstable
                } else {
                    stable.max
                };
                version >= flexible_from && version <= max
            }
            None => false,
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_apis_map_one_to_one() {
        assert_eq!(ApiKey::all().count(), 93);
        for api in ApiKey::all() {
            assert_eq!(ApiKey::from_key(api.key()), Some(api));
        }
        assert_eq!(ApiKey::from_key(-1), None);
        assert_eq!(ApiKey::from_key(93), None);
        assert_eq!(ApiKey::Produce.key(), 0);
        assert_eq!(ApiKey::InitProducerId.name(), "InitProducerId");
    }

    #[test]
    fn headers_follow_the_flexible_versions() {
        assert_eq!(ApiKey::Produce.request_header_version(8), 1);
        assert_eq!(ApiKey::Produce.request_header_version(9), 2);
        assert_eq!(ApiKey::Produce.response_header_version(9), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(3), 0);
        assert_eq!(
            ApiKey::ApiVersions.request_header_version(99),
            1,
            "unknown: the header every version has"
        );
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
    }

    #[test]
    fn an_unstable_version_is_not_a_stable_one() {
        let versions = ApiKey::InitProducerId.versions().expect("it has messages");
        assert_eq!((versions.stable.max, versions.unstable), (5, Some(6)));
    }
}
