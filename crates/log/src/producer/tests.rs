//! One test per law of idempotence and fencing.

use super::*;

const PRODUCER: i64 = 7;

fn batch(epoch: i16, base_sequence: i32, base_offset: i64, count: i32) -> DataBatch {
    DataBatch {
        now: 0,
        epoch,
        base_sequence,
        last_sequence: base_sequence.wrapping_add(count - 1) & i32::MAX,
        base_offset,
        last_offset: base_offset + i64::from(count) - 1,
        max_timestamp: 1000,
        transactional: false,
    }
}

fn transactional(mut batch: DataBatch) -> DataBatch {
    batch.transactional = true;
    batch
}

fn marker(producer_epoch: i16, coordinator_epoch: i32, transaction_version: i16) -> Marker {
    Marker {
        producer_id: PRODUCER,
        producer_epoch,
        coordinator_epoch,
        commit: true,
        transaction_version,
    }
}

/// A producer, fed through the rules as the log does it: each accepted copy becomes the entry.
#[derive(Default)]
struct Fed(Option<ProducerEntry>);

impl Fed {
    fn with(batches: &[DataBatch]) -> Fed {
        let mut fed = Fed::default();
        for batch in batches {
            fed.data(batch).expect("the test's premise is accepted");
        }
        fed
    }

    fn data(&mut self, batch: &DataBatch) -> Result<(), AppendError> {
        self.data_from(Origin::Client, batch)
    }

    fn data_from(&mut self, origin: Origin, batch: &DataBatch) -> Result<(), AppendError> {
        let mut append = ProducerAppend::new(PRODUCER, self.0.as_ref());
        append.data(origin, batch)?;
        self.0 = Some(append.into_entry().1);
        Ok(())
    }

    fn marker(
        &mut self,
        marker: &Marker,
        offset: i64,
    ) -> Result<Option<CompletedTransaction>, AppendError> {
        let mut append = ProducerAppend::new(PRODUCER, self.0.as_ref());
        let completed = append.marker(Origin::Coordinator, marker, offset, 2000)?;
        self.0 = Some(append.into_entry().1);
        Ok(completed)
    }

    fn entry(&self) -> &ProducerEntry {
        self.0.as_ref().expect("something was accepted")
    }
}

fn is_out_of_order(result: Result<(), AppendError>) -> bool {
    matches!(result, Err(AppendError::OutOfOrderSequence { .. }))
}

fn is_stale<T>(result: Result<T, AppendError>) -> bool {
    matches!(result, Err(AppendError::StaleProducerEpoch { .. }))
}

#[test]
fn each_of_the_last_five_batches_is_known_with_its_offsets() {
    let batches: Vec<_> = (0..6)
        .map(|n| batch(0, n * 10, 100 + i64::from(n) * 10, 10))
        .collect();
    let fed = Fed::with(&batches);
    for sent in &batches[1..] {
        let original = fed
            .entry()
            .duplicate_of(0, sent.base_sequence, sent.last_sequence)
            .expect("remembered");
        assert_eq!(
            (original.first_offset(), original.last_offset),
            (sent.base_offset, sent.last_offset)
        );
    }
}

#[test]
fn the_sixth_last_batch_is_no_longer_known_and_its_retry_is_out_of_order() {
    let batches: Vec<_> = (0..6).map(|n| batch(0, n, i64::from(n), 1)).collect();
    let mut fed = Fed::with(&batches);
    assert_eq!(fed.entry().duplicate_of(0, 0, 0), None);
    assert!(is_out_of_order(fed.data(&batches[0])));
}

#[test]
fn a_duplicate_needs_the_same_epoch_and_both_ends_of_the_range() {
    let fed = Fed::with(&[batch(3, 10, 50, 5)]);
    assert!(fed.entry().duplicate_of(3, 10, 14).is_some());
    assert!(fed.entry().duplicate_of(2, 10, 14).is_none());
    assert!(fed.entry().duplicate_of(3, 10, 13).is_none());
    assert!(fed.entry().duplicate_of(3, 11, 14).is_none());
}

