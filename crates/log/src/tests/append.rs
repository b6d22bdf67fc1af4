//! What an append checks besides the producer, how segments roll, and what an answer says.

use once_wire::ErrorCode;
use once_wire::batch::{Batch, BatchBuilder, ClientBatch, TimestampType};

use crate::{AppendError, Isolation, LogConfig, Marker, PartitionLog, TimestampLookup, Write};

pub(super) const NOW: i64 = 1_000_000;

pub(super) fn record(timestamp: i64, key: Option<&[u8]>) -> Batch {
    BatchBuilder::new()
        .push(timestamp, key, Some(b"value"), &[])
        .build()
}

/// As a client's batch reaches a log.
pub(super) fn sound(batch: &Batch) -> ClientBatch {
    batch.check_client(0).expect("it is sound")
}

fn transactional(producer_id: i64, base_sequence: i32) -> Batch {
    let builder = BatchBuilder::new()
        .producer(producer_id, 0, base_sequence)
        .transactional(true);
    builder.push(NOW, None, Some(b"value"), &[]).build()
}

fn rolled(writes: &[Write]) -> Option<i64> {
    writes.iter().find_map(|write| match write {
        Write::Roll { base } => Some(*base),
        Write::LeaderEpochs(_)
        | Write::TimeIndex { .. }
        | Write::Snapshot(_)
        | Write::Batch(_)
        | Write::Close
        | Write::DropSegments { .. }
        | Write::State(_)
        | Write::DropStates { .. } => None,
    })
}

#[test]
fn a_batch_above_max_message_bytes_is_too_large_and_one_at_it_is_not() {
    let batch = record(NOW, None);
    let limit = |limit| LogConfig {
        max_message_bytes: limit,
        ..LogConfig::default()
    };
    let size = u32::try_from(batch.size()).expect("is small");
    let mut log = PartitionLog::new(limit(size - 1), 0);
    let refused = log
        .append_client(NOW, &sound(&batch))
        .expect_err("is too large");
    assert_eq!(
        refused,
        AppendError::TooLarge {
            size: batch.size(),
            limit: size - 1
        }
    );
    assert_eq!(refused.code(), ErrorCode::MessageTooLarge);
    log.set_config(limit(size));
    assert!(log.append_client(NOW, &sound(&batch)).is_ok());
}

#[test]
fn a_coordinators_batch_is_not_measured_by_the_bounds_on_clients() {
    let batch = record(NOW + 60_000, None);
    let config = LogConfig {
        max_message_bytes: 1,
        timestamp_before_max_ms: 100,
        timestamp_after_max_ms: 10,
        compacted: true,
        ..LogConfig::default()
    };
    let mut log = PartitionLog::new(config, 0);
    assert!(log.append_client(NOW, &sound(&batch)).is_err());
    let appended = log
        .append_coordinator(NOW, &batch)
        .expect("what was decided is written");
    assert_eq!((appended.base_offset, log.end_offset()), (0, 1));
}

#[test]
fn a_timestamp_too_far_from_the_clock_is_refused() {
    let config = LogConfig {
        timestamp_before_max_ms: 100,
        timestamp_after_max_ms: 10,
        ..LogConfig::default()
    };
    let mut log = PartitionLog::new(config, 0);
    for (timestamp, accepted) in [(-101, false), (-100, true), (10, true), (11, false)] {
        let result = log.append_client(NOW, &sound(&record(NOW + timestamp, None)));
        assert_eq!(result.is_ok(), accepted, "{timestamp}");
    }
    let refused = log
        .append_client(NOW, &sound(&record(NOW + 11, None)))
        .expect_err("is too late");
    assert_eq!(refused.code(), ErrorCode::InvalidTimestamp);
}

