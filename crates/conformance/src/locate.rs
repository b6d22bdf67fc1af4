//! Where the binary `once` is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

const ONCE: &str = "cargo build -p once-cli";

/// The binary at `given`; else, under `cargo run`, the one that cargo builds now into the same
/// target directory and profile; else the one beside this program.
pub fn find_once(given: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = given {
        return exists(path.to_owned(), ONCE);
    }
    let own = env::current_exe().map_err(Error::io("find this program"))?;
    let beside = own.with_file_name("once");
    if let (Some(cargo), Some(directory)) = (env::var_os("CARGO"), own.parent()) {
        build(Command::new(cargo), directory)?;
    }
    exists(beside, ONCE)
}

/// The library that makes file calls fail. It is no part of the workspace, which has no `unsafe`.
pub(crate) fn find_shim() -> Result<PathBuf, Error> {
    const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/shim/Cargo.toml");
    find_outside(
        MANIFEST,
        "libonce_shim.so",
        "the library that makes file calls fail",
    )
}

/// The program with librdkafka's clients. It is no part of the workspace, so that nobody needs a C
/// library to build that.
pub(crate) fn find_companion() -> Result<PathBuf, Error> {
    const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/librdkafka/Cargo.toml");
    find_outside(
        MANIFEST,
        "librdkafka-load",
        "librdkafka's clients, which need a C compiler and make; --clients confluent does without",
    )
}

/// What a package outside of the workspace builds: under `cargo run` cargo builds it now, in a target
/// directory of its own beside ours, optimised as librdkafka is in use.
fn find_outside(manifest: &str, built: &str, what: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(Error::io("find this program"))?;
    let target = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("target"));
    let target = target.join("outside");
    if let Some(cargo) = env::var_os("CARGO") {
        let mut cargo = Command::new(cargo);
        cargo.args(["build", "--quiet", "--release", "--locked"]);
        cargo.args(["--manifest-path", manifest]);
        cargo.arg("--target-dir").arg(&target);
        succeed(cargo, what)?;
    }
    let by = format!("cargo build --release --manifest-path {manifest}");
    exists(target.join("release").join(built), &by)
}

/// Runs `cargo build -p once-cli` for the profile whose directory this is.
fn build(mut cargo: Command, directory: &Path) -> Result<(), Error> {
    cargo.args(["build", "--quiet", "-p", "once-cli", "--bin", "once"]);
    if directory.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    if let Some(target) = directory.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    succeed(cargo, "once; --once PATH names a binary that is there")
}

fn succeed(mut cargo: Command, what: &str) -> Result<(), Error> {
    let status = cargo.status().map_err(Error::io("start cargo"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Usage(format!("cargo cannot build {what}")))
    }
}

fn exists(path: PathBuf, made_by: &str) -> Result<PathBuf, Error> {
    if path.is_file() {
        Ok(path)
    } else {
        let path = path.display();
        Err(Error::Usage(format!(
            "there is no {path}; {made_by} makes it"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_that_is_not_there_is_named() {
        let error = find_once(Some(Path::new("/nowhere/once"))).expect_err("it is not there");
        assert!(error.to_string().contains("/nowhere/once"), "{error}");
    }
}
