//! Records: a value's number and some weight, and where it came from.

use once_check::history::{Coordinate, Partition};
use once_wire::batch::{Batch, BatchBuilder};
use once_wire::records::Record;

/// One record to send.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// The value's number.
    pub(crate) value: u64,
    /// Bytes beside it.
    pub(crate) weight: usize,
    /// The input that it was made from.
    pub(crate) input: Option<Coordinate>,
    /// Its key, in the topic that is compacted.
    pub(crate) key: Option<u8>,
    /// It has no value but this key's end.
    pub(crate) tombstone: bool,
}

/// The header that has a tombstone's number.
const NUMBER: &str = "number";

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

/// What a record says: its number, and the input that it was made from.
pub(crate) fn decode(record: &Record, input_topic: &str) -> Option<(u64, Option<Coordinate>)> {
    let Some(value) = &record.value else {
        let header = record.headers.iter().find(|(name, _)| name == NUMBER)?;
        let number = u64::from_be_bytes(*header.1.as_ref()?.first_chunk()?);
        return Some((number, None));
    };
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
        let (number, key) = (record.value.to_be_bytes(), record.key.map(|key| [key]));
        let key = key.as_ref().map(|key| &key[..]);
        builder = if record.tombstone {
            builder.push(now_ms, key, None, &[(NUMBER, Some(&number))])
        } else {
            builder.push(now_ms, key, Some(&record.encode()), &[])
        };
    }
    builder.build()
}
