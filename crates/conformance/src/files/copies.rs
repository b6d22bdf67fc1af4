//! An Apache Kafka that gets copies of our partitions' directories, as it would get them from a disk of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::load::Topic;
use super::{Options, partition_dir};
use crate::error::Error;
use crate::link::Link;

const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take until it serves again.
const START: Duration = Duration::from_secs(60);
/// Says whose a directory is: that stays Kafka's.
const OWNER: &str = "partition.metadata";
const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// The Kafka, and how it is stopped and started.
pub(super) struct Kafka<'a> {
    pub(super) address: String,
    data: PathBuf,
    stop: &'a str,
    start: &'a str,
}

impl<'a> Kafka<'a> {
    /// That of the options, if one is named.
    pub(super) fn of(options: &'a Options) -> Option<Self> {
        Some(Self {
            address: options.kafka.clone()?,
            data: options.kafka_data.clone()?,
            stop: options.kafka_stop.as_deref()?,
            start: options.kafka_start.as_deref()?,
        })
    }

    /// Makes the topics there, and puts copies of the partitions under `data` in their places.
    pub(super) fn take(&self, data: &Path, topics: &[Topic]) -> Result<(), Error> {
        let mut link = Link::connect(&self.address, PATIENCE)?;
        for topic in topics {
            link.create_topic(&topic.name, topic.partitions, &[("retention.ms", "-1")])?;
        }
        drop(link);
        shell(self.stop)?;
        // Whatever comes of it, the Kafka is not left standing.
        let replaced = self.replace(data, topics);
        shell(self.start)?;
        replaced?;
        self.await_it()
    }

    /// Copies the partitions, and where their logs start.
    fn replace(&self, data: &Path, topics: &[Topic]) -> Result<(), Error> {
        let places = || topics.iter().flat_map(Topic::places);
        for (topic, partition) in places() {
            replace(
                &partition_dir(data, topic, partition),
                &partition_dir(&self.data, topic, partition),
            )?;
        }
        let mut starts = log_starts(&self.data.join(LOG_STARTS))?;
        let ours = log_starts(&data.join(LOG_STARTS))?;
        let names: Vec<String> = places().map(|(topic, n)| format!("{topic} {n}")).collect();
        starts.extend(ours.into_iter().filter(|(place, _)| names.contains(place)));
        let lines = starts
            .iter()
            .map(|(place, offset)| format!("{place} {offset}\n"));
        let text = format!("0\n{}\n{}", starts.len(), lines.collect::<String>());
        let written = fs::write(self.data.join(LOG_STARTS), text);
        written.map_err(Error::io("write Kafka's log starts"))
    }

    fn await_it(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        loop {
            let asked = Link::connect(&self.address, PATIENCE).and_then(|mut link| link.versions());
            match asked {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

/// What is in `to` becomes a copy of what is in `from`, but for whose it is.
fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    let copy = || {
        let owner = fs::read(to.join(OWNER))?;
        fs::remove_dir_all(to)?;
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        fs::write(to.join(OWNER), owner)
    };
    copy().map_err(Error::io(format!(
        "copy {} to {}",
        from.display(),
        to.display()
    )))
}

/// What a checkpoint of log starts says: a version, a count, and a line for each partition.
fn log_starts(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let text = fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))?;
    let lines = text.lines().skip(2);
    let places = lines.filter_map(|line| line.rsplit_once(' '));
    Ok(places
        .map(|(place, offset)| (place.to_owned(), offset.to_owned()))
        .collect())
}

fn shell(command: &str) -> Result<(), Error> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = shell
        .status()
        .map_err(Error::io(format!("run {command}")))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Usage(format!("{command} ended with {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_replaces_all_but_whose_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        for (at, files) in [(&from, ["0.log", OWNER]), (&to, ["1.log", OWNER])] {
            fs::create_dir(at).expect("is new");
            for name in files {
                fs::write(at.join(name), at.as_os_str().as_encoded_bytes()).expect("is new");
            }
        }
        replace(&from, &to).expect("copies");
        let read = |name: &str| fs::read(to.join(name)).ok();
        assert_eq!(
            read("0.log").as_deref(),
            Some(from.as_os_str().as_encoded_bytes())
        );
        assert_eq!(
            read(OWNER).as_deref(),
            Some(to.as_os_str().as_encoded_bytes())
        );
        assert_eq!(read("1.log"), None);
    }

    #[test]
    fn a_command_that_fails_is_an_error() {
        shell("true").expect("ends well");
        shell("exit 3").expect_err("ends badly");
    }
}
