//! What lies on disk, through Apache's dump of log segments.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use once_wire::partition_for;

use super::super::both::Both;
use super::super::call::Call;
use super::super::load;
use super::super::stage::{Side, Stage};
use super::super::view::View;
use super::records::make;
use crate::error::Error;
use crate::files::is_complaint;

const SCRIPT: &str = "kafka-dump-log.sh";

/// Partitions written by hand, whose bytes must be equal.
const EXACT: [(&str, i32); 10] = [
    ("shapes", 0),
    ("shapes", 1),
    ("shapes", 2),
    ("a", 0),
    ("a", 1),
    ("a", 2),
    ("b", 0),
    ("b", 1),
    ("segments", 0),
    ("plain", 4),
];

/// Partitions that tools have written, where sizes are chance.
const LOOSE: [(&str, i32); 5] = [
    ("console", 0),
    ("console", 1),
    ("console", 2),
    ("copy", 0),
    ("copy", 1),
];

pub(super) fn run(stage: &mut Stage<'_>) -> Result<(), Error> {
    let Some(data) = data(&stage.sides) else {
        stage.tell("left out: files, since no data directories are given");
        return Ok(());
    };
    let segments = stage.name("segments");
    let configs = [("segment.bytes", "1048576"), ("retention.ms", "-1")];
    make(stage, &segments, 1, &configs)?;
    stage.by_hand(|link| load::segments(link, &segments))?;
    for (topic, partition) in EXACT {
        let directory = format!("{}-{partition}", stage.name(topic));
        partition_files(stage, &data, &directory, &[])?;
    }
    for (topic, partition) in LOOSE {
        let directory = format!("{}-{partition}", stage.name(topic));
        partition_files(stage, &data, &directory, &[View::NoSizes])?;
    }
    internal(stage, &data)
}

fn data(sides: &Both<Side>) -> Option<Both<PathBuf>> {
    Some(Both {
        kafka: sides.kafka.data.clone()?,
        once: sides.once.data.clone()?,
    })
}

/// The names of the files in a directory with one of these endings, in order. Empty ones and those
/// not there are left out: Kafka makes some of them before there is anything in them.
fn files(directory: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let found: BTreeSet<String> = entries
        .filter(|entry| entry.metadata().is_ok_and(|file| file.len() > 0))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(ending))
        .collect();
    found.into_iter().collect()
}

/// Every file of a partition that can be dumped, dumped.
fn partition_files(
    stage: &mut Stage<'_>,
    data: &Both<PathBuf>,
    directory: &str,
    views: &[View],
) -> Result<(), Error> {
    let short = directory.replace(&stage.tag, "T");
    let all = |ending: &str| Both {
        kafka: files(&data.kafka.join(directory), ending),
        once: files(&data.once.join(directory), ending),
    };
    stage.compare_texts(format!("files {short}/*.log"), &all(".log"));
    for ending in [".log", ".txnindex"] {
        dump(stage, data, directory, &all(ending).kafka, views)?;
    }
    let heard_of = [views, &[View::NotWhenHeardOf]].concat();
    dump(stage, data, directory, &all(".snapshot").kafka, &heard_of)?;
    // The index of the segment in use is allocated ahead by Kafka, and its time index lacks the
    // last entry until the roll: what is compared is what no longer changes.
    let rolled: Vec<String> = all(".log").kafka;
    let rolled = &rolled[..rolled.len().saturating_sub(1)];
    for ending in [".index", ".timeindex"] {
        let names = rolled.iter().map(|log| log.replace(".log", ending));
        dump(stage, data, directory, &names.collect::<Vec<_>>(), views)?;
    }
    valid(stage, data, directory)
}

