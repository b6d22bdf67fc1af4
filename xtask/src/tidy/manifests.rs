//! Every package of ours follows the workspace: its lints, edition and licence.

use super::Finding;
use super::workspace::{Package, Workspace};

/// Lines that must stand under their heading.
const LINES: [(&str, &str); 4] = [
    ("[lints]", "workspace = true"),
    ("[package]", "edition.workspace = true"),
    ("[package]", "license.workspace = true"),
    ("[package]", "rust-version.workspace = true"),
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let missing = |package: &Package| {
        let manifest = package.manifest.clone();
        let text = workspace.text(&manifest).to_owned();
        LINES
            .into_iter()
            .filter(move |(heading, line)| !has(&text, heading, line))
            .map(move |(heading, line)| format!("{manifest}: under {heading} write: {line}"))
            .collect::<Vec<_>>()
    };
    workspace.members.iter().flat_map(missing).collect()
}

fn has(manifest: &str, heading: &str, line: &str) -> bool {
    let mut lines = manifest.lines().skip_while(|found| *found != heading);
    lines.next();
    lines
        .take_while(|found| !found.starts_with('['))
        .any(|found| found == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_only_under_its_heading() {
        let manifest = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n";
        assert!(has(manifest, "[lints]", "workspace = true"));
        assert!(!has(manifest, "[package]", "workspace = true"));
        assert!(!has("[package]\n", "[lints]", "workspace = true"));
    }
}
