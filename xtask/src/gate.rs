//! The gate: `check` and `ci` look and change nothing, `fix` is their twin that repairs.

use crate::run::run;
use crate::tidy;

/// Which packages, targets and features clippy looks at: all that the tests build.
const SCOPE: [&str; 5] = [
    "--locked",
    "--workspace",
    "--all-targets",
    "--features",
    "once-kafka/broker",
];

/// What `--all` does not reach. They are formatted here and no more: the rest of the gate shall need
/// no C library.
const OUTSIDE: [&str; 2] = [
    "crates/conformance/librdkafka/Cargo.toml",
    "crates/conformance/shim/Cargo.toml",
];

/// Formatting, tidy, clippy.
pub(crate) fn check() -> Result<(), String> {
    run(&["cargo", "fmt", "--all", "--check"])?;
    for manifest in OUTSIDE {
        run(&["cargo", "fmt", "--manifest-path", manifest, "--check"])?;
    }
    tidy::check()?;
    clippy(&["cargo", "clippy"], &["--", "-D", "warnings"])
}

/// What `.ci/run` runs, with the caches that are there.
pub(crate) fn ci() -> Result<(), String> {
    check()?;
    run(&["./x", "test"])?;
    run(&["./x", "demo"])
}

/// Repairs what can be repaired without thinking.
pub(crate) fn fix() -> Result<(), String> {
    let words = [
        "cargo",
        "clippy",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
    ];
    clippy(&words, &[])?;
    run(&["cargo", "fmt", "--all"])?;
    for manifest in OUTSIDE {
        run(&["cargo", "fmt", "--manifest-path", manifest])?;
    }
    tidy::bless()
}

fn clippy(words: &[&str], lints: &[&str]) -> Result<(), String> {
    run(&[words, &SCOPE, lints].concat())
}
