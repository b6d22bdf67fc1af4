//! What waits in the queue.

use crate::client::Delivery;
use crate::hand::Flushed;
use crate::net::LinkId;
use bytes::Bytes;
use once_broker::engine::{LogId, Look, ReadId};

/// What can happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client is polled, with what it is told.
    Client(usize, Option<Delivery>),
    /// A client's wish for a connection reaches the broker.
    Dial(LinkId),
    /// A request reaches the broker.
    Request(LinkId, Bytes),
    /// The broker notices that a connection is closed.
    Hangup(LinkId),
    /// A writer takes its group.
    Write(u64, usize),
    /// A writer brings what the journal has to the files.
    File(u64, usize),
    /// A writer flushes what it wrote.
    Flush(u64, usize),
    /// Something is done beside the hands: the files are flushed, or a log is compacted.
    Job(u64, u64),
    /// The engine hears of the flush, and of logs that start later now.
    Report(u64, usize, Flushed),
    /// A look into files.
    Look(u64, ReadId, LogId, Look),
    /// The engine's deadline.
    Tick(u64),
    /// The broker is started.
    Start,
    /// The disk is looked at, how much room it has.
    Measure(u64),
    /// There is room on the disk again.
    Room,
    /// The clients had their time.
    Heal,
    /// What was under way had its time.
    Drain,
    /// The last readers had theirs.
    Over,
}
