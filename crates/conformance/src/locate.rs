//! Where the binary `once` is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// The binary at `given`; else, under `cargo run`, the one that cargo builds now into the same
/// target directory and profile; else the one beside this program.
pub fn find_once(given: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = given {
        return exists(path.to_owned());
    }
    let own = env::current_exe().map_err(Error::io("find this program"))?;
    let beside = own.with_file_name("once");
    if let (Some(cargo), Some(directory)) = (env::var_os("CARGO"), own.parent()) {
        build(Command::new(cargo), directory)?;
    }
    exists(beside)
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
    let status = cargo.status().map_err(Error::io("start cargo"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Usage(
            "cargo cannot build once; --once PATH names a binary that is there".to_owned(),
        ))
    }
}

fn exists(path: PathBuf) -> Result<PathBuf, Error> {
    if path.is_file() {
        Ok(path)
    } else {
        Err(Error::Usage(format!(
            "there is no binary {}; cargo build -p once-cli makes it, --once PATH names another",
            path.display()
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
