//! What no compiler checks: the crates' arrows, the files' sizes, the dependencies' licences, and
//! a few texts. Every check is a pure function from the [`Workspace`] to findings.

mod arrows;
mod documents;
mod licences;
mod manifests;
mod sizes;
mod sources;
mod workspace;

use crate::Args;
use workspace::Workspace;

/// Something to mend: where it is and what to do, in one line.
type Finding = String;

const CHECKS: [fn(&Workspace) -> Vec<Finding>; 6] = [
    arrows::check,
    manifests::check,
    sizes::check,
    sources::check,
    documents::check,
    licences::check,
];

/// `cargo xtask tidy [--bless]`.
pub(crate) fn run(mut args: Args) -> Result<(), String> {
    match (args.next().as_deref(), args.next()) {
        (None, _) => check(),
        (Some("--bless"), None) => bless().and_then(|()| check()),
        _ => Err("usage: cargo xtask tidy [--bless]".to_owned()),
    }
}

/// Runs every check and prints what each found.
///
/// # Errors
/// Something was found, or the workspace cannot be read.
pub(crate) fn check() -> Result<(), String> {
    let workspace = Workspace::read()?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&workspace)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        return Err(format!("tidy: {} to mend", findings.len()));
    }
    println!(
        "tidy: {} of our packages, {} of others, {} files: nothing to mend",
        workspace.members.len(),
        workspace.others.len(),
        workspace.files.len()
    );
    Ok(())
}

/// Shrinks the list of large files to what they are now.
pub(crate) fn bless() -> Result<(), String> {
    sizes::bless(&Workspace::read()?)
}
