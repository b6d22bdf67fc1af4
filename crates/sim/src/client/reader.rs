//! Readers: one that polls all the time, and the one that reads everything at the end.

use super::records::decode;
use super::session::{Session, topics};
use super::setup::PATIENCE;
use super::trimmer::{EARLIEST, offset_seen};
use super::{Port, TOPICS};
use crate::net::LinkId;
use bytes::Bytes;
use once_check::history::{
    Assign, Drained, DrainedPartition, Isolation, Kind, Op, Partition, PartitionRead, Poll, Read,
    Seek, Value,
};
use once_wire::batch::Batch;
use once_wire::control::ControlType;
use once_wire::error::ErrorCode;
use once_wire::message::fetch_request::FetchRequest;
use once_wire::message::fetch_response::{
    AbortedTransaction, FetchResponse, FetchableTopicResponse, PartitionData,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A consumer's positions and how it reads.
pub(crate) struct Consumer {
    port: Port,
    pub(crate) isolation: Isolation,
    /// The transaction that what is read is read in.
    pub(crate) txn: Option<u64>,
    pub(crate) positions: BTreeMap<Partition, i64>,
    version: i16,
    /// The fetch session, if it has any.
    session: Option<Session>,
    /// Bits may have flipped on the disk.
    may_be_corrupt: bool,
    /// Partitions that were last answered with CORRUPT_MESSAGE.
    pub(crate) corrupt: BTreeSet<Partition>,
    /// The bounds that came last, by partition: high watermark, last stable offset, start.
    pub(crate) bounds: BTreeMap<Partition, (i64, i64, i64)>,
    /// Partitions whose log starts later than where this reader is.
    outrun: BTreeSet<Partition>,
    /// Where logs started when this reader was outrun: fetches before version 5 do not say it.
    starts: BTreeMap<Partition, i64>,
}

impl Consumer {
    /// Reads nothing yet.
    pub(crate) fn new(port: Port, isolation: Isolation) -> Self {
        let version = *port.random().pick(&[4, 6, 7, 10, 11, 12]);
        let in_session = port.random().coin() && version >= 7;
        Self {
            port,
            isolation,
            txn: None,
            positions: BTreeMap::new(),
            version,
            session: in_session.then(Session::default),
            may_be_corrupt: false,
            corrupt: BTreeSet::new(),
            bounds: BTreeMap::new(),
            outrun: BTreeSet::new(),
            starts: BTreeMap::new(),
        }
    }

    /// All partitions of all topics are its own, from their beginning.
    pub(crate) fn of_everything(port: Port, isolation: Isolation, partitions: i32) -> Self {
        let mut consumer = Self::new(port, isolation);
        consumer.positions = everything(partitions);
        let assigned = consumer.positions.keys().map(|p| (p.clone(), Some(0)));
        let assign = Assign {
            group: None,
            partitions: assigned.collect(),
        };
        consumer.port.note(Kind::Ok, Op::Assign(assign));
        consumer
    }

    /// One poll of all partitions, in the history. `None`: no answer came.
    pub(crate) async fn poll(&mut self, link: LinkId, wait_ms: i32) -> Option<Vec<PartitionRead>> {
        let mut poll = Poll {
            isolation: self.isolation,
            txn: self.txn,
            ..Default::default()
        };
        let invoked = self.port.invoke(Op::Poll(poll.clone()));
        let request = self.request(wait_ms);
        let answer = self.port.call(link, self.version, &request, PATIENCE).await;
        let Ok(response) = answer else {
            self.port.complete(invoked, Kind::Info, None);
            self.session.iter_mut().for_each(Session::lost);
            return None;
        };
        if let Some(session) = &mut self.session {
            let code = ErrorCode::from_code(response.error_code).unwrap_or_default();
            let wrong = session.wrong(&answered(&response));
            if let Some(wrong) = wrong.filter(|_| code == ErrorCode::None) {
                self.port.found(format!("an answer to a fetch: {wrong}"));
            }
            if !session.heard(response.error_code, response.session_id) {
                self.port.say(format!("fetch session: {code}"));
            }
        }
        for topic in &response.responses {
            for data in &topic.partitions {
                let partition = Partition::new(topic.topic.as_str(), data.partition_index);
                poll.reads.extend(self.take(&partition, data));
            }
        }
        let reads = poll.reads.clone();
        self.port.complete(invoked, Kind::Ok, Some(Op::Poll(poll)));
        self.reset(link).await;
        Some(reads)
    }

    /// Goes to the beginning of logs that start later than where this reader is
    /// (`auto.offset.reset=earliest`).
    async fn reset(&mut self, link: LinkId) {
        for partition in std::mem::take(&mut self.outrun) {
            let start = offset_seen(&self.port, link, &partition, EARLIEST, self.isolation).await;
            let (Some(start), Some(at)) = (start, self.positions.get_mut(&partition)) else {
                continue;
            };
            if start <= *at {
                self.port.found(format!(
                    "offset {at} of {partition} is out of range, and the log starts at {start}"
                ));
            }
            *at = start;
            self.starts.insert(partition.clone(), start);
            let seek = Seek {
                partition,
                offset: Some(start),
            };
            self.port.note(Kind::Ok, Op::Seek(seek));
        }
    }

    fn request(&mut self, wait_ms: i32) -> FetchRequest {
        let mut request = FetchRequest {
            max_wait_ms: wait_ms,
            min_bytes: 1,
            max_bytes: 16_000,
            isolation_level: i8::from(self.isolation == Isolation::ReadCommitted),
            ..Default::default()
        };
        match &mut self.session {
            Some(session) => session.ask(&self.positions, &mut request),
            None => request.topics = topics(self.positions.iter()),
        }
        request
    }

    fn take(&mut self, partition: &Partition, data: &PartitionData) -> Option<PartitionRead> {
        let code = ErrorCode::from_code(data.error_code).unwrap_or_default();
        if code != ErrorCode::None {
            let position = self.positions.get(partition);
            let text = format!("fetch of {partition} from {position:?}: {code}");
            match code {
                ErrorCode::UnknownTopicOrPartition => self.port.say(text),
                ErrorCode::CorruptMessage if self.may_be_corrupt => {
                    self.port.say(text);
                    self.corrupt.insert(partition.clone());
                }
                ErrorCode::OffsetOutOfRange => {
                    self.port.say(text);
                    self.outrun.insert(partition.clone());
                }
                _ => self.port.found(text),
            }
            return None;
        }
        let from = *self.positions.get(partition)?;
        let bounds = (
            data.high_watermark,
            data.last_stable_offset,
            data.log_start_offset
                .max(self.starts.get(partition).copied().unwrap_or(-1)),
        );
        self.bounds.insert(partition.clone(), bounds);
        let records = data.records.clone().unwrap_or_default();
        let aborted = data.aborted_transactions.as_deref().unwrap_or_default();
        let (records, position) = match unpack(records, from, aborted) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                self.port
                    .found(format!("fetch of {partition} from {from}: {error}"));
                return None;
            }
        };
        self.positions.insert(partition.clone(), position);
        Some(PartitionRead {
            partition: partition.clone(),
            records,
            from: Some(from),
            position: Some(position),
            high_watermark: Some(bounds.0),
            last_stable: Some(bounds.1),
            log_start: (self.version >= 5).then_some(bounds.2),
        })
    }
}

