//! The operations: what each says, and when which field is known.
//!
//! In JSON an operation is an object with one field, its name: `{"send":{"partition":"orders-0",…}}`.
//! Fields that are not known are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Coordinate, Name, Partition, Value};

/// What a client does, or what happens to the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// InitProducerId: `initTransactions`, or an idempotent producer's start.
    Init(Init),
    /// A transaction begins, in the client.
    Begin(Begin),
    /// One record.
    Send(SendRecord),
    /// Group offsets within a transaction (`sendOffsetsToTransaction`).
    SendOffsets(SendOffsets),
    /// The transaction's end, wanted as a commit.
    Commit(End),
    /// The transaction's end, wanted as an abort.
    Abort(End),
    /// The consumer joins a group or changes its topics. All its positions are forgotten.
    Subscribe(Subscribe),
    /// Partitions are the consumer's from now on, given by hand or by its group. Others stay its.
    Assign(Assign),
    /// Partitions are the consumer's no more.
    Revoke(Revoke),
    /// The consumer's position is moved on purpose.
    Seek(Seek),
    /// One poll (fetch), with what it returned.
    Poll(Poll),
    /// Group offsets outside of transactions.
    CommitOffsets(CommitOffsets),
    /// The offsets that a group has committed.
    FetchOffsets(FetchOffsets),
    /// A number that must not go down was seen.
    Observe(Observe),
    /// A topic was made or deleted, or is found to be as it is.
    Topic(Topic),
    /// A client or the broker died.
    Crash(Crash),
    /// From here no fault is injected any more, and what was under way has had time to end:
    /// transactions are decided or have passed their timeout.
    Healed {},
    /// After `healed` this process has read whole partitions.
    Drained(Drained),
    /// For people: a fault, a phase. It is judged by nothing.
    Note(Note),
}

/// Who sends. A client that does not know its producer id and epoch leaves them out.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// `transactional.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactional_id: Option<Name>,
    /// As InitProducerId gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer_id: Option<i64>,
    /// As InitProducerId gave it, or, from transaction version 2 on, the last EndTxn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i16>,
}

/// A producer starts. A new `init` of a transactional id fences all earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Asked with its `transactional_id` (none: only idempotent); the rest is known in the answer.
    pub producer: Producer,
}

/// A transaction begins. `begin` is a single event of type `ok`; it may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Its number within the process: never used twice there.
    pub txn: u64,
    /// Who.
    #[serde(default)]
    pub producer: Producer,
}

/// One record is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendRecord {
    /// Where to.
    pub partition: Partition,
    /// What: unique among all sends of the history.
    pub value: Value,
    /// Where it came to lie: in an `ok`, if the client knows. Only acks=all is acknowledged: a send
    /// with acks=0 or (on a cluster) acks=1 completes with `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// The process's transaction that it belongs to. None: it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<u64>,
    /// Who. None: a producer that is not even idempotent, for which duplicates are no anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<Producer>,
    /// The input that this record was made from (consume, process, produce).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Coordinate>,
    /// The record's key, if its topic is compacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// Deletes its key in a compacted topic, and goes itself in the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tombstone: bool,
}

/// Group offsets become a part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendOffsets {
    /// The transaction.
    pub txn: u64,
    /// Who.
    #[serde(default)]
    pub producer: Producer,
    /// The consumer group.
    pub group: Name,
    /// The next offset to read, per partition.
    pub offsets: BTreeMap<Partition, i64>,
}

/// A transaction ends. `ok`: it ended so. `fail`: it certainly did not, and will not by this
/// request. `info`: unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The transaction.
    pub txn: u64,
    /// Who.
    #[serde(default)]
    pub producer: Producer,
}

/// The consumer subscribes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Its group.
    pub group: Name,
    /// Its topics.
    pub topics: Vec<Name>,
}

/// Partitions become the consumer's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// The group that gave them; none: by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    /// Each with the offset at which reading will begin, if that is known.
    pub partitions: BTreeMap<Partition, Option<i64>>,
}

/// Partitions are the consumer's no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Which.
    pub partitions: Vec<Partition>,
}

/// The consumer goes elsewhere: by `seek`, or because its position was reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seek {
    /// In this partition.
    pub partition: Partition,
    /// To this offset; none: beginning, end, or by a timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
}

/// What a reader may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Everything below the high watermark, aborted data too.
    ReadUncommitted,
    /// Committed data below the last stable offset.
    #[default]
    ReadCommitted,
}

/// One poll.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// What the reader may see.
    pub isolation: Isolation,
    /// The transaction that the process was in, if that matters to it (consume, process, produce).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<u64>,
    /// What came, partition by partition; those of which nothing came may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<PartitionRead>,
}

/// What a poll returned of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionRead {
    /// Which.
    pub partition: Partition,
    /// The records, in the order in which the client gave them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Read>,
    /// The position before this poll: the offset that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// The position after it: the offset that will be asked for next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The high watermark that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_watermark: Option<i64>,
    /// The last stable offset that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_stable: Option<i64>,
    /// The log start offset that came with it: what is below may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_start: Option<i64>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Where it lies.
    pub offset: i64,
    /// What it carries.
    pub value: Value,
    /// The input that it names; may be left out if its send says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Coordinate>,
}

/// Group offsets are committed outside of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitOffsets {
    /// The group.
    pub group: Name,
    /// The next offset to read, per partition; `null` deletes it.
    pub offsets: BTreeMap<Partition, Option<i64>>,
}

/// Group offsets are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchOffsets {
    /// The group.
    pub group: Name,
    /// Whether an open transaction's offsets make the answer wait (KIP-447).
    #[serde(default)]
    pub require_stable: bool,
    /// In the invocation: the partitions asked for, each with `null`. In an `ok`: what is committed,
    /// `null` where nothing is.
    pub offsets: BTreeMap<Partition, Option<i64>>,
}

/// A number was read that, once seen, nobody may see smaller: an epoch, a group's generation, the
/// number of a topic's partitions, a topic's incarnation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// Whose number, in words of the writer's: `partitions of orders`.
    pub what: Name,
    /// The number; in an invocation 0.
    pub number: i64,
}

/// What is known about a topic. Without it a topic is one that keeps everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name.
    pub topic: Name,
    /// Which one of that name, as in [`Partition`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// It is gone, or may go at any time from the invocation of this on: nothing in it is lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Records may go when a later one has their key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compacted: bool,
    /// Old records may go at any time (retention): what no reader saw is lost only if it lies at or
    /// above the start of a `drained` partition.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expires: bool,
    /// Records below these offsets were deleted on purpose (DeleteRecords), by partition number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deleted_below: BTreeMap<i32, i64>,
}

/// Who died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crash {
    /// The process of this event. It does nothing any more; what it had under way may still happen.
    Client,
    /// The broker.
    Broker,
}

/// What this process has read from start to end since `healed`, with nothing being written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drained {
    /// What it could see.
    pub isolation: Isolation,
    /// Each partition, all of whose records from `start` to the end it polled.
    pub partitions: BTreeMap<Partition, DrainedPartition>,
}

/// The bounds of a partition when it was drained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainedPartition {
    /// The first offset asked for: the log start offset.
    pub start: i64,
    /// The position at which it ended.
    pub end: i64,
    /// The high watermark at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_watermark: Option<i64>,
    /// The last stable offset at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_stable: Option<i64>,
}

/// Words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The words.
    pub text: Name,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

mod build;
