//! Byte-exact tests of `.snapshot`, and what a torn or foreign file must not do.

use super::*;

fn meta(last_sequence: i32, last_offset: i64, offset_delta: i32, timestamp: i64) -> BatchMetadata {
    BatchMetadata {
        last_sequence,
        last_offset,
        offset_delta,
        timestamp,
    }
}

fn two_producers() -> BTreeMap<i64, ProducerEntry> {
    let mut writing = ProducerEntry::unknown();
    writing.epoch = 2;
    writing.coordinator_epoch = 3;
    writing.last_timestamp = 0x0102;
    writing.current_txn_first_offset = Some(0x50);
    writing.set_batches(&[meta(4, 0x40, 4, 0x0100), meta(9, 0x54, 4, 0x0102)]);
    let mut marked = ProducerEntry::unknown();
    marked.epoch = 1;
    marked.coordinator_epoch = 0;
    marked.last_timestamp = 0x0203;
    BTreeMap::from([(7, writing), (8, marked)])
}

#[test]
fn a_snapshot_is_version_checksum_count_and_46_bytes_each() {
    let bytes = encode_snapshot(&two_producers());
    let body: Vec<u8> = [
        &[0, 0, 0, 2][..],
        &[
            0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0x54, 0, 0, 0, 4,
        ],
        &[
            0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0x50,
        ],
        &[
            0, 0, 0, 0, 0, 0, 0, 8, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
            255, 0, 0, 0, 0,
        ],
        &[
            0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    ]
    .concat();
    assert_eq!(bytes[..2], [0, 1]);
    assert_eq!(bytes[2..6], crc32c::crc32c(&body).to_be_bytes());
    assert_eq!(bytes[6..], body);
}

#[test]
fn snapshot_and_window_together_give_the_whole_table_back() {
    let table = two_producers();
    let mut read = decode_snapshot(&encode_snapshot(&table)).expect("just written");
    assert_eq!(read[&7].batches(), [meta(9, 0x54, 4, 0x0102)]);
    let heard = |of: &BTreeMap<i64, ProducerEntry>| of[&7].last_timestamp;
    assert_eq!(heard(&read), heard(&table));
    widen(
        &mut read,
        &encode_window(&table).expect("a producer has batches"),
    )
    .expect("just written");
    assert_eq!(read, table);
}

#[test]
fn a_table_without_batches_needs_no_window() {
    let mut table = two_producers();
    table.remove(&7);
    assert_eq!(encode_window(&table), None);
    assert_eq!(decode_snapshot(&encode_snapshot(&table)), Ok(table));
}

#[test]
fn no_torn_or_flipped_snapshot_is_read() {
    let whole = encode_snapshot(&two_producers());
    for len in 0..whole.len() {
        assert!(
            decode_snapshot(&whole[..len]).is_err(),
            "{len} of {} bytes",
            whole.len()
        );
    }
    for at in 0..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 0x10;
        assert!(decode_snapshot(&flipped).is_err(), "byte {at} flipped");
    }
}

#[test]
fn no_torn_or_foreign_window_changes_the_table() {
    let table = two_producers();
    let window = encode_window(&table).expect("a producer has batches");
    let narrow = decode_snapshot(&encode_snapshot(&table)).expect("just written");
    for len in 0..window.len() {
        let mut read = narrow.clone();
        assert!(widen(&mut read, &window[..len]).is_err());
        assert_eq!(read, narrow);
    }
    let mut later = narrow.clone();
    later
        .get_mut(&7)
        .expect("the writing one")
        .push(meta(10, 0x60, 0, 0x0110));
    assert_eq!(widen(&mut later, &window), Err(SnapshotError::Mismatch));
}
