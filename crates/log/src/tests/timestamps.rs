//! Timestamps of clients' records: judged, corrected and searched.

use once_wire::ErrorCode;
use once_wire::batch::{Batch, BatchBuilder};
use once_wire::compression::Compression;

use super::append::{NOW, record, sound};
use crate::{Isolation, LogConfig, PartitionLog, TimestampLookup, Write};

#[test]
fn the_largest_timestamp_is_the_records_whatever_the_client_says() {
    for told in [NOW - 500, NOW + 500] {
        let batch = record(NOW, None).with_max_timestamp(told);
        let mut log = PartitionLog::new(LogConfig::default(), 0);
        let appended = log.append_client(NOW, &sound(&batch)).expect("is taken");
        let written = appended.writes.iter().find_map(|write| match write {
            Write::Batch(batch) => Some(Batch::parse(batch.bytes.clone()).expect("sound")),
            _ => None,
        });
        assert_eq!(written.expect("a batch").max_timestamp(), NOW);
    }
}

#[test]
fn every_records_timestamp_is_judged_not_the_headers() {
    let config = LogConfig {
        timestamp_before_max_ms: 10,
        timestamp_after_max_ms: 10,
        ..LogConfig::default()
    };
    for middle in [NOW - 11, NOW + 11] {
        let mut log = PartitionLog::new(config.clone(), 0);
        let batch = [NOW, middle, NOW]
            .into_iter()
            .fold(BatchBuilder::new(), |batch, at| {
                batch.push(at, None, Some(b"value"), &[])
            })
            .build()
            .with_max_timestamp(NOW);
        let refused = log.append_client(NOW, &sound(&batch)).expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::InvalidTimestamp);
    }
}

#[test]
fn a_search_by_time_unpacks_nothing_where_the_log_is_asked() {
    let batch = BatchBuilder::new().compression(Compression::Zstd);
    let batch = batch.push(NOW, None, Some(&[0; 4096]), &[]).build();
    let checked = batch.check_client(8192).expect("it is sound");
    let mut log = PartitionLog::new(LogConfig::default(), 0);
    log.append_client(NOW, &checked).expect("is taken");
    log.flushed(1);
    let found = log.offset_for_timestamp(NOW, Isolation::ReadUncommitted, None);
    assert!(matches!(found, TimestampLookup::InFile(_)), "{found:?}");
    let later = log.offset_for_timestamp(NOW + 1, Isolation::ReadUncommitted, None);
    assert_eq!(later, TimestampLookup::NotFound);
}
