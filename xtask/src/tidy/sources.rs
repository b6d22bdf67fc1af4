//! What must not stand in the files: stubs, skipped tests, one machine's paths, another registry.

use super::Finding;
use super::workspace::Workspace;

/// Unfinished work and tests that are not run. Written in two halves, for this file is looked at too.
const STUBS: [&str; 3] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
];

/// Folders that exist on one machine only.
const FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Settings that lead cargo away from the public registry.
const REGISTRIES: [&str; 4] = [
    concat!("[sou", "rce."),
    concat!("[regis", "tries"),
    concat!("replace-", "with"),
    concat!("regis", "try ="),
];

/// The one source in `Cargo.lock`.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let of_file = |(path, text): (&String, &String)| -> Vec<Finding> {
        text.lines()
            .enumerate()
            .filter_map(|(at, line)| Some((at + 1, problem(path, line)?)))
            .map(|(at, problem)| format!("{path}:{at}: {problem}"))
            .collect()
    };
    workspace.files.iter().flat_map(of_file).collect()
}

fn problem(path: &str, line: &str) -> Option<String> {
    if path.ends_with(".rs")
        && let Some(stub) = STUBS.into_iter().find(|stub| line.contains(stub))
    {
        return Some(format!("{stub}: finish it, or write the gap down"));
    }
    if path.ends_with(".toml")
        && let Some(word) = REGISTRIES.into_iter().find(|word| names(line, word))
    {
        return Some(format!("{word}: only the public registry"));
    }
    if path == "Cargo.lock" && line.starts_with("source = ") && !line.contains(SOURCE) {
        return Some("a source that is not the public registry".to_owned());
    }
    FOLDERS
        .into_iter()
        .find(|folder| names(line, folder))
        .map(|folder| format!("{folder}: a path of one machine"))
}

/// Whether the line has the words where a path or a key may begin, and not inside a longer one.
fn names(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        let mut workspace = Workspace::default();
        workspace.files.insert(path.to_owned(), text.to_owned());
        check(&workspace).len()
    }

    #[test]
    fn stubs_and_skipped_tests_are_found_in_code_and_only_there() {
        for stub in STUBS {
            assert_eq!(
                findings("a.rs", &format!("fn f() {{}}\n {stub}")),
                1,
                "{stub}"
            );
            assert_eq!(findings("a.md", stub), 0, "{stub}");
        }
    }

    #[test]
    fn a_machines_folder_is_found_at_the_beginning_of_a_path() {
        for folder in FOLDERS {
            assert_eq!(findings("a.md", &format!("see `{folder}x`")), 1);
            assert_eq!(findings("a.md", &format!("see crates{folder}x")), 0);
        }
    }

    #[test]
    fn another_registry_is_found() {
        assert_eq!(findings("Cargo.lock", &format!("source = \"{SOURCE}\"")), 0);
        assert_eq!(
            findings("Cargo.lock", "source = \"git+https://example.org/x\""),
            1
        );
        for word in REGISTRIES {
            assert_eq!(findings(".cargo/config.toml", word), 1, "{word}");
            assert_eq!(findings("deny.toml", &format!("un-{word}")), 0, "{word}");
        }
    }
}
