//! No input panics, and none takes more memory than the reader's budget.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::allocations::peak;
use super::every_message::{self, Entry};
use super::vectors::{self, Rng, schema};
use crate::batch::{Batch, BatchBuilder, BatchHeader};
use crate::codec::{DecodeError, Message, Reader};
use crate::compression::Compression;
use crate::control;
use crate::frame::FrameBuffer;
use crate::message::produce_request::ProduceRequest;
use crate::request::read_header;

/// Slices of a frame share one count, made with the first of them.
const SHARED_COUNT: usize = 64;

/// Decodes under a budget and holds the decoder to it.
fn decode_within(entry: &Entry, version: i16, bytes: &Bytes, budget: usize) {
    // A copy of its own, so that the shared count is made within the measured part.
    let frame = Bytes::copy_from_slice(bytes);
    let (_, peak) = peak(|| (entry.decode)(Reader::with_budget(frame, budget), version));
    assert!(
        peak <= budget + SHARED_COUNT,
        "{} version {version}: {peak} of {budget} bytes",
        entry.name
    );
}

/// Some bytes replaced, some by what makes a length absurd; sometimes cut.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len());
        match rng.below(4) {
            0 => bytes[at] = rng.next() as u8,
            1 => bytes[at] = 0x7f,
            2 => bytes
                .iter_mut()
                .skip(at)
                .take(5)
                .for_each(|byte| *byte = 0xff),
            _ => bytes.truncate(at),
        }
    }
}

#[test]
fn no_mutated_message_takes_more_memory_than_its_budget() {
    let schema = schema();
    let mut rng = Rng::new(1);
    for message in &schema.messages {
        let entry = every_message::find(&message.name).expect("every message is generated");
        for version in entry.versions.clone() {
            for _ in 0..30 {
                let mut bytes = vectors::random(message, version, &mut rng);
                mutate(&mut bytes, &mut rng);
                let bytes = Bytes::from(bytes);
                decode_within(&entry, version, &bytes, 16 * bytes.len());
                decode_within(&entry, version, &bytes, rng.below(500));
            }
        }
    }
}

/// Transactional id null, acks, timeout, and an array of 2^32 − 2 topics.
const ABSURD_PRODUCE: [u8; 12] = [0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];

#[test]
fn an_absurd_array_length_costs_nothing() {
    let (result, peak) =
        peak(|| ProduceRequest::decode(&mut Reader::new(Bytes::from_static(&ABSURD_PRODUCE)), 9));
    assert!(
        matches!(result, Err(DecodeError::Truncated { remaining: 0, .. })),
        "{result:?}"
    );
    assert_eq!(peak, 0);
}

#[test]
fn many_small_elements_stop_at_the_budget() {
    // A million topics of three bytes each: no name, no partitions, no tagged fields.
    let mut bytes = vec![0, 0, 1, 0, 0, 0, 1, 0xc1, 0x84, 0x3d];
    bytes.extend([1, 1, 0].repeat(1_000_000));
    bytes.push(0);
    let frame = Bytes::from(bytes);
    let (result, peak) = peak(|| ProduceRequest::decode(&mut Reader::new(frame.clone()), 9));
    assert_eq!(result, Err(DecodeError::OverBudget { budget: 16 << 20 }));
    assert!(
        peak <= SHARED_COUNT,
        "refused before the vector is made: {peak}"
    );

    let ample =
        ProduceRequest::decode(&mut Reader::with_budget(frame, 1 << 30), 9).expect("it is sound");
    assert_eq!(ample.topic_data.len(), 1_000_000);
}

#[test]
fn the_default_budget_lets_ordinary_messages_through() {
    let schema = schema();
    for message in &schema.messages {
        let entry = every_message::find(&message.name).expect("every message is generated");
        for version in entry.versions.clone() {
            let bytes = vectors::random(message, version, &mut Rng::new(3));
            assert_eq!(
                (entry.decode)(Reader::new(bytes.into()), version),
                Ok(0),
                "{}",
                entry.name
            );
        }
    }
}