#[test]
fn a_compacted_topic_wants_a_key_in_every_record() {
    let mut log = PartitionLog::new(
        LogConfig {
            compacted: true,
            ..LogConfig::default()
        },
        0,
    );
    assert!(
        log.append_client(NOW, &sound(&record(NOW, Some(b"key"))))
            .is_ok()
    );
    let second =
        BatchBuilder::new()
            .push(NOW, Some(b"key"), None, &[])
            .push(NOW, None, Some(b"value"), &[]);
    let refused = log
        .append_client(NOW, &sound(&second.build()))
        .expect_err("has a record without a key");
    assert_eq!(
        (&refused, refused.code()),
        (
            &AppendError::MissingKey { offset_delta: 1 },
            ErrorCode::InvalidRecord
        )
    );
    assert_eq!(log.end_offset(), 1);
}

#[test]
fn with_log_append_time_the_broker_stamps_the_batch_and_says_when() {
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppendTime,
        ..LogConfig::default()
    };
    let mut log = PartitionLog::new(config, 0);
    let appended = log
        .append_client(NOW, &sound(&record(5, None)))
        .expect("any create time will do");
    assert_eq!(appended.log_append_time, NOW);
    let Some(Write::Batch(write)) = appended.writes.last() else {
        panic!("a batch is written last")
    };
    let stored = Batch::parse(write.bytes.clone()).expect("its checksum is right");
    assert_eq!(
        (stored.timestamp_type(), stored.max_timestamp()),
        (TimestampType::LogAppendTime, NOW)
    );
    let marker = Marker {
        producer_id: 1,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit: true,
        transaction_version: 0,
    };
    assert_eq!(
        log.append_marker(NOW, &marker)
            .expect("is the first of its producer")
            .log_append_time,
        -1
    );
}

#[test]
fn a_duplicate_is_answered_as_the_original_was_and_writes_nothing() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    log.append_client(NOW, &sound(&record(NOW, None)))
        .expect("is taken");
    let batch = BatchBuilder::new()
        .producer(7, 0, 0)
        .push(NOW, None, None, &[])
        .push(NOW + 1, None, None, &[])
        .build();
    let first = log.append_client(NOW, &sound(&batch)).expect("is taken");
    let again = log
        .append_client(NOW + 5, &sound(&batch))
        .expect("is a duplicate");
    assert!(again.duplicate && again.writes.is_empty() && !first.duplicate);
    assert_eq!(
        (again.base_offset, again.last_offset),
        (first.base_offset, first.last_offset)
    );
    assert_eq!((again.log_append_time, log.end_offset()), (NOW + 1, 3));
}

