//! Kafka's text files: checkpoints, `partition.metadata`, `meta.properties`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use once_wire::Uuid;

use crate::epochs::EpochEntry;

/// The version on the first line of every checkpoint.
const VERSION: &str = "0";

/// A checkpoint's text: version, count, one line per entry, each ended by a newline.
pub(super) fn checkpoint(lines: impl ExactSizeIterator<Item = String>) -> String {
    let mut text = format!("{VERSION}\n{}\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The lines of a checkpoint, or what is wrong with it.
fn checkpoint_lines(text: &str) -> Result<Vec<&str>, String> {
    let mut lines = text.lines();
    match lines.next() {
        Some(VERSION) => {}
        first => {
            return Err(format!(
                "its version is {:?}, not {VERSION}",
                first.unwrap_or_default()
            ));
        }
    }
    let count = lines
        .next()
        .and_then(|n| n.parse::<usize>().ok())
        .ok_or("its second line is no number of entries")?;
    let entries: Vec<_> = lines.collect();
    if entries.len() == count {
        Ok(entries)
    } else {
        Err(format!(
            "it has {} entries, but says {count}",
            entries.len()
        ))
    }
}

/// `leader-epoch-checkpoint`.
pub(crate) fn epochs_text(epochs: &[EpochEntry]) -> String {
    checkpoint(
        epochs
            .iter()
            .map(|e| format!("{} {}", e.epoch, e.start_offset)),
    )
}

/// The inverse of [`epochs_text`].
pub(crate) fn parse_epochs(text: &str) -> Result<Vec<EpochEntry>, String> {
    let parse = |line: &str| {
        let (epoch, start) = line.split_once(' ')?;
        Some(EpochEntry {
            epoch: epoch.parse().ok()?,
            start_offset: start.parse().ok()?,
        })
    };
    let lines = checkpoint_lines(text)?;
    lines
        .into_iter()
        .map(|line| parse(line).ok_or_else(|| format!("{line:?} is no epoch and offset")))
        .collect()
}

/// A checkpoint of one offset per partition.
pub(crate) fn offsets_text(offsets: &BTreeMap<(String, i32), i64>) -> String {
    checkpoint(
        offsets
            .iter()
            .map(|((topic, partition), offset)| format!("{topic} {partition} {offset}")),
    )
}

/// The inverse of [`offsets_text`].
pub(crate) fn parse_offsets(text: &str) -> Result<BTreeMap<(String, i32), i64>, String> {
    let parse = |line: &str| {
        let mut fields = line.split(' ');
        let topic = fields.next()?.to_owned();
        let (partition, offset) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        fields
            .next()
            .is_none()
            .then_some(((topic, partition), offset))
    };
    let lines = checkpoint_lines(text)?;
    let wrong = |line: &str| format!("{line:?} is no topic, partition and offset");
    lines
        .into_iter()
        .map(|line| parse(line).ok_or_else(|| wrong(line)))
        .collect()
}

/// `partition.metadata`; Kafka ends it without a newline.
pub(crate) fn metadata_text(topic_id: Uuid) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

/// The topic id in a `partition.metadata`; `None` if it is torn or none of ours.
pub(crate) fn parse_metadata(text: &str) -> Option<Uuid> {
    let mut lines = text.lines();
    if lines.next()? != "version: 0" {
        return None;
    }
    let id: Uuid = lines.next()?.strip_prefix("topic_id: ")?.parse().ok()?;
    (!id.is_zero()).then_some(id)
}

/// Java properties of the plain kind: `key=value` lines, in this order.
pub(crate) fn properties_text(properties: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}

/// The inverse of [`properties_text`]; comments and empty lines do not count.
pub(crate) fn parse_properties(text: &str) -> BTreeMap<&str, &str> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '!']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leader_epochs_are_written_as_kafka_writes_them() {
        let epochs = [
            EpochEntry {
                epoch: 0,
                start_offset: 0,
            },
            EpochEntry {
                epoch: 3,
                start_offset: 17,
            },
        ];
        let text = epochs_text(&epochs);
        assert_eq!(text, "0\n2\n0 0\n3 17\n");
        assert_eq!(parse_epochs(&text), Ok(epochs.to_vec()));
    }

    #[test]
    fn a_checkpoint_that_is_cut_or_of_another_version_is_refused() {
        for text in [
            "",
            "0",
            "0\n",
            "0\n2\n0 0\n",
            "1\n1\n0 0\n",
            "0\n1\n0\n",
            "0\n1\nx 0\n",
        ] {
            assert!(parse_epochs(text).is_err(), "{text:?}");
        }
        assert!(parse_offsets("0\n1\nt 0 5 6\n").is_err());
    }

    #[test]
    fn offsets_are_written_per_topic_and_partition() {
        let offsets = BTreeMap::from([(("b".to_owned(), 10), 7), (("a-1".to_owned(), 0), 4711)]);
        let text = offsets_text(&offsets);
        assert_eq!(text, "0\n2\na-1 0 4711\nb 10 7\n");
        assert_eq!(parse_offsets(&text), Ok(offsets));
    }

    #[test]
    fn partition_metadata_has_two_lines_and_no_newline_at_its_end() {
        let id = Uuid([1; 16]);
        let text = metadata_text(id);
        assert_eq!(text, "version: 0\ntopic_id: AQEBAQEBAQEBAQEBAQEBAQ");
        assert_eq!(parse_metadata(&text), Some(id));
        for torn in [
            "",
            "version: 0",
            "version: 0\ntopic_id: AQEBAQ",
            "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(parse_metadata(torn), None, "{torn:?}");
        }
    }

    #[test]
    fn properties_survive_comments() {
        let text = properties_text(&[("version", "1"), ("node.id", "1")]);
        assert_eq!(text, "version=1\nnode.id=1\n");
        assert_eq!(
            parse_properties("#made\n\nversion=1\n node.id = 1\n"),
            parse_properties(&text)
        );
    }
}
