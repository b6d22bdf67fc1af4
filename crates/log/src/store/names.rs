//! How Kafka names the files of a partition.

use std::path::{Path, PathBuf};

/// What a file in a partition's directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Record batches.
    Log,
    /// The offset index.
    Index,
    /// The time index.
    TimeIndex,
    /// The aborted index.
    TxnIndex,
    /// Our checksums of the index files.
    Sums,
    /// Kafka's producer snapshot.
    Snapshot,
    /// Our window beside it.
    Window,
}

/// What belongs to one segment.
pub(crate) const SEGMENT_KINDS: [Kind; 5] = [
    Kind::Log,
    Kind::Index,
    Kind::TimeIndex,
    Kind::TxnIndex,
    Kind::Sums,
];

/// Ends the name of a file of a segment that compaction is making.
pub(crate) const CLEANED: &str = ".cleaned";
/// Ends the name of one that is finished: it is about to take the place of others.
pub(crate) const SWAP: &str = ".swap";
/// Ends the name of one whose place was taken.
pub(crate) const DELETED: &str = ".deleted";

/// The path with a suffix after its own.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The file of leader epochs.
pub(crate) const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

/// The file that says whose directory it is.
pub(crate) const PARTITION_METADATA: &str = "partition.metadata";

impl Kind {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Kind::Log => "log",
            Kind::Index => "index",
            Kind::TimeIndex => "timeindex",
            Kind::TxnIndex => "txnindex",
            Kind::Sums => "sums",
            Kind::Snapshot => "snapshot",
            Kind::Window => "window",
        }
    }

    fn from_suffix(suffix: &str) -> Option<Kind> {
        SEGMENT_KINDS
            .into_iter()
            .chain([Kind::Snapshot, Kind::Window])
            .find(|kind| kind.suffix() == suffix)
    }

    /// The path of the file of this kind for an offset: 20 digits and the suffix.
    pub(crate) fn path(self, dir: &Path, offset: i64) -> PathBuf {
        dir.join(format!("{offset:020}.{}", self.suffix()))
    }
}

/// The offset and kind a file name stands for, if it is one of these.
pub(crate) fn parse(name: &str) -> Option<(i64, Kind)> {
    let (digits, suffix) = name.split_once('.')?;
    if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, Kind::from_suffix(suffix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_twenty_digits_and_a_suffix() {
        for kind in SEGMENT_KINDS
            .into_iter()
            .chain([Kind::Snapshot, Kind::Window])
        {
            let path = kind.path(Path::new("/d"), 4711);
            let name = path
                .file_name()
                .expect("has one")
                .to_string_lossy()
                .into_owned();
            assert_eq!(parse(&name), Some((4711, kind)));
        }
        assert_eq!(
            Kind::Log.path(Path::new("d"), 0),
            Path::new("d/00000000000000000000.log")
        );
        for other in [
            "4711.log",
            "00000000000000004711.log.swap",
            "0000000000000000471x.log",
            LEADER_EPOCHS,
            ".lock",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