/// The partitions that an answer is about.
fn answered(response: &FetchResponse) -> BTreeSet<Partition> {
    let topics = response.responses.iter();
    let of = |topic: &FetchableTopicResponse| {
        let name = topic.topic.clone();
        let parts: Vec<i32> = topic.partitions.iter().map(|p| p.partition_index).collect();
        parts
            .into_iter()
            .map(move |index| Partition::new(name.as_str(), index))
    };
    topics.flat_map(of).collect()
}

/// The records that an application sees, and the position after them: aborted and control batches
/// are left out, as a Java consumer does it (`CompletedFetch.nextFetchedRecord`).
fn unpack(
    mut bytes: Bytes,
    from: i64,
    aborted: &[AbortedTransaction],
) -> Result<(Vec<Read>, i64), String> {
    let mut starts: Vec<_> = aborted
        .iter()
        .map(|a| (a.first_offset, a.producer_id))
        .collect();
    starts.sort_unstable();
    let mut starts = starts.into_iter().peekable();
    let mut open = BTreeSet::new();
    let (mut records, mut position) = (Vec::new(), from);
    while !bytes.is_empty() {
        let batch = Batch::split_first(&mut bytes).map_err(|error| error.to_string())?;
        while let Some((_, id)) = starts.next_if(|(first, _)| *first <= batch.last_offset()) {
            open.insert(id);
        }
        position = position.max(batch.last_offset() + 1);
        if batch.is_control() {
            let kind = batch.control().map(|control| control.kind);
            if kind == Some(ControlType::Abort) {
                open.remove(&batch.producer_id());
            }
            continue;
        }
        if batch.is_transactional() && open.contains(&batch.producer_id()) {
            continue;
        }
        for record in batch.records(1 << 20).map_err(|error| error.to_string())? {
            let record = record.map_err(|error| error.to_string())?;
            if record.offset < from {
                continue;
            }
            let (value, input) = decode(&record, TOPICS[0]).ok_or("a value of nobody's")?;
            records.push(Read {
                offset: record.offset,
                value: value.into(),
                input,
            });
        }
    }
    Ok((records, position))
}

