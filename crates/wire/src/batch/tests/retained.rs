//! What compaction leaves of a batch.

use super::*;
use crate::batch::TimestampType;

fn stored(codec: Compression) -> Batch {
    builder()
        .transactional(true)
        .compression(codec)
        .base_offset(50)
        .leader_epoch(2)
        .build()
}

/// The header but for what a change of the records changes.
fn identity(batch: &Batch) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (batch.base_offset(), batch.last_offset()),
        (batch.producer_id(), batch.producer_epoch()),
        (batch.base_sequence(), batch.last_sequence()),
        (batch.leader_epoch(), batch.is_transactional()),
        (batch.timestamp_type(), batch.is_control()),
    )
}

#[test]
fn what_is_kept_stays_as_it_was_and_so_do_the_batchs_offsets() {
    for codec in CODECS {
        let batch = stored(codec);
        let unpacked = batch.unpack(LIMIT).expect("it is sound");
        let seen: Vec<_> = unpacked
            .glances()
            .map(|g| (g.offset, g.has_value))
            .collect();
        assert_eq!(seen, [(50, true), (51, true), (52, false)]);
        let keys: Vec<_> = unpacked.glances().map(|g| g.key).collect();
        assert_eq!(keys, [Some(&b"k1"[..]), None, Some(&b""[..])]);
        let before = records(&batch);
        for kept in [
            [true, false, true],
            [false, false, true],
            [false, true, false],
        ] {
            let left = unpacked.keep(&kept, None);
            assert_eq!(Batch::parse(left.as_bytes().clone()), Ok(left.clone()));
            assert_eq!(identity(&left), identity(&batch));
            assert_eq!(left.compression(), codec);
            let wanted: Vec<_> = before.iter().zip(kept).filter(|(_, kept)| *kept).collect();
            let wanted: Vec<_> = wanted.into_iter().map(|(r, _)| r.clone()).collect();
            assert_eq!(records(&left), wanted);
            let latest = wanted.iter().map(|r| r.timestamp).max();
            assert_eq!(Some(left.max_timestamp()), latest);
        }
    }
}

#[test]
fn a_delete_horizon_moves_no_timestamp() {
    for codec in CODECS {
        let batch = stored(codec);
        let kept = [true, false, true];
        let left = batch.unpack(LIMIT).expect("sound").keep(&kept, Some(77));
        assert_eq!(Batch::parse(left.as_bytes().clone()), Ok(left.clone()));
        assert!(left.has_delete_horizon());
        assert_eq!(left.base_timestamp(), 77);
        let before = records(&batch);
        assert_eq!(records(&left), [before[0].clone(), before[2].clone()]);
        // A second time the horizon stays.
        let again = left
            .unpack(LIMIT)
            .expect("sound")
            .keep(&[false, true], None);
        assert!(again.has_delete_horizon());
        assert_eq!(again.base_timestamp(), 77);
        assert_eq!(records(&again), [before[2].clone()]);
    }
}

#[test]
fn the_append_time_of_a_batch_is_that_of_what_is_left() {
    let batch = stored(Compression::Lz4).placed_at(50, 2, 9_999);
    let kept = [false, true, true];
    let left = batch.unpack(LIMIT).expect("sound").keep(&kept, Some(5));
    assert_eq!(left.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(records(&left), records(&batch)[1..]);
    assert_eq!(left.max_timestamp(), 9_999);
}

#[test]
fn an_emptied_batch_still_says_whose_it_was_and_which_offsets_it_had() {
    for codec in CODECS {
        let batch = stored(codec);
        let empty = batch.emptied();
        assert_eq!(Batch::parse(empty.as_bytes().clone()), Ok(empty.clone()));
        assert_eq!(empty.size(), HEADER_SIZE);
        assert_eq!(identity(&empty), identity(&batch));
        assert_eq!(empty.max_timestamp(), batch.max_timestamp());
        assert_eq!(empty.compression(), Compression::None);
        assert_eq!(records(&empty), []);
        assert_eq!(empty.unpack(LIMIT).expect("sound").glances().count(), 0);
    }
}

#[test]
fn a_count_that_is_not_the_records_is_seen() {
    let batch = stored(Compression::None);
    let more = forged(&batch, |bytes| bytes[60] += 1);
    let more = Batch::parse(more).expect("its checksum is right");
    assert!(more.unpack(LIMIT).is_err());
    let fewer = forged(&batch, |bytes| bytes[60] -= 1);
    let fewer = Batch::parse(fewer).expect("its checksum is right");
    assert!(matches!(
        fewer.unpack(LIMIT),
        Err(BatchError::TrailingBytes(_))
    ));
}
