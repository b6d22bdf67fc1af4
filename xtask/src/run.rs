//! Starting other programs, in the project's root.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Runs a program to its end, with its output going to ours; says how long it took.
///
/// # Errors
/// It cannot be started, or it failed.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let line = words.join(" ");
    eprintln!("== {line}");
    let began = Instant::now();
    let status = command(words)?.status().map_err(|e| cannot(&line, &e))?;
    let seconds = began.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("== {line}: failed ({status}) after {seconds:.1} s"));
    }
    eprintln!("== {line}: ok, {seconds:.1} s");
    Ok(())
}

/// Runs a program and returns what it printed on its standard output.
///
/// # Errors
/// It cannot be started, it failed, or it printed something that is not UTF-8.
pub(crate) fn read(words: &[&str]) -> Result<String, String> {
    let line = words.join(" ");
    let output = command(words)?.output().map_err(|e| cannot(&line, &e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{line}: {}\n{said}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{line}: {error}"))
}

fn command(words: &[&str]) -> Result<Command, String> {
    let (program, args) = words.split_first().ok_or("no program to run")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    Ok(command)
}

fn cannot(line: &str, error: &std::io::Error) -> String {
    format!("cannot run {line}: {error}")
}
