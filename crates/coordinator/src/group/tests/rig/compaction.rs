//! What compaction may leave of a log, by the rule and not by the code that does it: below the first open
//! transaction, of each key the last record that was not aborted.

use super::Entry;
use std::collections::BTreeMap;

/// The records that are left, with their offsets; tombstones among them or not.
pub(super) fn of(log: &[Entry], tombstones: bool) -> Vec<(i64, &Entry)> {
    let ended = |from: usize, id: i64| {
        log[from..].iter().find_map(|entry| match entry {
            Entry::Marker(producer_id, commit) if *producer_id == id => Some(*commit),
            Entry::Marker(..) | Entry::Record(..) => None,
        })
    };
    // Whether a record's transaction was committed; none is as good as one that was.
    let fate = |at: usize| match &log[at] {
        Entry::Record(_, Some(producer)) => ended(at, producer.id),
        Entry::Record(_, None) | Entry::Marker(..) => Some(true),
    };
    let stable = (0..log.len()).find(|at| fate(*at).is_none());
    let stable = stable.unwrap_or(log.len());
    let mut last = BTreeMap::new();
    for (at, entry) in log[..stable].iter().enumerate() {
        if let Entry::Record(record, _) = entry
            && fate(at) == Some(true)
        {
            let key = record.key.as_ref().expect("every record has one");
            last.insert(key, at);
        }
    }
    let kept = |at: &usize| match &log[*at] {
        Entry::Marker(..) => true,
        Entry::Record(..) if *at >= stable => true,
        Entry::Record(record, _) => {
            let key = record.key.as_ref().expect("every record has one");
            last.get(key) == Some(at) && (tombstones || record.value.is_some())
        }
    };
    let kept = (0..log.len()).filter(kept);
    kept.map(|at| (i64::try_from(at).expect("a short log"), &log[at]))
        .collect()
}
