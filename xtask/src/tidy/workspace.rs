//! What the checks look at: packages as cargo sees them, and the files under version control.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::run::{read, root};

/// The platforms we answer for: a dependency only of others is not looked at.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The project as the checks see it.
#[derive(Default)]
pub(super) struct Workspace {
    /// Our packages.
    pub(super) members: Vec<Package>,
    /// Everything they depend on.
    pub(super) others: Vec<Package>,
    /// Path from the root → text, of every file that is text and not ignored by git.
    pub(super) files: BTreeMap<String, String>,
}

/// One package.
#[derive(Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression; empty if the manifest has none.
    pub(super) license: String,
    /// Path of its `Cargo.toml` from the root; for others, wherever it is.
    pub(super) manifest: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// Asks cargo and git.
    pub(super) fn read() -> Result<Self, String> {
        let (members, others) = packages()?;
        Ok(Self {
            members,
            others,
            files: files()?,
        })
    }

    /// The text of a file, empty if there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }
}

fn packages() -> Result<(Vec<Package>, Vec<Package>), String> {
    let mut words = vec!["cargo", "metadata", "--format-version", "1", "--locked"];
    words.extend(PLATFORMS.iter().flat_map(|p| ["--filter-platform", *p]));
    let metadata: Value = serde_json::from_str(&read(&words)?).map_err(|e| e.to_string())?;
    let ours: Vec<&Value> = list(&metadata["workspace_members"]).collect();
    let (members, others): (Vec<&Value>, Vec<&Value>) =
        list(&metadata["packages"]).partition(|package| ours.contains(&&package["id"]));
    let packages = |from: Vec<&Value>| from.into_iter().map(package).collect();
    Ok((packages(members), packages(others)))
}

fn package(value: &Value) -> Package {
    let manifest = text(&value["manifest_path"]);
    let root = format!("{}/", root().display());
    Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        license: text(&value["license"]),
        manifest: manifest.strip_prefix(&root).unwrap_or(&manifest).to_owned(),
        dependencies: list(&value["dependencies"]).map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]),
        kind: match value["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Committed files and new ones, but none that git ignores.
fn files() -> Result<BTreeMap<String, String>, String> {
    // In CI the checkout may belong to another user, which git would refuse without a word in its
    // configuration.
    let mut words = vec!["git", "-c", "safe.directory=*", "ls-files", "-z"];
    words.extend(["--cached", "--others", "--exclude-standard"]);
    let listed = read(&words)?;
    let root = root();
    Ok(listed
        .split_terminator('\0')
        .filter_map(|path| {
            // A file that was deleted but not yet committed so, or is not text, has nothing to say.
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some((path.to_owned(), text))
        })
        .collect())
}
