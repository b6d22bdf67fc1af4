//! What a start finds of aborted transactions in a compacted log.

use crate::aborted::AbortedEntry;
use once_wire::batch::Batch;

/// Where the batches are gone that another transaction had before one was aborted, a start finds a later last stable
/// offset at its marker. Up to there nothing was undecided then of what is left.
pub(super) fn assert_same(found: &[AbortedEntry], live: &[AbortedEntry], batches: &[Batch]) {
    assert_eq!(found.len(), live.len());
    for (found, live) in found.iter().zip(live) {
        let last_stable_offset = live.last_stable_offset;
        let same = AbortedEntry {
            last_stable_offset,
            ..*found
        };
        assert_eq!(same, *live);
        let between = last_stable_offset..found.last_stable_offset;
        let data = batches
            .iter()
            .filter(|b| b.is_transactional() && !b.is_control());
        for batch in data.filter(|b| between.contains(&b.last_offset())) {
            let mut markers = batches.iter().filter(|b| b.is_control());
            let decided = markers.any(|marker| {
                marker.producer_id() == batch.producer_id()
                    && (batch.last_offset()..=found.last_offset).contains(&marker.base_offset())
            });
            assert!(decided, "of {batch:?}");
        }
    }
}
