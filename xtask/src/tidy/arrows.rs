//! Which crate may depend on which. A crate is a wall, made where something must not pass.

use super::Finding;
use super::workspace::{Kind, Package, Workspace};

/// One crate's row. It holds for normal and build dependencies; a dev-dependency may reach
/// further, except in a package that says `alone`.
struct Wall {
    package: &'static str,
    /// Ours that it may use.
    may_use: &'static [&'static str],
    /// Others' that must not pass.
    not: &'static [&'static str],
    /// Nothing of ours, not even in its tests: it judges us.
    alone: bool,
}

const fn wall(
    package: &'static str,
    may_use: &'static [&'static str],
    not: &'static [&'static str],
) -> Wall {
    Wall {
        package,
        may_use,
        not,
        alone: false,
    }
}

/// Runtimes and sources of chance: what is pure must not know them.
const WORLD: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "rand",
    "fastrand",
];

/// The picture in ARCHITECTURE.md, as data.
const WALLS: [Wall; 12] = [
    wall("once-wire", &[], WORLD),
    wall("once-log", &["once-wire"], WORLD),
    wall("once-coordinator", &["once-wire"], WORLD),
    wall(
        "once-broker",
        &["once-wire", "once-log", "once-coordinator"],
        &["confluent-kafka", "rdkafka"],
    ),
    wall("once-client", &[], &[]),
    Wall {
        alone: true,
        ..wall("once-check", &[], WORLD)
    },
    wall(
        "once-verify",
        &["once-client", "once-check", "once-wire"],
        &[],
    ),
    wall(
        "once-conformance",
        &["once-verify", "once-client", "once-check", "once-wire"],
        &[],
    ),
    wall(
        "once-sim",
        &[
            "once-broker",
            "once-log",
            "once-coordinator",
            "once-wire",
            "once-check",
        ],
        WORLD,
    ),
    wall(
        "once-cli",
        &["once-broker", "once-verify", "once-client"],
        &[],
    ),
    wall("once-kafka", &["once-client", "once-broker"], &[]),
    wall("xtask", &[], &["tokio", "confluent-kafka"]),
];

/// Oracles: what tests compare us with must not become a part of us.
const DEV_ONLY: [&str; 2] = ["kafka-protocol", "proptest"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.members.iter().flat_map(package).collect()
}

fn package(package: &Package) -> Vec<Finding> {
    let at = &package.manifest;
    let name = package.name.as_str();
    let Some(wall) = WALLS.iter().find(|wall| wall.package == name) else {
        return vec![format!(
            "{at}: {name} has no row in xtask/src/tidy/arrows.rs"
        )];
    };
    let refused = |kind: Kind, other: &str| {
        let shipped = kind != Kind::Dev;
        if WALLS.iter().any(|wall| wall.package == other) {
            !wall.may_use.contains(&other) && (shipped || wall.alone)
        } else {
            shipped && (wall.not.contains(&other) || DEV_ONLY.contains(&other))
        }
    };
    package
        .dependencies
        .iter()
        .filter(|dependency| refused(dependency.kind, &dependency.name))
        .map(|dependency| {
            let (kind, other) = (dependency.kind, &dependency.name);
            format!("{at}: {name} must not depend on {other} ({kind:?}): see ARCHITECTURE.md")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Dependency;
    use super::*;

    fn findings(package: &str, kind: Kind, dependency: &str) -> usize {
        let package = Package {
            name: package.to_owned(),
            dependencies: vec![Dependency {
                name: dependency.to_owned(),
                kind,
            }],
            ..Package::default()
        };
        check(&Workspace {
            members: vec![package],
            ..Workspace::default()
        })
        .len()
    }

    #[test]
    fn an_arrow_of_the_picture_passes_and_its_reverse_does_not() {
        assert_eq!(findings("once-log", Kind::Normal, "once-wire"), 0);
        assert_eq!(findings("once-wire", Kind::Normal, "once-log"), 1);
        assert_eq!(findings("once-wire", Kind::Build, "once-log"), 1);
        assert_eq!(findings("once-broker", Kind::Normal, "once-client"), 1);
    }

    #[test]
    fn tests_may_reach_further_but_not_the_judges() {
        assert_eq!(findings("once-broker", Kind::Dev, "once-client"), 0);
        assert_eq!(findings("once-check", Kind::Dev, "once-wire"), 1);
    }

    #[test]
    fn the_pure_crates_know_no_runtime_and_oracles_stay_in_tests() {
        assert_eq!(findings("once-coordinator", Kind::Normal, "tokio"), 1);
        assert_eq!(findings("once-broker", Kind::Normal, "tokio"), 0);
        assert_eq!(findings("once-wire", Kind::Normal, "kafka-protocol"), 1);
        assert_eq!(findings("once-wire", Kind::Dev, "kafka-protocol"), 0);
    }

    #[test]
    fn a_package_without_a_row_is_found() {
        assert_eq!(findings("once-new", Kind::Normal, "bytes"), 1);
    }

    #[test]
    fn no_crate_may_use_what_may_use_it() {
        for wall in &WALLS {
            for used in wall.may_use {
                let other = WALLS.iter().find(|wall| wall.package == *used);
                let other = other.unwrap_or_else(|| panic!("{used} has no row"));
                assert!(!other.may_use.contains(&wall.package), "{used}");
            }
        }
    }
}
