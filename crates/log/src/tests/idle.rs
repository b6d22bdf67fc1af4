//! Who is forgotten: who has been idle for long by the broker's clock, whatever its records say of their time.

use super::append::{NOW, sound};
use crate::store::{Crash, FakeDisk, Opening, Store, recover};
use crate::{LogConfig, PartitionLog};
use once_wire::Uuid;
use once_wire::batch::{Batch, BatchBuilder};
use std::path::PathBuf;
use std::sync::Arc;

const EXPIRATION: i64 = 1_000;

/// A record of the distant past, as who copies old records sends it.
fn old(timestamp: i64) -> Batch {
    let builder = BatchBuilder::new().producer(7, 0, 0);
    builder.push(timestamp, None, Some(b"value"), &[]).build()
}

fn config() -> LogConfig {
    LogConfig {
        producer_id_expiration_ms: EXPIRATION,
        ..LogConfig::default()
    }
}

#[test]
fn who_sends_old_records_is_not_forgotten_while_it_sends() {
    for timestamp in [-1, NOW - 100 * EXPIRATION] {
        let mut log = PartitionLog::new(config(), 0);
        let batch = old(timestamp);
        log.append_client(NOW, &sound(&batch)).expect("is taken");
        log.expire_producers(NOW + EXPIRATION - 1);
        let again = log.append_client(NOW + EXPIRATION, &sound(&batch));
        assert!(again.expect("was taken before").duplicate);
        log.expire_producers(NOW + EXPIRATION);
        assert_eq!(log.producers().count(), 0, "idle for long");
    }
}

#[test]
fn nor_by_a_start_that_reads_what_it_sent_or_was_told_of_it_by_a_clean_stop() {
    for clean in [false, true] {
        let (disk, dir) = (Arc::new(FakeDisk::default()), PathBuf::from("t-0"));
        let mut store = Store::new(Arc::clone(&disk), dir.clone(), Uuid([1; 16]));
        let mut log = PartitionLog::new(config(), 0);
        let batch = old(NOW - 100 * EXPIRATION);
        let appended = log.append_client(NOW, &sound(&batch)).expect("is taken");
        store.write_all(&appended.writes).expect("writes");
        if clean {
            store.write_all(&log.clean_close()).expect("writes");
        }
        let end = store.checkpoint().expect("flushes");
        drop(store);
        disk.crash(Crash::Process);
        let opening = Opening {
            topic_id: Uuid([1; 16]),
            clean,
            recovery_point: end,
            log_start_offset: 0,
            cleaned_to: 0,
            durable: true,
            now: NOW + EXPIRATION - 1,
        };
        let (recovered, _) = recover(disk, dir, &config(), &opening).expect("recovers");
        let mut log = PartitionLog::recovered(config(), 1, recovered);
        let again = log.append_client(opening.now, &sound(&batch));
        assert!(again.expect("was taken before").duplicate, "clean: {clean}");
    }
}
