//! What a list of batches means, computed the slow and obvious way.

use std::collections::BTreeMap;

use once_wire::batch::Batch;
use once_wire::control::ControlType;

use crate::AbortedTransaction;

/// A transaction with data in the partition, as a scan of its batches shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) producer_id: i64,
    pub(super) first: i64,
    /// Its marker and whether it committed.
    pub(super) end: Option<(i64, bool)>,
}

/// All transactions, in the order of their first records.
pub(super) fn transactions(batches: &[Batch]) -> Vec<Transaction> {
    let mut found: Vec<Transaction> = Vec::new();
    for batch in batches {
        let producer_id = batch.producer_id();
        let open = found
            .iter()
            .position(|t| t.producer_id == producer_id && t.end.is_none());
        match (batch.control(), open) {
            (Some(control), Some(n)) => {
                found[n].end = Some((batch.base_offset(), control.kind == ControlType::Commit));
            }
            (None, None) if batch.is_transactional() => {
                found.push(Transaction {
                    producer_id,
                    first: batch.base_offset(),
                    end: None,
                });
            }
            _ => {}
        }
    }
    found
}

/// The last stable offset: the first offset of the first transaction whose end is not below the high watermark.
pub(super) fn last_stable_offset(batches: &[Batch], high_watermark: i64) -> i64 {
    let unstable = transactions(batches)
        .into_iter()
        .filter(|t| t.end.is_none_or(|(marker, _)| marker >= high_watermark));
    unstable
        .map(|t| t.first)
        .min()
        .unwrap_or(high_watermark)
        .min(high_watermark)
}

/// Producer, first and last offset of every aborted transaction, in the order of the markers, and the last stable
/// offset just after each.
pub(super) fn aborted(batches: &[Batch]) -> Vec<(i64, i64, i64, i64)> {
    let all = transactions(batches);
    let mut found = Vec::new();
    for t in &all {
        let Some((marker, false)) = t.end else {
            continue;
        };
        let still_open = all
            .iter()
            .filter(|o| o.first < marker && o.end.is_none_or(|(end, _)| end > marker));
        let stable = still_open.map(|o| o.first).min().unwrap_or(marker + 1);
        found.push((t.producer_id, t.first, marker, stable));
    }
    found.sort_by_key(|entry| entry.2);
    found
}

/// The offsets of the data batches below `upper` that a reader of committed data gets.
pub(super) fn committed(batches: &[Batch], upper: i64) -> Vec<i64> {
    let all = transactions(batches);
    let in_aborted = |batch: &Batch| {
        all.iter().any(|t| {
            t.producer_id == batch.producer_id()
                && batch.is_transactional()
                && t.end.is_some_and(|(marker, commit)| {
                    !commit && (t.first..marker).contains(&batch.base_offset())
                })
        })
    };
    let data = batches
        .iter()
        .filter(|b| !b.is_control() && b.last_offset() < upper && !in_aborted(b));
    data.map(|b| b.base_offset()).collect()
}

/// What Kafka's consumer does with one response: the data batches it delivers of `batches`, given the aborted list.
pub(super) fn deliver(batches: &[Batch], aborted: &[AbortedTransaction]) -> Vec<i64> {
    let mut ahead = aborted.to_vec();
    ahead.sort_by_key(|a| a.first_offset);
    ahead.reverse();
    let mut skipping: BTreeMap<i64, ()> = BTreeMap::new();
    let mut delivered = Vec::new();
    for batch in batches {
        while ahead
            .last()
            .is_some_and(|a| a.first_offset <= batch.last_offset())
        {
            let next = ahead.pop().expect("there is a last one");
            skipping.insert(next.producer_id, ());
        }
        match batch.control() {
            Some(control) if control.kind == ControlType::Abort => {
                skipping.remove(&batch.producer_id());
            }
            Some(_) => {}
            None if batch.is_transactional() && skipping.contains_key(&batch.producer_id()) => {}
            None => delivered.push(batch.base_offset()),
        }
    }
    delivered
}

/// Each leader epoch that has batches, and where it ended: at the first batch of a later one, or the log's end.
pub(super) fn epoch_ends(batches: &[Batch]) -> Vec<(i32, i64)> {
    let mut ends: Vec<(i32, i64)> = Vec::new();
    for batch in batches {
        match ends.last_mut() {
            Some((epoch, end)) if *epoch == batch.leader_epoch() => *end = batch.last_offset() + 1,
            _ => ends.push((batch.leader_epoch(), batch.last_offset() + 1)),
        }
    }
    ends
}
