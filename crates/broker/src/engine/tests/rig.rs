//! An engine, clients that speak the protocol to it, and a disk that flushes when it is told.

use super::files::Files;
use crate::api::TABLE;
use crate::config::Config;
use crate::engine::{
    ConnectionId, Engine, Identity, Input, LogId, NodeAddress, NotCompacted, Output, Replayed,
    RequestInput,
};
use bytes::{Buf, Bytes, BytesMut};
use once_coordinator::catalog::Catalog;
use once_log::{Compacted, CompactionPlan};
use once_wire::codec::{Message, Reader, Request, Writer};
use once_wire::ids::Uuid;
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::request::RequestHeader;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The log directory of the broker under test.
pub(super) const DIRECTORY: Uuid = Uuid([8; 16]);

/// What a request that was sent will be answered by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) connection: ConnectionId,
    correlation_id: i32,
}

pub(super) struct Rig {
    engine: Engine,
    pub(super) now: i64,
    /// Writes that no flush covers yet.
    unflushed: VecDeque<(LogId, i64)>,
    /// Whether writes are flushed as soon as they are asked for.
    pub(super) flush_at_once: bool,
    /// Logs that are to start later, when that is made durable.
    starting: Vec<(LogId, i64)>,
    /// Whether reads of files wait for [`Rig::read`].
    pub(super) reads_wait: bool,
    waiting_reads: Vec<Output>,
    /// Compactions that were asked for.
    compacting: VecDeque<(LogId, Box<CompactionPlan>)>,
    pub(super) warnings: Vec<String>,
    replies: BTreeMap<ConnectionId, VecDeque<Bytes>>,
    pub(super) closed: Vec<(ConnectionId, String)>,
    connections: u64,
    requests: i32,
    /// How often the engine asked for the disk's room.
    pub(super) looks: u32,
    /// If there are none, the end of each log in memory is all that is read.
    files: Option<Files>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// An engine whose logs have files.
    pub(super) fn with_files() -> Self {
        Self::over(|_| {}, Some(Files::new()))
    }

    /// As [`Rig::with_files`], with other settings.
    pub(super) fn with_files_and(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(change, Some(Files::new()))
    }

    /// The names of a partition's files.
    pub(super) fn files(&self, topic: &str) -> Vec<String> {
        let files = self.files.as_ref().expect("a rig with files");
        files.names(topic)
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(change, None)
    }

    /// Power fails, and comes back: an engine from what was flushed.
    pub(super) fn crash(self) -> Self {
        self.crash_with(|_| {})
    }

