//! Index files that a start makes anew, and a start that is killed at it.

use super::harness::{Partition, Step, small_config};
use crate::AbortedEntry;
use crate::store::{Crash, Disk};

/// A first segment with an aborted transaction, below the recovery point, and a torn time index.
fn torn() -> (Partition, Vec<AbortedEntry>) {
    let mut partition = Partition::new(small_config());
    let data = |producer| Step::Data {
        producer,
        records: 1,
        size: 40,
        ticks: 1,
    };
    let abort = Step::End {
        producer: 0,
        commit: false,
    };
    partition.run(&data(0));
    partition.run(&abort);
    while partition.log.segments().len() < 3 {
        partition.run(&data(2));
    }
    partition.run(&Step::Checkpoint);
    let aborted = partition.log.segments()[0].aborted.clone();
    assert_eq!(aborted.len(), 1);
    let path = partition.dir.join("00000000000000000000.timeindex");
    let file = partition.disk.open(&path, false).expect("is there");
    partition.disk.truncate(&file, 6).expect("cuts");
    partition.disk.sync(&file).expect("syncs");
    (partition, aborted)
}

#[test]
fn a_start_that_is_killed_leaves_no_index_that_power_loss_may_empty() {
    let mut killed = 0;
    for changes in 0..40 {
        for luck in 0..8 {
            let (partition, aborted) = torn();
            partition.disk.stop_in(changes);
            killed += u32::from(partition.try_recover().is_err());
            partition.disk.crash(Crash::Process);
            // It finds what the killed one left in memory, and may trust it; then power is lost.
            let (found, _) = partition.recover();
            assert_eq!(found.segments[0].aborted, aborted, "{changes} changes");
            partition.disk.crash(Crash::Seeded(luck));
            let (found, _) = partition.recover();
            assert_eq!(
                found.segments[0].aborted, aborted,
                "{changes} changes, {luck}"
            );
        }
    }
    assert!(killed > 40, "{killed} starts were killed");
}

#[test]
fn names_that_only_memory_lacks_do_not_come_back_after_an_unclean_start_that_flushes_no_log() {
    let mut partition = Partition::without_fsync(small_config());
    partition.run(&Step::Plain {
        records: 1,
        size: 40,
    });
    partition.run(&Step::Checkpoint);
    let name = "00000000000000000000.snapshot";
    let path = partition.dir.join(name);
    partition.disk.open(&path, true).expect("makes");
    partition.disk.sync_dir(&partition.dir).expect("syncs");
    partition.disk.remove(&path).expect("removes");
    partition.disk.crash(Crash::Process);
    partition.recover();
    partition.disk.crash(Crash::LoseAll);
    let names = partition.disk.list(&partition.dir).expect("lists");
    assert!(names.iter().all(|entry| entry.name != name), "{names:?}");
}
