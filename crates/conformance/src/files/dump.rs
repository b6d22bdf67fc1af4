//! Kafka's dump of log segments over every file that it can read.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::Topic;
use super::partition_dir;
use crate::error::Error;
use crate::tool::Tools;

const SCRIPT: &str = "kafka-dump-log.sh";
const ENDINGS: [&str; 6] = [
    ".log",
    ".index",
    ".timeindex",
    ".txnindex",
    ".snapshot",
    ".checkpoint",
];
/// How many complaints are told.
const TOLD: usize = 10;

/// Has every file of the data directory dumped. Returns how many complaints there are.
///
/// # Errors
/// The tool cannot be run, or what is to be looked at is not there: nothing was compacted, or nothing deleted.
pub(super) fn look(
    tools: &Tools,
    data: &Path,
    topics: &[Topic],
    tell: &mut dyn FnMut(&str),
) -> Result<usize, Error> {
    let files = files(data)?;
    let missing = || Error::Usage(format!("the scripts lack {SCRIPT}"));
    let script = tools.find(SCRIPT).ok_or_else(missing)?;
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let args = [
        "--deep-iteration".to_owned(),
        "--files".to_owned(),
        names.join(","),
    ];
    let said = tools.start("dump", &script, &args, "")?.wait()?;
    let lines = || said.stdout.lines().chain(said.stderr.lines());
    let count = |of: fn(&str) -> bool| lines().filter(|line| of(line)).count();
    let dumped = count(|line| line.starts_with("Dumping "));
    let valid = count(|line| line.contains("isvalid: true"));
    let empty = count(|line| line.starts_with("baseOffset") && line.contains(" count: 0 "));
    tell(&format!(
        "{SCRIPT}: {dumped} of {} files, {valid} batches valid, {empty} of them stand for records that are gone",
        files.len()
    ));
    let complaints: Vec<&str> = lines().filter(|line| is_complaint(line)).collect();
    for complaint in complaints.iter().take(TOLD) {
        tell(&format!("  {complaint}"));
    }
    let mut found = complaints.len() + files.len().abs_diff(dumped);
    if said.ended != "exit status: 0" {
        tell(&format!("  it ended with {}", said.ended));
        found += 1;
    }
    let deleted = topics.iter().filter(|topic| topic.by_size).any(|topic| {
        let first = partition_dir(data, &topic.name, 0).join(format!("{:020}.log", 0));
        !first.exists()
    });
    match (empty, deleted) {
        (0, _) => Err(Error::Wrong(
            "nothing was compacted: the load shows too little".into(),
        )),
        (_, false) => Err(Error::Wrong(
            "nothing was deleted by size: the load shows too little".into(),
        )),
        _ => Ok(found),
    }
}

/// All files in the partitions' directories that the tool can read, in order.
fn files(data: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = |path: &Path| -> Result<Vec<PathBuf>, Error> {
        let listed = fs::read_dir(path).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()
        });
        listed.map_err(Error::io(format!("list {}", path.display())))
    };
    let mut found = Vec::new();
    for directory in list(data)?.iter().filter(|path| path.is_dir()) {
        found.extend(list(directory)?);
    }
    found.retain(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        ENDINGS.iter().any(|ending| name.ends_with(ending))
    });
    found.sort_unstable();
    Ok(found)
}

/// What the tool says where an index and its log disagree, or a batch is damaged.
pub(crate) fn is_complaint(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        "mismatch",
        "isvalid: false",
        "out of order",
        "exception",
        "not found",
        "corrupt",
    ]
    .iter()
    .any(|sign| line.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_known_by_their_words() {
        assert!(is_complaint("Mismatches in :/data/0.index"));
        assert!(is_complaint("Found timestamp mismatch in :0.timeindex"));
        assert!(is_complaint("size: 98 magic: 2 isvalid: false"));
        assert!(!is_complaint("offset: 12 position: 4096"));
    }

    #[test]
    fn every_file_of_every_partition_that_can_be_dumped_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path();
        for partition in ["a-0", "b-0"] {
            fs::create_dir(data.join(partition)).expect("is new");
        }
        for name in [
            "b-0/1.log",
            "a-0/0.log",
            "a-0/0.sums",
            "a-0/0.txnindex",
            "meta.properties",
        ] {
            fs::write(data.join(name), "").expect("is new");
        }
        let expected = ["a-0/0.log", "a-0/0.txnindex", "b-0/1.log"];
        assert_eq!(
            files(data).expect("lists"),
            expected.map(|name| data.join(name))
        );
    }
}