#[test]
fn a_gap_and_an_overlap_are_out_of_order() {
    let mut fed = Fed::with(&[batch(0, 0, 0, 5)]);
    assert!(is_out_of_order(fed.data(&batch(0, 6, 5, 1))));
    assert!(is_out_of_order(fed.data(&batch(0, 4, 5, 1))));
    assert!(is_out_of_order(fed.data(&batch(0, 0, 5, 1))));
    assert_eq!(fed.data(&batch(0, 5, 5, 1)), Ok(()));
}

#[test]
fn an_unknown_producer_may_begin_at_any_sequence() {
    assert_eq!(Fed::default().data(&batch(4, 4711, 0, 1)), Ok(()));
}

#[test]
fn a_lower_epoch_is_fenced() {
    let mut fed = Fed::with(&[batch(5, 0, 0, 1)]);
    assert!(is_stale(fed.data(&batch(4, 1, 1, 1))));
    assert!(is_stale(
        fed.data_from(Origin::Coordinator, &batch(4, 0, 1, 1))
    ));
}

#[test]
fn a_higher_epoch_begins_at_sequence_zero_and_forgets_the_old_batches() {
    let mut fed = Fed::with(&[batch(0, 0, 0, 1), batch(0, 1, 1, 1)]);
    assert!(is_out_of_order(fed.data(&batch(1, 2, 2, 1))));
    assert_eq!(fed.data(&batch(1, 0, 2, 1)), Ok(()));
    assert_eq!(fed.entry().epoch, 1);
    assert_eq!(fed.entry().batches().len(), 1);
    assert!(is_stale(fed.data(&batch(0, 2, 3, 1))));
}

#[test]
fn sequences_wrap_from_the_largest_to_zero() {
    let mut fed = Fed::with(&[batch(0, i32::MAX - 2, 0, 3)]);
    assert_eq!(fed.entry().last_sequence(), i32::MAX);
    assert_eq!(fed.data(&batch(0, 0, 3, 1)), Ok(()));
}

#[test]
fn a_batch_across_the_wrap_is_known_and_followed_by_the_next_sequence() {
    let across = batch(0, i32::MAX - 1, 0, 4);
    let mut fed = Fed::with(&[across]);
    assert_eq!(fed.entry().last_sequence(), 1);
    assert_eq!(
        fed.entry()
            .duplicate_of(0, i32::MAX - 1, 1)
            .map(BatchMetadata::first_sequence),
        Some(i32::MAX - 1)
    );
    assert!(is_out_of_order(fed.data(&batch(0, 0, 4, 1))));
    assert_eq!(fed.data(&batch(0, 2, 4, 1)), Ok(()));
}

#[test]
fn a_coordinators_batches_have_no_sequence_rule() {
    let mut fed = Fed::with(&[batch(0, 0, 0, 1)]);
    assert_eq!(
        fed.data_from(Origin::Coordinator, &batch(0, 0, 1, 3)),
        Ok(())
    );
    assert_eq!(
        fed.data_from(Origin::Coordinator, &batch(0, 0, 4, 3)),
        Ok(())
    );
}

#[test]
fn data_outside_of_the_open_transaction_is_refused() {
    let mut fed = Fed::with(&[transactional(batch(0, 0, 10, 1))]);
    let refused = fed.data(&batch(0, 1, 11, 1));
    assert_eq!(
        refused,
        Err(AppendError::NotTransactional {
            producer_id: PRODUCER
        })
    );
    assert_eq!(fed.entry().current_txn_first_offset, Some(10));
}

