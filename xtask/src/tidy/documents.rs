//! What the documents promise: their links lead somewhere, the tests they name exist, and every
//! setting is described.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Finding;
use super::workspace::Workspace;

/// Documents that must be there.
const PRESENT: [&str; 2] = ["docs/apis.md", CONFIGURATION];

/// It has a row for each of the broker's settings, under the heading Settings.
const CONFIGURATION: &str = "docs/configuration.md";

/// The broker's table of settings.
const SETTINGS: &str = "crates/broker/src/config/settings.rs";

/// It names tests as `` `path/of/file.rs::name_of_the_test` ``.
const GUARANTEES: &str = "docs/guarantees.md";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let absent = PRESENT
        .into_iter()
        .filter(|path| !workspace.files.contains_key(*path))
        .map(|path| format!("{path}: is missing"));
    absent
        .chain(broken_links(workspace))
        .chain(missing_tests(workspace))
        .chain(settings(workspace))
        .collect()
}

fn settings(workspace: &Workspace) -> Vec<Finding> {
    let known: BTreeSet<&str> = keys(workspace.text(SETTINGS)).collect();
    let described: BTreeSet<&str> = rows(workspace.text(CONFIGURATION)).collect();
    let undescribed = known.difference(&described);
    let invented = described.difference(&known);
    let undescribed = undescribed.map(|key| format!("{CONFIGURATION}: describe {key}"));
    undescribed
        .chain(invented.map(|key| format!("{CONFIGURATION}: {key} is no setting")))
        .collect()
}

/// The text that begins each row of the code's table.
fn keys(code: &str) -> impl Iterator<Item = &str> {
    ["plain!(", "key:"].into_iter().flat_map(move |begin| {
        let rows = code.split(begin).skip(1);
        rows.filter_map(|row| row.trim_start().strip_prefix('"')?.split('"').next())
    })
}

/// The backquoted text that begins each row of the document's table.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .skip_while(|line| *line != "## Settings")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
}

fn broken_links(workspace: &Workspace) -> impl Iterator<Item = Finding> {
    let documents = workspace
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".md"));
    documents.flat_map(|(path, text)| {
        links(text)
            .filter(|link| !leads_somewhere(workspace, path, link))
            .map(move |link| format!("{path}: the link {link} leads nowhere"))
    })
}

/// The targets of a Markdown text's links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
}

fn leads_somewhere(workspace: &Workspace, document: &str, link: &str) -> bool {
    let (path, _heading) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    let mut target = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                if !target.pop() {
                    return false;
                }
            }
            Component::CurDir => {}
            other => target.push(other),
        }
    }
    workspace
        .files
        .keys()
        .any(|file| Path::new(file).starts_with(&target))
}

fn missing_tests(workspace: &Workspace) -> impl Iterator<Item = Finding> {
    named_tests(workspace.text(GUARANTEES))
        .filter(|(file, test)| !workspace.text(file).contains(&format!("fn {test}(")))
        .map(|(file, test)| format!("{GUARANTEES}: no test {test} in {file}"))
}

/// File and name of every test that a text names.
fn named_tests(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`')
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
        let mut workspace = Workspace::default();
        for (path, text) in PRESENT.map(|path| (path, "")).iter().chain(files) {
            workspace
                .files
                .insert((*path).to_owned(), (*text).to_owned());
        }
        check(&workspace)
    }

    #[test]
    fn a_link_leads_to_a_file_a_folder_or_out_into_the_world() {
        let good = "[a](b.md#x) [b](../crates) [c](https://example.org) [d](#here)";
        let files = [("docs/a.md", good), ("docs/b.md", ""), ("crates/x.rs", "")];
        assert_eq!(findings(&files), Vec::<Finding>::new());
        assert_eq!(findings(&[("docs/a.md", "[a](c.md)")]).len(), 1);
        assert_eq!(findings(&[("docs/a.md", "[a](../../x.md)")]).len(), 1);
    }

    #[test]
    fn a_named_test_must_exist() {
        let named = "shown by `crates/a.rs::it_holds`";
        assert_eq!(findings(&[(GUARANTEES, named)]).len(), 1);
        let code = "#[test]\nfn it_holds() {}";
        assert_eq!(
            findings(&[(GUARANTEES, named), ("crates/a.rs", code)]).len(),
            0
        );
    }

    #[test]
    fn every_setting_has_a_row_and_no_row_is_invented() {
        let code = "pub key: &str, key: $key, Setting { key: \"a.b\" }, plain!(\n  \"c\", Int)";
        let found = |rows: &str| {
            let rows = format!("| `--flag` | |\n## Settings\n{rows}## More\n| `x` | |\n");
            findings(&[(SETTINGS, code), (CONFIGURATION, &rows)]).len()
        };
        assert_eq!(found("| `a.b` | x |\n| `c` (ours) | `e.f` |\n"), 0);
        assert_eq!(found("| `a.b` | x |\n"), 1);
        assert_eq!(found("| `a.b` | |\n| `c` | |\n| `g.h` | |\n"), 1);
    }

    #[test]
    fn a_document_that_must_be_there_is_missed() {
        assert_eq!(check(&Workspace::default()).len(), PRESENT.len());
    }
}