/// Dumps files of the same names on both sides and compares.
fn dump(
    stage: &mut Stage<'_>,
    data: &Both<PathBuf>,
    directory: &str,
    names: &[String],
    views: &[View],
) -> Result<(), Error> {
    let short = directory.replace(&stage.tag, "T");
    for name in names {
        let path = |data: &Path| data.join(directory).join(name).display().to_string();
        let paths = Both {
            kafka: path(&data.kafka),
            once: path(&data.once),
        };
        let call = Call::new(SCRIPT, "--deep-iteration --print-data-log --files");
        let call = views.iter().cloned().fold(call, Call::view);
        stage.compare_apart(&call, &paths, &format!("{SCRIPT} {short}/{name}"))?;
    }
    Ok(())
}

/// The tool's own complaints about our files alone: its index checks need no second side.
fn valid(stage: &mut Stage<'_>, data: &Both<PathBuf>, directory: &str) -> Result<(), Error> {
    let own = data.once.join(directory);
    let mut checked: Vec<String> = Vec::new();
    for ending in [".index", ".timeindex"] {
        checked.extend(files(&own, ending));
    }
    if checked.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = checked
        .iter()
        .map(|name| own.join(name).display().to_string())
        .collect();
    let dumped = stage.run_alone(SCRIPT, &["--files".to_owned(), paths.join(",")])?;
    let complaints = dumped.lines().filter(|line| is_complaint(line));
    let short = directory.replace(&stage.tag, "T");
    let difference = complaints.map(|line| format!("+ {line}")).collect();
    stage.note(
        format!("{SCRIPT} finds our indexes of {short} right"),
        difference,
    );
    Ok(())
}

/// The coordinators' topics and the cluster's metadata, through the decoders.
fn internal(stage: &mut Stage<'_>, data: &Both<PathBuf>) -> Result<(), Error> {
    for group in ["group", "copiers", "classic", "consumer"] {
        decoded(
            stage,
            data,
            "__consumer_offsets",
            "--offsets-decoder",
            group,
        )?;
    }
    for id in ["a", "b", "c", "copier"] {
        decoded(
            stage,
            data,
            "__transaction_state",
            "--transaction-log-decoder",
            id,
        )?;
    }
    let logs = |data: &Path| {
        let directory = data.join("__cluster_metadata-0");
        paths(&directory, &files(&directory, ".log"))
    };
    let logs = Both {
        kafka: logs(&data.kafka),
        once: logs(&data.once),
    };
    let call = Call::new(
        SCRIPT,
        "--cluster-metadata-decoder --deep-iteration --files",
    )
    .view(View::TopicsNamed(stage.tag.clone()))
    .view(View::Sorted);
    let name = format!("{SCRIPT} --cluster-metadata-decoder __cluster_metadata-0");
    stage.compare_apart(&call, &logs, &name)
}

/// What an internal topic says of one key: the partition is chosen by the key's hash.
fn decoded(
    stage: &mut Stage<'_>,
    data: &Both<PathBuf>,
    topic: &str,
    decoder: &str,
    key: &str,
) -> Result<(), Error> {
    let key = stage.name(key);
    let partitions = stage.by_hand(|link| link.partitions(topic))?;
    let logs = |data: &Path, partitions: i32| {
        let partition = partition_for(&key, partitions.max(1));
        let directory = data.join(format!("{topic}-{partition}"));
        paths(&directory, &files(&directory, ".log"))
    };
    let logs = Both {
        kafka: logs(&data.kafka, partitions.kafka),
        once: logs(&data.once, partitions.once),
    };
    let short = key.replace(&stage.tag, "T");
    let call = Call::new(SCRIPT, &format!("{decoder} --deep-iteration --files"))
        .view(View::LastOfEachKey(key));
    let name = format!("{SCRIPT} {decoder} {topic}: the last of each key of {short}");
    stage.compare_apart(&call, &logs, &name)
}

fn paths(directory: &Path, names: &[String]) -> String {
    let paths = names.iter().map(|name| directory.join(name));
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    paths.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_files_are_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, content) in [
            ("1.log", "x"),
            ("0.log", "x"),
            ("2.log", ""),
            ("0.index", "x"),
        ] {
            fs::write(directory.path().join(name), content).expect("a new one");
        }
        assert_eq!(files(directory.path(), ".log"), ["0.log", "1.log"]);
    }
}
