use bytes::{BufMut, Bytes, BytesMut};

use super::*;
use crate::compression::{Compression, CompressionError};
use crate::control::{self, ControlRecord, ControlType};
use crate::records::Record;

mod client;
mod retained;

const LIMIT: usize = 1 << 20;
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn builder() -> BatchBuilder {
    BatchBuilder::new()
        .producer(4000, 3, 10)
        .push(
            1_000,
            Some(b"k1"),
            Some(b"v1"),
            &[("a", Some(b"1")), ("b", None), ("a", Some(b"2"))],
        )
        .push(900, None, Some(&[7; 3000]), &[])
        .push(2_000, Some(b""), None, &[("", Some(b""))])
}

fn records(batch: &Batch) -> Vec<Record> {
    let records = batch.records(LIMIT).expect("it decompresses");
    records
        .collect::<Result<_, _>>()
        .expect("its records are sound")
}

/// The batch with some bytes changed and the checksum made right again.
fn forged(batch: &Batch, change: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut bytes = BytesMut::from(&batch.as_bytes()[..]);
    change(&mut bytes);
    let len = (bytes.len() - 12) as u32;
    bytes[8..12].copy_from_slice(&len.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.freeze()
}

#[test]
fn what_is_built_reads_back_with_every_codec() {
    for codec in CODECS {
        let batch = builder()
            .compression(codec)
            .base_offset(50)
            .leader_epoch(2)
            .build();
        let parsed = Batch::parse(batch.as_bytes().clone()).expect("it is sound");
        assert_eq!(parsed, batch);
        assert_eq!(parsed.compression(), codec);
        assert_eq!(
            (
                parsed.base_offset(),
                parsed.last_offset(),
                parsed.records_count()
            ),
            (50, 52, 3)
        );
        assert_eq!(
            (parsed.leader_epoch(), parsed.size()),
            (2, batch.as_bytes().len())
        );
        assert_eq!((parsed.producer_id(), parsed.producer_epoch()), (4000, 3));
        assert_eq!((parsed.base_sequence(), parsed.last_sequence()), (10, 12));
        assert_eq!(
            (parsed.base_timestamp(), parsed.max_timestamp()),
            (1_000, 2_000)
        );
        assert!(!parsed.is_control() && !parsed.is_transactional() && !parsed.has_delete_horizon());

        let records = records(&parsed);
        assert_eq!(
            records.iter().map(|r| r.offset).collect::<Vec<_>>(),
            [50, 51, 52]
        );
        assert_eq!(
            records.iter().map(|r| r.timestamp).collect::<Vec<_>>(),
            [1_000, 900, 2_000]
        );
        assert_eq!(records[1].key, None);
        assert_eq!(records[1].value.as_ref().map(Bytes::len), Some(3000));
        assert_eq!(
            (records[2].key.as_deref(), &records[2].value),
            (Some(&b""[..]), &None)
        );
    }
}

#[test]
fn repeated_headers_are_kept_in_order() {
    let headers = &records(&builder().build())[0].headers;
    let expected: Vec<(String, Option<Bytes>)> = vec![
        ("a".into(), Some(Bytes::from_static(b"1"))),
        ("b".into(), None),
        ("a".into(), Some(Bytes::from_static(b"2"))),
    ];
    assert_eq!(*headers, expected);
}

#[test]
fn a_torn_batch_is_truncated_wherever_it_is_cut() {
    let bytes = builder().build().as_bytes().clone();
    for len in 0..bytes.len() {
        let mut cut = bytes.slice(..len);
        let error = Batch::split_first(&mut cut).expect_err("it is cut");
        let needed = if len < HEADER_SIZE {
            HEADER_SIZE
        } else {
            bytes.len()
        };
        assert_eq!(
            error,
            BatchError::Truncated {
                needed,
                available: len
            }
        );
        assert_eq!(cut.len(), len, "what was not taken stays");
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed_but_in_what_the_broker_sets() {
    let bytes = builder().build().as_bytes().clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = BytesMut::from(&bytes[..]);
            flipped[at] ^= 1 << bit;
            let parsed = Batch::parse(flipped.freeze());
            // Base offset and leader epoch are not protected: the broker sets them.
            let unprotected = at < 8 || (12..16).contains(&at);
            assert_eq!(parsed.is_ok(), unprotected, "byte {at} bit {bit}");
        }
    }
}

#[test]
fn batches_are_taken_off_a_log_one_by_one() {
    let mut log = BytesMut::new();
    for base in [0, 3, 6] {
        log.put_slice(builder().base_offset(base).build().as_bytes());
    }
    log.put_slice(b"torn");
    let mut log = log.freeze();
    for base in [0, 3, 6] {
        assert_eq!(
            Batch::split_first(&mut log).map(|batch| batch.base_offset()),
            Ok(base)
        );
    }
    assert_eq!(
        Batch::split_first(&mut log),
        Err(BatchError::Truncated {
            needed: 61,
            available: 4
        })
    );
    let two = [
        builder().build().as_bytes().clone(),
        builder().build().as_bytes().clone(),
    ]
    .concat();
    assert_eq!(
        Batch::parse(two.into()),
        Err(BatchError::TrailingBytes(builder().build().size()))
    );
}

#[test]
fn placing_changes_offset_and_epoch_alone() {
    let batch = builder().build();
    let placed = batch.placed(1 << 40, 9);
    assert_eq!(
        (placed.base_offset(), placed.leader_epoch(), placed.crc()),
        (1 << 40, 9, batch.crc())
    );
    assert_eq!(Batch::parse(placed.as_bytes().clone()), Ok(placed.clone()));
    assert_eq!(placed.as_bytes()[16..], batch.as_bytes()[16..]);
    assert_eq!(records(&placed)[2].offset, (1 << 40) + 2);
}

#[test]
fn append_time_is_the_time_of_every_record() {
    let placed = builder().build().placed_at(5, 1, 123_456);
    assert_eq!(Batch::parse(placed.as_bytes().clone()), Ok(placed.clone()));
    assert_eq!(placed.timestamp_type(), TimestampType::LogAppendTime);
    assert!(
        records(&placed)
            .iter()
            .all(|record| record.timestamp == 123_456)
    );
    assert_eq!(
        placed
            .placed(0, 0)
            .check_client(CLIENT_DECOMPRESSED_MAX)
            .map(drop),
        Err(BatchError::ClientAppendTime)
    );
}

#[test]
fn markers_take_78_bytes_and_read_back() {
    for (commit, kind) in [(true, ControlType::Commit), (false, ControlType::Abort)] {
        let marker = control::marker(7, 2, 31, commit, 1_000);
        assert_eq!(marker.size(), 78);
        assert!(marker.is_control() && marker.is_transactional());
        assert_eq!(
            (
                marker.producer_id(),
                marker.producer_epoch(),
                marker.base_sequence()
            ),
            (7, 2, -1)
        );
        assert_eq!(
            (marker.last_sequence(), marker.max_timestamp()),
            (-1, 1_000)
        );
        assert_eq!(
            marker.control(),
            Some(ControlRecord {
                kind,
                coordinator_epoch: 31
            })
        );
        assert_eq!(
            marker.check_client(CLIENT_DECOMPRESSED_MAX).map(drop),
            Err(BatchError::ClientControl)
        );
        assert_eq!(ControlType::from_id(kind.id()), kind);
    }
    assert_eq!(
        builder().build().control(),
        None,
        "data is no control record"
    );
}

#[test]
fn a_marker_is_kafkas_bytes() {
    // Written by Kafka 4.3.1's MemoryRecords.withEndTransactionMarker(1000, 7, 2, new EndTransactionMarker(COMMIT, 31)).
    let kafkas: &[u8] = include_bytes!("testdata/marker.bin");
    assert_eq!(control::marker(7, 2, 31, true, 1_000).as_bytes(), kafkas);
}

#[test]
fn sequences_wrap_to_zero() {
    let last = |base| builder().producer(1, 0, base).build().last_sequence();
    assert_eq!(last(i32::MAX - 2), i32::MAX);
    assert_eq!(last(i32::MAX - 1), 0);
    assert_eq!(last(i32::MAX), 1);
}

#[test]
fn header_fields_that_cannot_be_are_refused() {
    let batch = builder().build();
    let refused = |at: usize, byte: u8| {
        Batch::parse(forged(&batch, |bytes| bytes[at] = byte)).expect_err("refused")
    };
    assert_eq!(refused(16, 1), BatchError::UnsupportedMagic(1));
    assert_eq!(refused(22, 7), BatchError::UnknownCodec(7));
    assert_eq!(refused(23, 0x80), BatchError::NegativeCount);
    assert_eq!(refused(57, 0x80), BatchError::NegativeCount);

    let mut short = BytesMut::from(&batch.as_bytes()[..]);
    short[8..12].copy_from_slice(&48i32.to_be_bytes());
    assert_eq!(
        Batch::parse(short.freeze()),
        Err(BatchError::InvalidLength(48))
    );
}

#[test]
fn a_bomb_stops_at_the_limit() {
    for codec in &CODECS[1..] {
        let batch = BatchBuilder::new()
            .compression(*codec)
            .push(0, None, Some(&[0; 2 << 20]), &[])
            .build();
        let error = batch
            .records(LIMIT)
            .expect_err("two MiB do not fit into one");
        assert_eq!(
            error,
            BatchError::Compression(CompressionError::OverLimit { limit: LIMIT }),
            "{codec:?}"
        );
        assert_eq!(
            batch.check_client(CLIENT_DECOMPRESSED_MAX).map(drop),
            Ok(()),
            "two MiB are nothing unusual"
        );
    }
}

#[test]
fn a_batch_takes_another_largest_timestamp() {
    let batch = builder().build().with_max_timestamp(77);
    assert_eq!(batch.max_timestamp(), 77);
    let again = Batch::parse(batch.as_bytes().clone()).expect("the checksum fits");
    assert_eq!(records(&again), records(&builder().build()));
}

#[test]
fn a_compacted_batch_keeps_its_offsets() {
    let batch = BatchBuilder::new()
        .base_offset(100)
        .delete_horizon(9_000)
        .push_at(2, 5_000, Some(b"k"), None, &[])
        .last_offset_delta(7)
        .build();
    let batch = Batch::parse(batch.as_bytes().clone()).expect("it is sound");
    assert!(batch.has_delete_horizon());
    assert_eq!(
        (
            batch.base_offset(),
            batch.last_offset(),
            batch.base_timestamp()
        ),
        (100, 107, 9_000)
    );
    let records = records(&batch);
    assert_eq!(
        (records.len(), records[0].offset, records[0].timestamp),
        (1, 102, 5_000)
    );

    let empty = BatchBuilder::new()
        .producer(1, 0, 5)
        .last_offset_delta(3)
        .build();
    let empty = Batch::parse(empty.as_bytes().clone()).expect("it is sound");
    assert_eq!((empty.records_count(), empty.last_sequence()), (0, 8));
    assert_eq!(empty.records(0).expect("nothing to decompress").count(), 0);
}

#[test]
fn batches_of_kafkas_own_client_are_read() {
    // Written by Kafka 4.3.1's MemoryRecordsBuilder, each with the same three records.
    let files: [&'static [u8]; 4] = [
        include_bytes!("testdata/java-gzip.bin"),
        include_bytes!("testdata/java-snappy.bin"),
        include_bytes!("testdata/java-lz4.bin"),
        include_bytes!("testdata/java-zstd.bin"),
    ];
    let expected = BatchBuilder::new()
        .push(
            1_000,
            Some(b"k"),
            Some(b"v"),
            &[("a", Some(b"1")), ("a", None), ("ü", Some(b"2"))],
        )
        .push(990, None, Some(&[b'x'; 100_000]), &[])
        .push(2_000, Some(b"z"), None, &[]);
    let expected = records(&expected.build());
    for (file, codec) in files.into_iter().zip(&CODECS[1..]) {
        let batch = Batch::parse(Bytes::from_static(file)).expect("Kafka's batches are sound");
        assert_eq!(batch.compression(), *codec);
        assert_eq!(
            batch.check_client(CLIENT_DECOMPRESSED_MAX).map(drop),
            Ok(())
        );
        assert!(records(&batch) == expected, "{codec:?}");
    }
}
