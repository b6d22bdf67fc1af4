use super::*;

const ALL: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn text(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| b"exactly once "[at % 13] ^ (at / 4096) as u8)
        .collect()
}

#[test]
fn every_codec_gives_back_what_it_took() {
    for codec in ALL {
        assert_eq!(Compression::from_id(codec.id()), Some(codec));
        for len in [0, 1, 100, 32 << 10, 200_000] {
            let data = text(len);
            let packed = codec.compress(&data);
            assert!(
                codec.decompress(&packed, len) == Ok(data),
                "{codec:?} {len}"
            );
        }
    }
    assert_eq!(Compression::from_id(5), None);
}

#[test]
fn nothing_decompresses_past_the_limit() {
    let bomb = vec![0; 1 << 20];
    for codec in ALL {
        let packed = codec.compress(&bomb);
        let limit = bomb.len() - 1;
        assert_eq!(
            codec.decompress(&packed, limit),
            Err(CompressionError::OverLimit { limit }),
            "{codec:?}"
        );
        assert_eq!(
            codec.decompress(&packed, 0),
            Err(CompressionError::OverLimit { limit: 0 }),
            "{codec:?}"
        );
    }
}

#[test]
fn a_cut_or_garbled_stream_is_corrupt() {
    for codec in &ALL[1..] {
        let packed = codec.compress(&text(5000));
        let cut = codec.decompress(&packed[..packed.len() / 2], 1 << 20);
        assert!(cut == Err(CompressionError::Corrupt(*codec)), "{codec:?}");
        let garbage = codec.decompress(b"not what it should be", 1 << 20);
        assert_eq!(garbage, Err(CompressionError::Corrupt(*codec)), "{codec:?}");
    }
}

#[test]
fn raw_snappy_and_several_gzip_members_are_read() {
    let data = text(70_000);
    let raw = snap::raw::Encoder::new()
        .compress_vec(&data)
        .expect("small");
    assert_eq!(
        Compression::Snappy.decompress(&raw, data.len()),
        Ok(data.clone())
    );

    let (head, tail) = data.split_at(1000);
    let mut members = Compression::Gzip.compress(head);
    members.extend(Compression::Gzip.compress(tail));
    assert_eq!(Compression::Gzip.decompress(&members, data.len()), Ok(data));
}

#[test]
fn a_snappy_block_that_claims_too_much_is_refused_before_memory_is_taken() {
    // An uncompressed length of 2^30 before two bytes of data.
    let lie = [0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x61];
    let corrupt = CompressionError::Corrupt(Compression::Snappy);
    assert_eq!(
        Compression::Snappy.decompress(&lie, usize::MAX),
        Err(corrupt)
    );
}

#[test]
fn every_codec_becomes_every_other_within_the_limit() {
    let data = text(200_000);
    for from in ALL {
        let packed = from.compress(&data);
        for to in ALL {
            let converted = from
                .convert(&packed, to, data.len())
                .expect("within the limit");
            let back = to.decompress(&converted, data.len());
            assert_eq!(back.as_ref(), Ok(&data), "{from:?} to {to:?}");
            let limit = data.len() - 1;
            let over = Err(CompressionError::OverLimit { limit });
            assert_eq!(from.convert(&packed, to, limit), over, "{from:?} to {to:?}");
        }
    }
}
