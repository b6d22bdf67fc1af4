//! The headers that tie an output to its input and to its transaction.

use bytes::Bytes;
use once_client::{NewRecord, Record};

const INPUT_TOPIC: &str = "input.topic";
const INPUT_PARTITION: &str = "input.partition";
const INPUT_OFFSET: &str = "input.offset";
const TRANSACTION: &str = "transaction";
const TRANSACTION_SIZE: &str = "transaction.size";
const SEQUENCE: &str = "load.sequence";

/// What an output says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTag {
    /// The input's topic.
    pub topic: String,
    /// The input's partition.
    pub partition: i32,
    /// The input's offset.
    pub offset: i64,
    /// A name that no other transaction has.
    pub transaction: String,
    /// How many records that transaction wrote, over all its output topics.
    pub transaction_size: u64,
}

/// What an input of the load says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputTag {
    /// Its number in the load, from 0.
    pub sequence: u64,
}

impl OutputTag {
    /// The tag of what `input` becomes in a transaction.
    pub fn of(input: &Record, transaction: &str, transaction_size: u64) -> Self {
        Self {
            topic: input.topic.clone(),
            partition: input.partition,
            offset: input.offset,
            transaction: transaction.to_owned(),
            transaction_size,
        }
    }

    /// Adds the tag to a record.
    pub fn write(&self, record: NewRecord) -> NewRecord {
        record
            .header(INPUT_TOPIC, self.topic.clone())
            .header(INPUT_PARTITION, self.partition.to_string())
            .header(INPUT_OFFSET, self.offset.to_string())
            .header(TRANSACTION, self.transaction.clone())
            .header(TRANSACTION_SIZE, self.transaction_size.to_string())
    }

    /// Reads it back; `None` if a part is missing or unreadable.
    pub fn read(record: &Record) -> Option<Self> {
        Some(Self {
            topic: text(record.header(INPUT_TOPIC)?)?,
            partition: number(record.header(INPUT_PARTITION)?)?,
            offset: number(record.header(INPUT_OFFSET)?)?,
            transaction: text(record.header(TRANSACTION)?)?,
            transaction_size: number(record.header(TRANSACTION_SIZE)?)?,
        })
    }
}

impl InputTag {
    /// Adds the tag to a record.
    pub fn write(self, record: NewRecord) -> NewRecord {
        record.header(SEQUENCE, self.sequence.to_string())
    }

    /// Reads it back; `None` if it is not there.
    pub fn read(record: &Record) -> Option<Self> {
        Some(Self {
            sequence: number(record.header(SEQUENCE)?)?,
        })
    }
}

fn text(bytes: &Bytes) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn number<T: std::str::FromStr>(bytes: &Bytes) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
