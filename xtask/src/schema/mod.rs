//! `schema --jars DIR`: Kafka's message schemas, taken from the JSON inside its published jars and written
//! in the notation that `crates/wire/schema/README.md` describes. Facts only: no text of Kafka's.

mod json;
mod notation;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use json::Schema;

const USAGE: &str = "usage: cargo xtask schema --jars DIR";

/// The jars that are read, by the beginning of their names.
const JARS: [&str; 4] = [
    "kafka-clients-",
    "kafka-group-coordinator-",
    "kafka-transaction-coordinator-",
    "kafka-metadata-",
];

/// Structures that travel inside other messages or in control records; others of their kind are not needed.
const DATA: [(&str, &str); 7] = [
    ("ConsumerProtocolAssignment", "consumer_protocol"),
    ("ConsumerProtocolSubscription", "consumer_protocol"),
    ("ControlRecordTypeSchema", "control_record"),
    ("EndTxnMarker", "control_record"),
    ("LeaderChangeMessage", "control_record"),
    ("SnapshotFooterRecord", "control_record"),
    ("SnapshotHeaderRecord", "control_record"),
];

/// Reads the jars and rewrites the schema folder.
pub(crate) fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let (Some("--jars"), Some(jars), None) = (args.next().as_deref(), args.next(), args.next())
    else {
        return Err(USAGE.to_owned());
    };
    let schemas = read_jars(Path::new(&jars))?;
    let files = notation::files(&schemas, &DATA)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/wire/schema");
    write(&folder, &files).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("{} schemas in {} files", schemas.len(), files.len());
    Ok(())
}

fn read_jars(folder: &Path) -> Result<Vec<Schema>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let mut schemas = Vec::new();
    for jar in JARS {
        // `kafka-group-coordinator-api-…` is another jar: after the name comes the version.
        let mut found = paths.iter().filter(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.ends_with(".jar")
                && name
                    .strip_prefix(jar)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        let (Some(path), None) = (found.next(), found.next()) else {
            return Err(format!(
                "{}: expected exactly one {jar}VERSION.jar",
                folder.display()
            ));
        };
        schemas
            .extend(json::read_jar(path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(schemas)
}

/// Writes the files and removes every other `.schema` file.
fn write(folder: &Path, files: &BTreeMap<String, String>) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "schema")
        {
            std::fs::remove_file(path)?;
        }
    }
    for (name, text) in files {
        std::fs::write(folder.join(format!("{name}.schema")), text)?;
    }
    Ok(())
}