/// All partitions of all topics, from their beginning.
fn everything(partitions: i32) -> BTreeMap<Partition, i64> {
    let of_topic = |topic: &&str| {
        let topic = (*topic).to_owned();
        (0..partitions).map(move |index| (Partition::new(topic.as_str(), index), 0))
    };
    TOPICS.iter().flat_map(of_topic).collect()
}

/// Polls so many times.
pub(crate) async fn read(port: Port, isolation: Isolation, operations: u32, partitions: i32) {
    let mut consumer = Consumer::of_everything(port.clone(), isolation, partitions);
    let mut link = port.connect().await;
    for _ in 0..operations {
        if port.is_ending() {
            break;
        }
        let wait = i32::try_from(port.random().below(50)).expect("small");
        if consumer.poll(link, wait).await.is_none() {
            port.close(link);
            link = port.connect().await;
        }
        let pause = port.random().below(20_000);
        port.sleep(pause).await;
    }
    port.close(link);
}

/// Reads all partitions to their end, when nobody writes any more. Goes on until everything is
/// stable, which the world bounds.
pub(crate) async fn drain(port: Port, isolation: Isolation, partitions: i32) {
    let mut consumer = Consumer::of_everything(port.clone(), isolation, partitions);
    // Bounds that do not change are not told again in a session.
    consumer.session = None;
    let link = port.connect().await;
    let mut pause = 100_000;
    loop {
        let Some(reads) = consumer.poll(link, 0).await else {
            port.found("a fetch got no answer when everything was healed".to_owned());
            return;
        };
        let at_end = |(partition, position): (&Partition, &i64)| {
            let bounds = consumer.bounds.get(partition);
            bounds.is_some_and(|(high, stable, _)| high == stable && position == high)
        };
        let nothing = reads.iter().all(|read| read.from == read.position);
        if nothing && consumer.positions.iter().all(at_end) {
            break;
        }
        if nothing {
            port.sleep(pause).await;
            pause = (2 * pause).min(10_000_000);
        }
    }
    let drained = consumer.positions.iter().map(|(partition, end)| {
        let (high, stable, start) = consumer.bounds[partition];
        let bounds = DrainedPartition {
            start: start.max(0),
            end: *end,
            high_watermark: Some(high),
            last_stable: Some(stable),
        };
        (partition.clone(), bounds)
    });
    let drained = Drained {
        isolation,
        partitions: drained.collect(),
    };
    port.note(Kind::Ok, Op::Drained(drained));
}

/// What was read where a bit has flipped.
#[derive(Default)]
pub(crate) struct Rotten {
    /// The records that were given out.
    pub(crate) values: BTreeMap<(Partition, i64), Value>,
    /// Partitions that could not be read to their end.
    pub(crate) corrupt: BTreeSet<Partition>,
}

/// Reads all partitions as far as they can be read.
pub(crate) async fn read_rotten(
    port: Port,
    partitions: i32,
    isolation: Isolation,
    seen: Rc<RefCell<Rotten>>,
) {
    let mut consumer = Consumer::new(port.clone(), isolation);
    consumer.session = None;
    consumer.may_be_corrupt = true;
    consumer.positions = everything(partitions);
    let link = port.connect().await;
    let mut idle = 0;
    while idle < 3 {
        let Some(reads) = consumer.poll(link, 0).await else {
            port.found("a fetch of rotten files got no answer".to_owned());
            return;
        };
        let moved = reads.iter().any(|read| read.from != read.position);
        idle = if moved { 0 } else { idle + 1 };
        let mut seen = seen.borrow_mut();
        for read in &reads {
            for record in &read.records {
                let place = (read.partition.clone(), record.offset);
                seen.values.insert(place, record.value.clone());
            }
        }
        seen.corrupt.clone_from(&consumer.corrupt);
    }
    port.close(link);
}