fn batch() -> impl Strategy<Value = Batch> {
    let codec = prop_oneof![Just(0i16), Just(1), Just(2), Just(3), Just(4)];
    (codec, proptest::collection::vec(any::<Vec<u8>>(), 0..5)).prop_map(|(codec, values)| {
        let codec = Compression::from_id(codec).expect("from 0 to 4");
        let builder = BatchBuilder::new().compression(codec);
        let push = |builder: BatchBuilder, value: &Vec<u8>| {
            builder.push(
                5,
                Some(b"key"),
                Some(value),
                &[("header", Some(value)), ("header", None)],
            )
        };
        values.iter().fold(builder, push).build()
    })
}

/// Walks all that a batch offers.
fn walk(batch: &Batch, limit: usize) {
    let _ = batch.check_client(limit);
    let _ = batch.control();
    if let Ok(records) = batch.records(limit) {
        let count = records.count();
        assert!(count <= batch.records_count() as usize + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn no_bytes_panic_a_decoder(
        which in any::<prop::sample::Index>(),
        version in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0..4u8, Just(0xff)], 0..300),
        budget in 0..5000usize,
    ) {
        let entries = every_message::all();
        let entry = which.get(&entries);
        let version = entry.versions.start() + version.index(entry.versions.clone().count()) as i16;
        decode_within(entry, version, &bytes.into(), budget);
    }

    #[test]
    fn no_bytes_panic_the_request_header(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut r = Reader::with_budget(bytes.into(), 200);
        let _ = read_header(&mut r);
    }

    #[test]
    fn no_bytes_panic_a_batch(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = BatchHeader::read(&bytes);
        let _ = Batch::parse(bytes.into());
    }

    /// Damage behind a checksum made right again: what a hostile client would send.
    #[test]
    fn no_forged_batch_panics_or_takes_memory(batch in batch(), seed in any::<u64>()) {
        let mut bytes = batch.as_bytes().to_vec();
        let mut rng = Rng::new(seed);
        let mut tail = bytes.split_off(21);
        mutate(&mut tail, &mut rng);
        bytes.extend(tail);
        prop_assume!(bytes.len() >= 61);
        let len = (bytes.len() - 12) as u32;
        bytes[8..12].copy_from_slice(&len.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let size = bytes.len();
        let (_, peak) = peak(|| Batch::parse(bytes.into()).map(|batch| walk(&batch, 4096)));
        // The lz4 and gzip decoders bring windows of their own, of at most a few MiB.
        prop_assert!(peak <= 10 * size + (16 << 20), "{peak}");
    }

    #[test]
    fn no_bytes_panic_a_codec(
        codec in 1..5i16,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        valid in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let codec = Compression::from_id(codec).expect("from 1 to 4");
        let mut bytes = if valid { codec.compress(&bytes) } else { bytes };
        mutate(&mut bytes, &mut Rng::new(seed));
        if let Ok(out) = codec.decompress(&bytes, 1000) {
            prop_assert!(out.len() <= 1000);
        }
    }

    #[test]
    fn no_bytes_panic_the_frame_buffer(parts in proptest::collection::vec(any::<Vec<u8>>(), 0..20)) {
        let mut buffer = FrameBuffer::new(300);
        for part in parts {
            buffer.feed(&part);
            while let Ok(Some(frame)) = buffer.next_frame() {
                prop_assert!(frame.len() <= 300);
            }
        }
    }
}

#[test]
fn no_cut_or_flipped_marker_panics() {
    let marker = control::marker(1, 0, 0, true, 0);
    for at in 61..marker.size() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = BytesMut::from(&marker.as_bytes()[..]);
            bytes[at] = value;
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
            walk(
                &Batch::parse(bytes.freeze()).expect("the header is whole"),
                1000,
            );
        }
    }
}