#[test]
fn a_refused_batch_changes_nothing() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    log.append_client(NOW, &sound(&transactional(7, 0)))
        .expect("is taken");
    let before = (
        log.end_offset(),
        log.producers()
            .map(|(id, e)| (id, e.clone()))
            .collect::<Vec<_>>(),
    );
    assert!(
        log.append_client(NOW, &sound(&transactional(7, 5)))
            .is_err()
    );
    let plain = BatchBuilder::new()
        .producer(7, 0, 1)
        .push(NOW, None, None, &[])
        .build();
    assert!(log.append_client(NOW, &sound(&plain)).is_err());
    assert!(log.append_coordinator(NOW, &plain).is_err());
    let after = (
        log.end_offset(),
        log.producers()
            .map(|(id, e)| (id, e.clone()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(before, after);
}

#[test]
fn a_coordinators_transactional_batch_opens_the_transaction_whatever_its_sequence() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    for expected in 0..3 {
        let appended = log
            .append_coordinator(NOW, &transactional(7, 0))
            .expect("has no sequence rule");
        assert_eq!(
            (appended.base_offset, appended.duplicate),
            (expected, false)
        );
    }
    log.flushed(3);
    assert_eq!((log.high_watermark(), log.last_stable_offset()), (3, 0));
    let marker = Marker {
        producer_id: 7,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit: true,
        transaction_version: 0,
    };
    log.append_marker(NOW, &marker)
        .expect("the epoch is current");
    assert_eq!(log.last_stable_offset(), 0, "the marker is not flushed");
    assert!(log.flushed(4));
    assert_eq!(log.last_stable_offset(), 4);
    assert!(!log.flushed(4));
}

#[test]
fn the_first_append_makes_the_files_and_a_full_segment_is_rolled_with_a_snapshot() {
    let batch = record(NOW, None);
    let size = u32::try_from(batch.size()).expect("is small");
    let mut log = PartitionLog::new(
        LogConfig {
            segment_bytes: 2 * size,
            ..LogConfig::default()
        },
        4,
    );
    let first = log
        .append_client(NOW, &sound(&batch))
        .expect("is taken")
        .writes;
    assert!(
        matches!(
            first[..],
            [
                Write::LeaderEpochs(_),
                Write::Roll { base: 0 },
                Write::Batch(_)
            ]
        ),
        "{first:?}"
    );
    let second = log
        .append_client(NOW, &sound(&batch))
        .expect("is taken")
        .writes;
    assert!(matches!(second[..], [Write::Batch(_)]), "{second:?}");
    let third = log
        .append_client(NOW, &sound(&batch))
        .expect("is taken")
        .writes;
    let [
        Write::TimeIndex { segment: 0, entry },
        Write::Snapshot(snapshot),
        Write::Roll { base: 2 },
        Write::Batch(_),
    ] = &third[..]
    else {
        panic!("{third:?}")
    };
    assert_eq!((entry.timestamp, entry.offset, snapshot.end), (NOW, 0, 2));
}

#[test]
fn a_segment_is_rolled_by_the_age_of_its_first_timestamp() {
    let mut log = PartitionLog::new(
        LogConfig {
            segment_ms: 1000,
            ..LogConfig::default()
        },
        0,
    );
    let mut at = |timestamp| {
        rolled(
            &log.append_client(NOW, &sound(&record(timestamp, None)))
                .expect("is taken")
                .writes,
        )
    };
    assert_eq!(
        [at(NOW), at(NOW + 1000), at(NOW + 1001), at(NOW + 1500)],
        [Some(0), None, Some(2), None]
    );
}

#[test]
fn a_producer_that_expired_may_begin_anew() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    let at = |sequence| {
        BatchBuilder::new()
            .producer(7, 0, sequence)
            .push(NOW, None, None, &[])
            .build()
    };
    log.append_client(NOW, &sound(&at(0))).expect("is taken");
    log.expire_producers(NOW + log.config().producer_id_expiration_ms - 1);
    assert!(log.append_client(NOW, &sound(&at(100))).is_err());
    log.expire_producers(NOW + log.config().producer_id_expiration_ms);
    assert_eq!(log.producers().count(), 0);
    assert!(log.append_client(NOW, &sound(&at(100))).is_ok());
}

#[test]
fn the_largest_timestamp_is_found_at_its_first_record_once_it_is_readable() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    assert_eq!(
        log.max_timestamp(Isolation::ReadUncommitted),
        TimestampLookup::NotFound
    );
    let batch = BatchBuilder::new()
        .push(NOW, None, None, &[])
        .push(NOW + 9, None, None, &[])
        .push(NOW + 9, None, None, &[])
        .push(NOW + 2, None, None, &[]);
    log.append_client(NOW, &sound(&batch.build()))
        .expect("is taken");
    log.append_client(NOW, &sound(&record(NOW + 3, None)))
        .expect("is taken");
    assert_eq!(
        log.max_timestamp(Isolation::ReadUncommitted),
        TimestampLookup::NotFound
    );
    log.flushed(5);
    let TimestampLookup::Found(found) = log.max_timestamp(Isolation::ReadUncommitted) else {
        panic!("is in memory")
    };
    assert_eq!((found.timestamp, found.offset), (NOW + 9, 1));
}

#[test]
fn a_read_outside_of_the_log_is_out_of_range_and_at_its_end_empty() {
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    log.append_client(NOW, &sound(&record(NOW, None)))
        .expect("is taken");
    let read = |from| log.read(from, Isolation::ReadUncommitted, 100, true);
    for from in [-1, 2] {
        assert_eq!(
            read(from).expect_err("is out of range").code(),
            ErrorCode::OffsetOutOfRange
        );
    }
    for from in [0, 1] {
        assert!(
            matches!(
                read(from).expect("is in range").source,
                crate::Source::Empty
            ),
            "nothing is flushed"
        );
    }
}