    /// As [`Rig::crash`], with other settings.
    pub(super) fn crash_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let files = self.files.expect("a rig with files");
        let requests = self.requests;
        Self {
            requests,
            ..Self::over(change, Some(files.crashed()))
        }
    }

    fn over(change: impl FnOnce(&mut Config), mut files: Option<Files>) -> Self {
        let mut config = Config {
            group_initial_rebalance_delay_ms: 0,
            journal: None,
            ..Config::default()
        };
        change(&mut config);
        let node = NodeAddress {
            id: 1,
            host: "localhost".into(),
            port: 9092,
        };
        let identity = Identity {
            cluster_id: "test".into(),
            node,
            directory: DIRECTORY,
        };
        let now = 1_700_000_000_000;
        let (found, stores) = files
            .as_ref()
            .map_or_else(Default::default, |files| files.recover(now));
        let Replayed {
            engine,
            outputs,
            adopted,
        } = Engine::recover(Arc::new(config), identity, now, 42, found)
            .expect("an empty disk is sound");
        for (log, store) in adopted.into_iter().zip(stores) {
            if let (Some(log), Some(files)) = (log, &mut files) {
                files.adopt(log, store);
            }
        }
        let mut rig = Self {
            engine,
            now,
            unflushed: VecDeque::new(),
            flush_at_once: true,
            starting: Vec::new(),
            reads_wait: false,
            waiting_reads: Vec::new(),
            compacting: VecDeque::new(),
            warnings: Vec::new(),
            replies: BTreeMap::new(),
            closed: Vec::new(),
            connections: 0,
            requests: 0,
            looks: 0,
            files,
        };
        rig.carry_out(outputs);
        rig
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.engine.catalog.machine
    }

    pub(super) fn connect(&mut self) -> ConnectionId {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        self.step(Input::Connected(id, ([127, 0, 0, 1], 4000).into()));
        id
    }

    /// Creates a topic.
    pub(super) fn make_topic(&mut self, client: ConnectionId, name: &str, partitions: i32) {
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: 1,
            ..Default::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        assert_eq!(self.call(client, 7, &request).topics[0].error_code, 0);
    }

    /// Sends a request.
    pub(super) fn send<R: Request>(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &R,
    ) -> Sent {
        self.requests += 1;
        let mut body = Writer::new();
        request
            .encode(&mut body, version)
            .expect("the test's request is of its version");
        let row = TABLE
            .iter()
            .find(|row| row.key == R::KEY)
            .expect("a served API");
        let mut reader = Reader::new(body.finish_contiguous());
        let mut call = (row.parse)(&mut reader, version).expect("our own encoding");
        if call.is_heavy(self.engine.recompresses()) {
            call.check(&|topic| self.engine.batch_rules(topic));
        }
        assert_eq!(reader.remaining(), 0, "the codec reads what it wrote");
        let header = RequestHeader {
            key: R::KEY.key(),
            version,
            correlation_id: self.requests,
            client_id: Some("test".into()),
        };
        let entropy = u128::from(self.requests.unsigned_abs()).wrapping_mul(u128::MAX / 3);

        self.step(Input::Request(RequestInput {
            connection,
            header,
            call,
            decoded: reader.spent(),
            entropy,
        }));
        Sent {
            connection,
            correlation_id: self.requests,
        }
    }

    /// The answer to a request, if it has left.
    pub(super) fn answer<R: Request>(&mut self, sent: Sent, version: i16) -> Option<R::Response> {
        let mut frame = self.replies.get_mut(&sent.connection)?.pop_front()?;
        let length = usize::try_from(frame.get_i32()).expect("a length");
        assert_eq!(length, frame.len(), "the prefix counts the frame");
        assert_eq!(
            frame.get_i32(),
            sent.correlation_id,
            "answers come in order"
        );
        if R::response_header_version(version) > 0 {
            assert_eq!(frame.get_u8(), 0, "no tagged fields");
        }
        let mut reader = Reader::new(frame);
        let response = R::Response::decode(&mut reader, version).expect("a sound answer");
        assert_eq!(reader.remaining(), 0);
        Some(response)
    }

    /// Sends a request and takes its answer, which must leave at once.
    pub(super) fn call<R: Request>(
        &mut self,
        connection: ConnectionId,
        version: i16,
        request: &R,
    ) -> R::Response {
        let sent = self.send(connection, version, request);
        self.answer::<R>(sent, version).expect("an answer at once")
    }

    /// Lets time pass.
    pub(super) fn sleep(&mut self, ms: i64) {
        let until = self.now + ms;
        while let Some(deadline) = self.engine.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(deadline);
            self.step(Input::Tick);
        }
        self.now = until;
        self.step(Input::Tick);
    }

    pub(super) fn is_short_of_room(&self) -> bool {
        self.engine.is_short_of_room()
    }

    /// The disk is looked at.
    pub(super) fn room(&mut self, free: u64, total: u64) {
        self.step(Input::Space { free, total });
    }

    /// How many writes no flush covers yet.
    pub(super) fn unflushed(&self) -> usize {
        self.unflushed.len()
    }

    /// Flushes the oldest write. False if there is none.
    pub(super) fn flush_one(&mut self) -> bool {
        let Some(write) = self.unflushed.pop_front() else {
            return false;
        };
        if let Some(files) = &mut self.files {
            files.sync(write.0);
        }
        self.step(Input::Flushed(vec![write]));
        true
    }

    /// Flushes everything but one log, which is slow.
    pub(super) fn flush_all_but(&mut self, slow: LogId) {
        while let Some(at) = self.unflushed.iter().position(|(log, _)| *log != slow) {
            self.unflushed.make_contiguous()[..=at].rotate_right(1);
            self.flush_one();
        }
    }

    /// The log of a topic's first partition.
    pub(super) fn log_of(&self, topic: &str) -> LogId {
        self.engine.logs.find(topic, 0).expect("is there")
    }

    /// Forgets the answers that have left.
    pub(super) fn forget_answers(&mut self) {
        self.replies.clear();
    }

    /// Flushes everything, and what follows from it.
    pub(super) fn flush(&mut self) {
        while self.flush_one() || self.start_logs() {}
    }

    /// Makes durable where logs start. False if none asked for it.
    pub(super) fn start_logs(&mut self) -> bool {
        if self.starting.is_empty() {
            return false;
        }
        let starting = std::mem::take(&mut self.starting);
        self.step(Input::Started(starting));
        true
    }

    /// Reads what waits to be read.
    pub(super) fn read(&mut self) {
        let waiting = std::mem::take(&mut self.waiting_reads);
        self.reads_wait = false;
        self.carry_out(waiting);
    }

    /// Damages the files of a topic's first partition.
    pub(super) fn damage(&self, topic: &str) {
        let files = self.files.as_ref().expect("a rig with files");
        files.damage(topic);
    }

    /// The topics whose logs are to be compacted, by what was asked for first.
    pub(super) fn compacting(&self) -> Vec<&str> {
        let logs = self
            .compacting
            .iter()
            .map(|(log, _)| self.engine.logs.get(*log));
        logs.map(|found| found.map_or("", |partition| &partition.topic))
            .collect()
    }

    /// Compacts the files of the log that was asked for first; the engine is not told of it.
    pub(super) fn swap(&mut self) -> (LogId, Result<Compacted, NotCompacted>) {
        let (log, plan) = self.compacting.pop_front().expect("one was asked for");
        let files = self.files.as_mut().expect("a rig with files");
        (log, files.compact(log, *plan))
    }

    /// Tells the engine how a compaction ended.
    pub(super) fn tell_compacted(
        &mut self,
        (log, outcome): (LogId, Result<Compacted, NotCompacted>),
    ) {
        self.step(Input::Compacted(log, outcome));
    }

    fn step(&mut self, input: Input) {
        let outputs = self.engine.step(self.now, input);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            if self.reads_wait && matches!(output, Output::Read { .. }) {
                self.waiting_reads.push(output);
                continue;
            }
            let seen = self
                .files
                .as_mut()
                .and_then(|files| files.carry_out(&output));
            match output {
                Output::Reply { connection, frames } if !frames.is_empty() => {
                    let mut frame = BytesMut::new();
                    for piece in frames {
                        frame.extend_from_slice(&piece);
                    }
                    self.replies
                        .entry(connection)
                        .or_default()
                        .push_back(frame.freeze());
                }
                Output::Close { connection, reason } => self.closed.push((connection, reason)),
                Output::Write { log, end, .. } => self.unflushed.push_back((log, end)),
                Output::Start { log, start } => self.starting.push((log, start)),
                Output::Read { read, .. } => {
                    let seen = seen.expect("everything is in the tail of so small a log");
                    self.step(Input::Read(read, seen));
                }
                Output::Measure => self.looks += 1,
                Output::Compact { log, plan } => self.compacting.push_back((log, plan)),
                Output::Warn(text) => self.warnings.push(text),
                Output::Reply { .. } | Output::Open { .. } | Output::Remove { .. } => {}
            }
        }
        if self.flush_at_once {
            self.flush();
        }
    }
}
