//! The size ratchet: a file is one concept and rarely has more than [`LIMIT`] lines. Those that do
//! stand in a list with their length, which may only shrink.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Finding;
use super::workspace::Workspace;
use crate::run::root;

/// Lines of a Rust file beyond which it must be on the list.
const LIMIT: usize = 400;

const LIST: &str = "xtask/sizes.txt";

const HEAD: &str = "\
# Files that are longer than the limit, and how long they may be. The list only shrinks:
# `cargo xtask tidy --bless` lowers it. A line is added by hand, with the reason in the commit.
";

type Sizes = BTreeMap<String, usize>;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let listed = match parse(workspace.text(LIST)) {
        Ok(listed) => listed,
        Err(finding) => return vec![finding],
    };
    let large = large(workspace);
    let grown = large.iter().filter_map(|(path, &length)| {
        let bound = listed.get(path).copied().unwrap_or(LIMIT);
        (length > bound).then(|| format!("{path}: {length} lines, {bound} at most: split it"))
    });
    let shrunk = listed
        .iter()
        .filter(|&(path, &bound)| large.get(path).is_none_or(|&length| length < bound))
        .map(|(path, _)| format!("{LIST}: {path} is shorter now: cargo xtask tidy --bless"));
    grown.chain(shrunk).collect()
}

/// Writes the list with each bound lowered to the file's length. Bounds are never raised and files
/// never added; only where there is no list yet, it is made from what there is.
pub(super) fn bless(workspace: &Workspace) -> Result<(), String> {
    let listed = workspace.files.get(LIST).map(|text| parse(text));
    let sizes = lowered(listed.transpose()?, large(workspace));
    std::fs::write(root().join(LIST), print(&sizes)).map_err(|error| format!("{LIST}: {error}"))
}

fn lowered(listed: Option<Sizes>, large: Sizes) -> Sizes {
    let Some(listed) = listed else { return large };
    large
        .into_iter()
        .filter_map(|(path, length)| {
            let bound = *listed.get(&path)?;
            Some((path, length.min(bound)))
        })
        .collect()
}

fn large(workspace: &Workspace) -> Sizes {
    workspace
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, text)| (path.clone(), text.lines().count()))
        .filter(|&(_, length)| length > LIMIT)
        .collect()
}

fn parse(text: &str) -> Result<Sizes, Finding> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (length, path) = line.split_once(' ').unwrap_or_default();
            let length = length
                .parse()
                .map_err(|_| format!("{LIST}: not a line of it: {line}"))?;
            Ok((path.to_owned(), length))
        })
        .collect()
}

fn print(sizes: &Sizes) -> String {
    let mut text = HEAD.to_owned();
    for (path, length) in sizes {
        let _ = writeln!(text, "{length} {path}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(lines: usize, list: &str) -> Workspace {
        Workspace {
            files: BTreeMap::from([
                ("crates/x/src/a.rs".to_owned(), "\n".repeat(lines)),
                ("docs/long.md".to_owned(), "\n".repeat(LIMIT + 1)),
                (LIST.to_owned(), list.to_owned()),
            ]),
            ..Workspace::default()
        }
    }

    #[test]
    fn a_file_may_reach_its_bound_and_not_pass_it() {
        assert!(check(&workspace(LIMIT, "")).is_empty());
        assert_eq!(check(&workspace(LIMIT + 1, "")).len(), 1);
        assert!(check(&workspace(500, "500 crates/x/src/a.rs\n")).is_empty());
        assert_eq!(check(&workspace(501, "500 crates/x/src/a.rs\n")).len(), 1);
    }

    #[test]
    fn a_bound_that_is_too_high_must_be_lowered() {
        assert_eq!(check(&workspace(499, "500 crates/x/src/a.rs\n")).len(), 1);
        assert_eq!(check(&workspace(1, "500 crates/x/src/a.rs\n")).len(), 1);
    }

    #[test]
    fn a_blessing_only_lowers() {
        let sizes = |pairs: &[(&str, usize)]| -> Sizes {
            pairs
                .iter()
                .map(|&(path, n)| (path.to_owned(), n))
                .collect()
        };
        let listed = sizes(&[("grown", 500), ("shrunk", 500), ("gone", 500)]);
        let large = sizes(&[("grown", 600), ("shrunk", 450), ("new", 700)]);
        let after = sizes(&[("grown", 500), ("shrunk", 450)]);
        assert_eq!(lowered(Some(listed), large.clone()), after);
        assert_eq!(lowered(None, large.clone()), large);
        assert_eq!(parse(&print(&large)), Ok(large));
    }
}
