//! What makes operations pleasant to write in Rust.

use super::{
    Assign, Begin, CommitOffsets, Crash, Drained, DrainedPartition, End, FetchOffsets, Init,
    Isolation, Note, Observe, Op, PartitionRead, Poll, Producer, Read, Revoke, Seek, SendOffsets,
    SendRecord, Subscribe, Topic,
};
use crate::history::{Coordinate, Name, Partition, Value};

macro_rules! into_op {
    ($($op:ident($struct:ident)),* $(,)?) => {
        $(impl From<$struct> for Op {
            fn from(op: $struct) -> Self {
                Self::$op(op)
            }
        })*
    };
}

// Not `End`: whether it is a commit or an abort must be said.
into_op!(
    Init(Init),
    Begin(Begin),
    Send(SendRecord),
    SendOffsets(SendOffsets),
    Subscribe(Subscribe),
    Assign(Assign),
    Revoke(Revoke),
    Seek(Seek),
    Poll(Poll),
    CommitOffsets(CommitOffsets),
    FetchOffsets(FetchOffsets),
    Observe(Observe),
    Topic(Topic),
    Crash(Crash),
    Drained(Drained),
    Note(Note),
);

impl Op {
    /// A commit of this transaction of the process.
    pub fn commit(txn: u64, producer: Producer) -> Self {
        Self::Commit(End { txn, producer })
    }

    /// An abort of this transaction of the process.
    pub fn abort(txn: u64, producer: Producer) -> Self {
        Self::Abort(End { txn, producer })
    }

    /// A note.
    pub fn note(text: impl Into<Name>) -> Self {
        Self::Note(Note { text: text.into() })
    }
}

impl Producer {
    /// One of this transactional id, of which no more is known.
    pub fn transactional(id: impl Into<Name>) -> Self {
        Self {
            transactional_id: Some(id.into()),
            ..Self::default()
        }
    }

    /// The same, with what InitProducerId gave it.
    #[must_use]
    pub fn with_epoch(self, producer_id: i64, epoch: i16) -> Self {
        Self {
            producer_id: Some(producer_id),
            epoch: Some(epoch),
            ..self
        }
    }
}

impl SendRecord {
    /// A record that stands alone.
    pub fn new(partition: Partition, value: impl Into<Value>) -> Self {
        Self {
            partition,
            value: value.into(),
            offset: None,
            txn: None,
            producer: None,
            input: None,
            key: None,
            tombstone: false,
        }
    }

    /// In this transaction of the process.
    #[must_use]
    pub fn txn(mut self, txn: u64) -> Self {
        self.txn = Some(txn);
        self
    }

    /// From this producer.
    #[must_use]
    pub fn by(mut self, producer: Producer) -> Self {
        self.producer = Some(producer);
        self
    }

    /// Made from this input.
    #[must_use]
    pub fn from_input(mut self, input: Coordinate) -> Self {
        self.input = Some(input);
        self
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Value>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Acknowledged at this offset.
    #[must_use]
    pub fn at(mut self, offset: i64) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl Poll {
    /// A poll, before its answer.
    pub fn new(isolation: Isolation) -> Self {
        Self {
            isolation,
            ..Self::default()
        }
    }

    /// With what came of a partition.
    #[must_use]
    pub fn read(mut self, read: PartitionRead) -> Self {
        self.reads.push(read);
        self
    }
}

impl PartitionRead {
    /// Nothing yet, of this partition.
    pub fn new(partition: Partition) -> Self {
        Self {
            partition,
            records: Vec::new(),
            from: None,
            position: None,
            high_watermark: None,
            last_stable: None,
            log_start: None,
        }
    }

    /// One record more.
    #[must_use]
    pub fn record(mut self, offset: i64, value: impl Into<Value>) -> Self {
        self.records.push(Read::new(offset, value));
        self
    }

    /// The positions before and after.
    #[must_use]
    pub fn positions(mut self, from: i64, position: i64) -> Self {
        self.from = Some(from);
        self.position = Some(position);
        self
    }
}

impl Read {
    /// A record that names no input.
    pub fn new(offset: i64, value: impl Into<Value>) -> Self {
        Self {
            offset,
            value: value.into(),
            input: None,
        }
    }
}

impl Topic {
    /// A topic that keeps everything.
    pub fn new(topic: impl Into<Name>) -> Self {
        Self {
            topic: topic.into(),
            generation: 0,
            deleted: false,
            compacted: false,
            expires: false,
            deleted_below: Default::default(),
        }
    }
}

impl Assign {
    /// Partitions given by hand, each with the offset at which reading begins.
    pub fn at(partitions: impl IntoIterator<Item = (Partition, i64)>) -> Self {
        Self {
            group: None,
            partitions: partitions.into_iter().map(|(p, o)| (p, Some(o))).collect(),
        }
    }
}

impl DrainedPartition {
    /// Read from `start` to `end`.
    pub fn new(start: i64, end: i64) -> Self {
        Self {
            start,
            end,
            ..Self::default()
        }
    }
}