#[test]
fn a_transaction_spans_from_its_first_batch_to_its_marker() {
    let mut fed = Fed::with(&[
        transactional(batch(0, 0, 10, 2)),
        transactional(batch(0, 2, 20, 2)),
    ]);
    let completed = fed
        .marker(&marker(0, 1, 0), 30)
        .expect("the epoch is current")
        .expect("one was open");
    assert_eq!((completed.first_offset, completed.last_offset), (10, 30));
    assert_eq!(fed.entry().current_txn_first_offset, None);
    assert_eq!(fed.marker(&marker(0, 1, 0), 31), Ok(None));
}

#[test]
fn sequences_go_on_after_a_marker_of_the_same_epoch() {
    let mut fed = Fed::with(&[transactional(batch(0, 0, 0, 3))]);
    fed.marker(&marker(0, 1, 1), 3)
        .expect("the epoch is current");
    assert!(is_out_of_order(fed.data(&transactional(batch(0, 0, 4, 1)))));
    assert_eq!(fed.data(&transactional(batch(0, 3, 4, 1))), Ok(()));
}

#[test]
fn after_a_marker_of_a_higher_epoch_sequences_begin_at_zero() {
    let mut fed = Fed::with(&[transactional(batch(0, 0, 0, 3))]);
    fed.marker(&marker(1, 1, 0), 3)
        .expect("a higher epoch passes");
    assert!(is_stale(fed.data(&transactional(batch(0, 3, 4, 1)))));
    assert!(is_out_of_order(fed.data(&transactional(batch(1, 3, 4, 1)))));
    assert_eq!(fed.data(&transactional(batch(1, 0, 4, 1))), Ok(()));
}

#[test]
fn a_marker_below_the_epoch_is_refused_and_one_at_it_accepted_before_version_two() {
    for version in [0, 1] {
        let mut fed = Fed::with(&[transactional(batch(3, 0, 0, 1))]);
        assert!(is_stale(fed.marker(&marker(2, 1, version), 1)));
        assert!(matches!(fed.marker(&marker(3, 1, version), 1), Ok(Some(_))));
    }
}

#[test]
fn in_version_two_a_marker_at_the_epoch_is_late_unless_nothing_is_open() {
    let mut fed = Fed::with(&[transactional(batch(3, 0, 0, 1))]);
    assert!(is_stale(fed.marker(&marker(3, 1, 2), 1)));
    assert!(matches!(fed.marker(&marker(4, 1, 2), 1), Ok(Some(_))));
    assert_eq!(fed.marker(&marker(4, 1, 2), 2), Ok(None));
    assert!(is_stale(fed.marker(&marker(3, 1, 2), 2)));
}

#[test]
fn in_version_two_the_last_epoch_of_all_may_end_its_own_transaction() {
    let mut fed = Fed::with(&[transactional(batch(i16::MAX, 0, 0, 1))]);
    assert!(matches!(
        fed.marker(&marker(i16::MAX, 1, 2), 1),
        Ok(Some(_))
    ));
}

#[test]
fn a_marker_of_a_replaced_coordinator_is_fenced() {
    let mut fed = Fed::with(&[transactional(batch(0, 0, 0, 1))]);
    fed.marker(&marker(0, 5, 0), 1)
        .expect("the first coordinator");
    let fenced = AppendError::CoordinatorFenced {
        producer_id: PRODUCER,
        coordinator_epoch: 4,
        current: 5,
    };
    assert_eq!(fed.marker(&marker(0, 4, 0), 2), Err(fenced));
    assert_eq!(fed.marker(&marker(0, 6, 0), 2), Ok(None));
}

#[test]
fn an_idle_producer_expires_and_an_open_transaction_pins_it() {
    let mut fed = Fed::with(&[transactional(batch(0, 0, 0, 1))]);
    assert!(!fed.entry().is_expired(i64::MAX, 10));
    fed.marker(&marker(0, 0, 0), 1)
        .expect("the epoch is current");
    assert!(!fed.entry().is_expired(2009, 10));
    assert!(fed.entry().is_expired(2010, 10));
}
