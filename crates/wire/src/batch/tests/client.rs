//! What a broker demands of a client's batch, and what it sees in it.

use super::*;
use crate::records::Survey;

#[test]
fn a_clients_batch_passes_with_every_codec() {
    for codec in CODECS {
        assert_eq!(
            builder()
                .compression(codec)
                .build()
                .check_client(CLIENT_DECOMPRESSED_MAX)
                .map(drop),
            Ok(()),
            "{codec:?}"
        );
    }
}

#[test]
fn a_clients_batch_must_begin_at_zero_and_count_right() {
    assert_eq!(
        builder()
            .base_offset(1)
            .build()
            .check_client(CLIENT_DECOMPRESSED_MAX)
            .map(drop),
        Err(BatchError::BaseOffset(1))
    );
    assert!(matches!(
        BatchBuilder::new()
            .build()
            .check_client(CLIENT_DECOMPRESSED_MAX)
            .map(drop),
        Err(BatchError::WrongCount { records: 0, .. })
    ));
    let gap = builder().last_offset_delta(5).build();
    assert_eq!(
        gap.check_client(CLIENT_DECOMPRESSED_MAX).map(drop),
        Err(BatchError::WrongCount {
            records: 3,
            last_offset_delta: 5
        })
    );
    let hole = BatchBuilder::new()
        .push_at(1, 0, None, None, &[])
        .push_at(2, 0, None, None, &[]);
    assert_eq!(
        hole.build().check_client(CLIENT_DECOMPRESSED_MAX).map(drop),
        Err(BatchError::WrongCount {
            records: 2,
            last_offset_delta: 2
        })
    );
    assert_eq!(
        builder()
            .producer(5, 0, -1)
            .build()
            .check_client(CLIENT_DECOMPRESSED_MAX)
            .map(drop),
        Err(BatchError::NoSequence)
    );
}

#[test]
fn a_clients_records_must_fill_the_batch_and_follow_each_other() {
    let batch = builder().build();
    let parse = |bytes| Batch::parse(bytes).expect("header and checksum are sound");
    let check = |bytes| parse(bytes).check_client(CLIENT_DECOMPRESSED_MAX).map(drop);

    let trailing = forged(&batch, |bytes| bytes.put_slice(b"xy"));
    assert_eq!(check(trailing.clone()), Err(BatchError::TrailingBytes(2)));
    let read: Vec<_> = parse(trailing)
        .records(LIMIT)
        .expect("not compressed")
        .collect();
    assert_eq!(read.len(), 4);
    assert_eq!(
        read[3],
        Err(BatchError::TrailingBytes(2)),
        "a reader notices too"
    );

    // One more than there are.
    let count = |count: u8| forged(&batch, |bytes| (bytes[26], bytes[60]) = (count - 1, count));
    assert_eq!(check(count(4)), Err(BatchError::MalformedRecord));
    assert!(matches!(check(count(2)), Err(BatchError::TrailingBytes(_))));

    // The offset delta of the first record: after length (one byte), attributes and timestamp delta.
    let delta = forged(&batch, |bytes| bytes[HEADER_SIZE + 3] = 2);
    assert_eq!(
        check(delta),
        Err(BatchError::OffsetDelta {
            expected: 0,
            found: 1
        })
    );
}

#[test]
fn a_survey_sees_the_same_in_every_codec_and_stops_at_its_limit() {
    let plain = builder().build();
    let plain = plain.check_client(0).expect("nothing is unpacked");
    let seen = *plain.survey();
    assert_eq!((seen.earliest, seen.latest), (Some(900), 2_000));
    assert_eq!((seen.keyless, seen.inflated), (Some(1), 0));
    let inflated = plain.size() - HEADER_SIZE;
    for codec in &CODECS[1..] {
        let batch = builder().compression(*codec).build();
        let checked = batch.check_client(inflated).expect("it just fits");
        assert_eq!(*checked.survey(), Survey { inflated, ..seen }, "{codec:?}");
        let limit = inflated - 1;
        assert_eq!(
            batch.check_client(limit).map(drop),
            Err(CompressionError::OverLimit { limit }.into()),
            "{codec:?}"
        );
    }
}

#[test]
fn damage_inside_a_compressed_batch_is_found() {
    let plain = builder().build();
    let area = plain.as_bytes().slice(HEADER_SIZE..);
    let verdict = |codec: Compression, area: &[u8]| {
        let packed = codec.compress(area);
        let bytes = forged(&plain, |bytes| {
            bytes.truncate(HEADER_SIZE);
            bytes[22] = codec.id() as u8;
            bytes.put_slice(&packed);
        });
        let batch = Batch::parse(bytes).expect("header and checksum are sound");
        batch.check_client(CLIENT_DECOMPRESSED_MAX).map(drop)
    };
    for codec in CODECS {
        assert_eq!(verdict(codec, &area), Ok(()));
        for at in 0..80 {
            let mut damaged = area.to_vec();
            damaged[at] ^= 0x41;
            let expected = verdict(Compression::None, &damaged);
            let found = verdict(codec, &damaged);
            assert_eq!(found, expected, "{codec:?} with byte {at} changed");
        }
        let more = [&area[..], b"xy"].concat();
        assert_eq!(verdict(codec, &more), Err(BatchError::TrailingBytes(2)));
        let less = &area[..area.len() - 1];
        assert_eq!(verdict(codec, less), Err(BatchError::MalformedRecord));
    }
}
