//! Features: what the cluster as a whole agreed to do (KIP-584).

use super::command::Event;
use super::machine::Catalog;

/// A feature that this version of the program knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SupportedFeature {
    /// Kafka's name.
    pub name: &'static str,
    /// Lowest level.
    pub min: i16,
    /// Highest level.
    pub max: i16,
    /// The level that a new catalog begins with.
    pub initial: i16,
}

/// What ApiVersions tells of a feature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature {
    /// Kafka's name.
    pub name: &'static str,
    /// Lowest level supported.
    pub min: i16,
    /// Highest level supported.
    pub max: i16,
    /// The level in force; 0 if none.
    pub finalized: i16,
}

/// The features by name, as Kafka 4.3 has them; those are left out that stand for something that
/// is not served (share and streams groups, KRaft quorums, eligible leader replicas).
/// `transaction.version` 2 belongs to KIP-890 part 2, which is not built yet.
pub const SUPPORTED_FEATURES: &[SupportedFeature] = &[
    SupportedFeature {
        name: "group.version",
        min: 0,
        max: 1,
        initial: 1,
    },
    // 7 is 3.3-IV3, the lowest that Kafka 4 knows; 30 is 4.3-IV0.
    SupportedFeature {
        name: "metadata.version",
        min: 7,
        max: 30,
        initial: 30,
    },
    SupportedFeature {
        name: "transaction.version",
        min: 0,
        max: 1,
        initial: 1,
    },
];

impl Catalog {
    /// The initial levels, unless features were ever finalized.
    pub(super) fn bootstrap(&self) -> Vec<Event> {
        if !self.features.is_empty() {
            return Vec::new();
        }
        let finalized = SUPPORTED_FEATURES
            .iter()
            .map(|feature| Event::FeatureFinalized {
                name: feature.name.to_owned(),
                level: feature.initial,
            });
        finalized.collect()
    }
}
