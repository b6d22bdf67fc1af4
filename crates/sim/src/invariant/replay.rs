//! Replay equals live: an engine recovered from the disk is the one that runs, less what a restart
//! forgets. Looked at when everything is flushed.

use once_broker::engine::{Engine, PartitionView};
use once_coordinator::catalog::{Catalog, Event};

/// The log in which every start writes.
pub(super) const METADATA: &str = "__cluster_metadata";

/// What differs.
pub(crate) fn differs(live: &Engine, recovered: &Engine) -> Option<String> {
    partitions(live, recovered).or_else(|| machines_differ(live, recovered))
}

/// What differs in what is folded from the broker's own topics.
pub(crate) fn machines_differ(live: &Engine, recovered: &Engine) -> Option<String> {
    catalog(live, recovered)
        .or_else(|| transactions(live, recovered))
        .or_else(|| groups(live, recovered))
}

fn partitions(live: &Engine, recovered: &Engine) -> Option<String> {
    for was in live.partitions().filter(|p| p.topic != METADATA) {
        let name = format!("{}-{}", was.topic, was.index);
        let same = |p: &PartitionView<'_>| (p.topic_id, p.index) == (was.topic_id, was.index);
        let Some(is) = recovered.partitions().find(same) else {
            return Some(format!("{name} is not recovered"));
        };
        let bounds = |p: &PartitionView<'_>| {
            let stable = p.log.last_stable_offset();
            (p.log.log_start_offset(), stable, p.log.end_offset())
        };
        let (before, after) = (bounds(&was), bounds(&is));
        if before != after {
            return Some(format!(
                "{name}: start, LSO and end were {before:?} and are recovered as {after:?}"
            ));
        }
        if !was.log.producers().eq(is.log.producers()) {
            let before: Vec<_> = was.log.producers().collect();
            let after: Vec<_> = is.log.producers().collect();
            return Some(format!(
                "{name}: producers were {before:?} and are recovered as {after:?}"
            ));
        }
        // What lies below the start may be there for as long as a compaction holds its segment.
        let aborted = |p: &PartitionView<'_>| {
            let aborted = p.log.aborted();
            let above = aborted.filter(|aborted| aborted.last_offset >= before.0);
            above.copied().collect::<Vec<_>>()
        };
        let (before, after) = (aborted(&was), aborted(&is));
        if before != after {
            return Some(format!(
                "{name}: aborted transactions were {before:?} and are recovered as {after:?}"
            ));
        }
    }
    None
}

fn catalog(live: &Engine, recovered: &Engine) -> Option<String> {
    let (was, is) = (live.catalog(), recovered.catalog());
    if !was.topics().eq(is.topics()) {
        return Some("other topics are recovered".to_owned());
    }
    // Every start takes ids of producers.
    let told = |catalog: &Catalog| {
        let mut told = catalog.snapshot();
        told.retain(|event| !matches!(event, Event::ProducerIdsTaken { .. }));
        told
    };
    let (was, is) = (told(was), told(is));
    let differs = was.iter().find(|event| !is.contains(event));
    match differs {
        Some(event) => Some(format!("{event:?} is not recovered")),
        None if was.len() < is.len() => Some("settings are recovered that were not".to_owned()),
        None => None,
    }
}

fn transactions(live: &Engine, recovered: &Engine) -> Option<String> {
    let pairs = live.transactions().zip(recovered.transactions());
    for (was, is) in pairs {
        let (was, is) = (was.durable(), is.durable());
        if was != is {
            return Some(format!(
                "transactions were {was:?} and are recovered as {is:?}"
            ));
        }
    }
    None
}

fn groups(live: &Engine, recovered: &Engine) -> Option<String> {
    for (was, is) in live.groups().zip(recovered.groups()) {
        let (was, is) = (was.durable(), is.durable());
        if was != is {
            return Some(format!("groups were {was:?} and are recovered as {is:?}"));
        }
    }
    None
}
