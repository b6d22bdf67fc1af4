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

/// Formatting, tidy, clippy.
pub(crate) fn check() -> Result<(), String> {
    run(&["cargo", "fmt", "--all", "--check"])?;
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
    tidy::bless()
}

fn clippy(words: &[&str], lints: &[&str]) -> Result<(), String> {
    run(&[words, &SCOPE, lints].concat())
}
