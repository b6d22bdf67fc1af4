//! What compaction promises, whatever was written and however often it was compacted.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::rig::{Rig, Step, config, last_of_each, steps};
use crate::{LogConfig, WINDOW};

/// Where the last compaction ended: below it nothing was open.
fn compacted_end(rig: &Rig) -> i64 {
    let new = rig
        .log
        .segments()
        .iter()
        .rev()
        .find(|segment| segment.version > 0);
    new.map_or(0, |segment| segment.end)
}

/// A history, and compactions of which the last one comes after all of it.
fn played(steps: &[Step], config: LogConfig) -> Rig {
    let mut rig = Rig::new(config);
    for step in steps {
        rig.run(step);
    }
    rig.compact();
    rig
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn of_each_key_the_last_committed_value_stays(history in steps(150)) {
        let rig = played(&history, config());
        let end = rig.log.cleaned_to();
        let committed = rig.committed(end);
        let left: Vec<_> = Rig::records(&rig.batches).into_iter().filter(|r| r.0 < end).collect();
        let found = last_of_each(&left);
        for (key, (offset, value)) in last_of_each(&committed) {
            match (found.get(&key), value) {
                (Some(found), value) => prop_assert_eq!(found, &(offset, value)),
                (None, value) => prop_assert_eq!(value, None, "key {:?} at {}", key, offset),
            }
        }
        prop_assert!(found.keys().all(|key| committed.iter().any(|(_, k, _)| k == key)));
    }

    #[test]
    fn of_the_clean_part_no_other_record_stays_and_none_that_was_aborted(history in steps(150)) {
        let rig = played(&history, config());
        let end = compacted_end(&rig).min(rig.log.cleaned_to());
        let last = last_of_each(&rig.committed(end));
        for (offset, key, value) in Rig::records(&rig.batches) {
            if offset < end {
                prop_assert_eq!(last.get(&key), Some(&(offset, value)));
            }
        }
    }

    #[test]
    fn what_stays_is_as_it_was_and_where_it_was(history in steps(150)) {
        let rig = played(&history, config());
        let ever: BTreeMap<i64, _> = Rig::records(&rig.ever).into_iter().map(|r| (r.0, r)).collect();
        let left = Rig::records(&rig.batches);
        prop_assert!(left.iter().all(|record| ever.get(&record.0) == Some(record)));
        prop_assert!(left.windows(2).all(|two| two[0].0 < two[1].0));
        let before: BTreeMap<i64, _> = rig.ever.iter().map(|b| (b.base_offset(), b)).collect();
        let mut next = 0;
        for batch in &rig.batches {
            prop_assert_eq!(batch.base_offset(), next, "batches follow each other");
            next = batch.last_offset() + 1;
            if batch.is_nothing() {
                continue;
            }
            let was = before[&batch.base_offset()];
            prop_assert_eq!(batch.last_offset(), was.last_offset());
            prop_assert_eq!(
                (batch.producer_id(), batch.producer_epoch(), batch.base_sequence()),
                (was.producer_id(), was.producer_epoch(), was.base_sequence())
            );
            prop_assert_eq!(batch.control(), was.control());
        }
        // Segments end where they ended, so that whoever reads gets on.
        let segments = rig.log.segments();
        prop_assert!(segments.windows(2).all(|two| two[0].end == two[1].base));
        for segment in segments {
            let last = rig.batches.iter().rev().find(|b| b.base_offset() < segment.end);
            prop_assert_eq!(last.map(|b| b.last_offset() + 1).unwrap_or(0), segment.end);
        }
    }

    #[test]
    fn a_second_compaction_finds_nothing_more_to_drop(history in steps(150)) {
        let mut rig = played(&history, config());
        rig.log.cleaned_to = 0;
        rig.compact();
        let records = Rig::records(&rig.batches);
        // Segments become fewer; a batch without records that stayed as the end of one goes then; a marker whose data is
        // gone gets its horizon; and then nothing changes any more.
        let changes = (0..8).take_while(|_| {
            let before = rig.batches.clone();
            rig.log.cleaned_to = 0;
            rig.compact().is_some() && rig.batches != before
        });
        prop_assert!(changes.count() < 8);
        prop_assert_eq!(&Rig::records(&rig.batches), &records);
    }

    #[test]
    fn tombstones_and_markers_stay_for_their_time_and_then_go(history in steps(120)) {
        let mut rig = played(&history, config());
        for _ in 0..3 {
            rig.log.cleaned_to = 0;
            rig.compact();
        }
        let end = compacted_end(&rig).min(rig.log.cleaned_to());
        let tombstones = last_of_each(&rig.committed(end));
        let tombstones = tombstones.values().filter(|(_, value)| value.is_none()).count();
        let left = |rig: &Rig| {
            let records = Rig::records(&rig.batches);
            records.iter().filter(|r| r.0 < end && r.2.is_none()).count()
        };
        prop_assert!(left(&rig) <= tombstones);
        // A tombstone may be the last data of its transaction: its marker gets its horizon when it is gone. And it may
        // have been a segment's end until segments became small enough to be one.
        for _ in 0..12 {
            rig.now += 10_000;
            rig.log.cleaned_to = 0;
            rig.compact();
        }
        prop_assert_eq!(left(&rig), 0);
        let ends: Vec<i64> = rig.log.segments().iter().map(|s| s.end).collect();
        for batch in rig.batches.iter().filter(|b| b.is_control() && b.last_offset() < end) {
            let with_data = rig.batches.iter().any(|b| {
                b.producer_id() == batch.producer_id() && !b.is_control()
                    && b.is_transactional() && b.last_offset() < batch.base_offset()
            });
            let fences = rig.log.producers().any(|(id, entry)| {
                id == batch.producer_id() && entry.batches().is_empty()
            });
            let is_end = ends.contains(&(batch.last_offset() + 1));
            prop_assert!(with_data || fences || is_end, "marker at {}", batch.base_offset());
        }
    }

    #[test]
    fn readers_of_committed_data_are_told_of_all_that_they_must_skip(history in steps(150)) {
        let rig = played(&history, config());
        // As a consumer does it that reads all at once: an aborted batch that is left must be listed, and one that
        // was committed must not be taken for aborted because a marker is missing.
        let aborted: Vec<_> = rig.log.aborted().map(|entry| crate::AbortedTransaction {
            producer_id: entry.producer_id,
            first_offset: entry.first_offset,
        }).collect();
        let stable = rig.log.last_stable_offset();
        let below = rig.batches.iter().filter(|b| b.last_offset() < stable && !b.is_nothing());
        let below: Vec<_> = below.cloned().collect();
        let delivered = crate::tests::model::deliver(&below, &aborted);
        let committed = crate::tests::model::committed(&rig.ever, stable);
        prop_assert!(delivered.iter().all(|offset| committed.contains(offset)));
        let left = below.iter().filter(|b| !b.is_control() && committed.contains(&b.base_offset()));
        prop_assert!(left.map(|b| b.base_offset()).eq(delivered));
    }

    #[test]
    fn what_a_producer_wrote_last_can_be_told_from_the_log(history in steps(150)) {
        let rig = played(&history, config());
        let mut replayed = crate::producers::Producers::default();
        for batch in &rig.batches {
            replayed.replay(batch, batch.control().as_ref(), 0);
        }
        for (id, entry) in rig.log.producers() {
            let found = replayed.get(id).expect("its last batch is there");
            prop_assert_eq!(found.epoch, entry.epoch);
            prop_assert_eq!(found.last_sequence(), entry.last_sequence());
            prop_assert_eq!(found.batches().last(), entry.batches().last());
            prop_assert_eq!(found.current_txn_first_offset, entry.current_txn_first_offset);
            prop_assert!(found.batches().len() <= WINDOW);
        }
    }

    #[test]
    fn a_small_memory_for_keys_takes_more_compactions_and_comes_to_the_same(history in steps(100)) {
        let mut without: Vec<Step> = history.clone();
        without.retain(|step| !matches!(step, Step::Compact));
        let all = played(&without, config());
        let small = LogConfig { dedupe_buffer_bytes: 130, ..config() };
        let mut rig = played(&without, small);
        let mut rounds = 0;
        while rig.log.cleaned_to() < all.log.cleaned_to() {
            let before = rig.log.cleaned_to();
            prop_assert!(rig.compact().is_some());
            prop_assert!(rig.log.cleaned_to() > before, "it gets further");
            rounds += 1;
            prop_assert!(rounds < 200);
        }
        let end = all.log.cleaned_to();
        let below = |rig: &Rig| {
            let all = Rig::records(&rig.batches);
            all.into_iter().filter(|r| r.0 < end && r.2.is_some()).collect::<Vec<_>>()
        };
        prop_assert_eq!(below(&rig), below(&all));
    }
}
