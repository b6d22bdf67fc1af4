//! A topic is deleted and made again while a transaction that wrote to it is open. The transaction knows its partitions
//! by name, as Kafka's does: the new topic gets its marker, and nothing else of it.

use super::fences::{add_partitions, delete_topic, end_transaction, init, produce};
use super::reading::{batches, fetch};
use super::rig::Rig;

/// What a reader of committed data, or of all, is told of a topic's only partition.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    last_stable: i64,
    high_watermark: i64,
    /// Records that are no markers, those of aborted transactions left out if they are told of.
    records: i32,
}

fn seen(rig: &mut Rig, topic: &str, isolation_level: i8) -> Seen {
    let partition = fetch(rig, topic, isolation_level);
    assert_eq!(partition.error_code, 0);
    let aborted = partition.aborted_transactions.iter().flatten();
    let aborted: Vec<i64> = aborted.map(|of| of.producer_id).collect();
    let mut data = batches(partition.records);
    data.retain(|batch| !batch.is_control() && !aborted.contains(&batch.producer_id()));
    let records = data.iter().map(|batch| batch.records_count());
    Seen {
        last_stable: partition.last_stable_offset,
        high_watermark: partition.high_watermark,
        records: records.sum(),
    }
}

/// Nothing is open, the topic holds so many records, markers included, and a reader of committed data and one of all
/// are given so many.
fn assert_ended(rig: &mut Rig, topic: &str, end: i64, records: [i32; 2]) {
    for (isolation_level, records) in [(1, records[0]), (0, records[1])] {
        let expected = Seen {
            last_stable: end,
            high_watermark: end,
            records,
        };
        assert_eq!(seen(rig, topic, isolation_level), expected, "{topic}");
    }
}

/// The moments at which power may fail. All is flushed by then.
const MOMENTS: [usize; 5] = [0, 1, 2, 3, 4];

/// A transaction writes to `t` and `u`, `t` is deleted and made again, somebody else writes to it, and the transaction
/// ends. Power fails at a moment.
fn play(commit: bool, fails_at: usize) {
    let mut rig = Rig::with_files();
    let client = rig.connect();
    for name in ["t", "u"] {
        rig.make_topic(client, name, 1);
    }
    let (id, epoch) = init(&mut rig, client, Some("app"));
    rig.call(client, 3, &add_partitions("app", (id, epoch), &["t", "u"]));
    for name in ["t", "u"] {
        rig.call(client, 9, &produce(name, (id, epoch, 0), Some("app")));
    }
    for moment in MOMENTS {
        if moment == fails_at {
            rig = rig.crash();
        }
        let client = rig.connect();
        match moment {
            0 => drop(rig.call(client, 5, &delete_topic("t"))),
            1 => rig.make_topic(client, "t", 1),
            2 => drop(rig.call(client, 9, &produce("t", (-1, -1, -1), None))),
            3 => {
                let answer = rig.call(client, 3, &end_transaction("app", (id, epoch), commit));
                assert_eq!(answer.error_code, 0);
            }
            _ => {}
        }
    }
    let of_transaction = i32::from(commit);
    // What somebody else wrote, and the marker.
    assert_ended(&mut rig, "t", 2, [1, 1]);
    assert_ended(&mut rig, "u", 2, [of_transaction, 1]);
    // The next transaction finds nothing in its way.
    let client = rig.connect();
    let (id, epoch) = init(&mut rig, client, Some("app"));
    rig.call(client, 3, &add_partitions("app", (id, epoch), &["t"]));
    rig.call(client, 9, &produce("t", (id, epoch, 0), Some("app")));
    let seen = seen(&mut rig, "t", 1);
    assert!(seen.last_stable < seen.high_watermark, "{seen:?}");
    let answer = rig.call(client, 3, &end_transaction("app", (id, epoch), true));
    assert_eq!(answer.error_code, 0);
    let mut rig = rig.crash();
    assert_ended(&mut rig, "t", 4, [2, 2]);
    assert_ended(&mut rig, "u", 2, [of_transaction, 1]);
}

#[test]
fn a_transaction_ends_though_its_topic_was_made_again_and_the_new_one_has_no_record_of_the_old() {
    for fails_at in MOMENTS {
        for commit in [true, false] {
            play(commit, fails_at);
        }
    }
}
