//! Records: a value's number and some weight, and where it came from.

use bytes::Bytes;
use once_check::history::{Coordinate, Partition};
use once_wire::batch::{Batch, BatchBuilder};

/// One record to send.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// The value's number.
    pub(crate) value: u64,
    /// Bytes beside it.
    pub(crate) weight: usize,
    /// The input that it was made from.
    pub(crate) input: Option<Coordinate>,
}

impl Payload {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.value.to_be_bytes().to_vec();
        let (partition, offset) = match &self.input {
            Some(input) => (input.partition.index, input.offset),
            None => (-1, -1),
        };
        bytes.extend_from_slice(&partition.to_be_bytes());
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.resize(bytes.len() + self.weight, b'.');
        bytes
    }
}

/// What a record's value says: its number, and the input that it was made from.
pub(crate) fn decode(value: &Bytes, input_topic: &str) -> Option<(u64, Option<Coordinate>)> {
    let number = u64::from_be_bytes(*value.first_chunk()?);
    let partition = i32::from_be_bytes(*value.get(8..)?.first_chunk()?);
    let offset = i64::from_be_bytes(*value.get(12..)?.first_chunk()?);
    let input = (partition >= 0).then(|| Partition::new(input_topic, partition).at(offset));
    Some((number, input))
}

/// A batch of them.
pub(crate) fn batch(
    records: &[Payload],
    now_ms: i64,
    producer: (i64, i16),
    sequence: i32,
    transactional: bool,
) -> Batch {
    let mut builder = BatchBuilder::new()
        .producer(producer.0, producer.1, sequence)
        .transactional(transactional);
    for record in records {
        builder = builder.push(now_ms, None, Some(&record.encode()), &[]);
    }
    builder.build()
}
