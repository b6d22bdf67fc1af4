//! What a handler may see and do: a narrow view of the engine during one visit of one request.
//!
//! Every look at a machine or the catalog leaves a fence, so the answer cannot outrun what it
//! was made from.

use super::core::Engine;
use super::fence::Fence;
use super::identity::NodeAddress;
use super::ids::{LogId, ReadId};
use super::logs::Partition;
use super::output::Look;
use super::replay::METADATA_TOPIC;
use super::space::Urgency;
use super::waiting::RequestInfo;
use crate::config::Config;
use crate::mutant::Mutant;
use once_coordinator::catalog::{self, Catalog};
use once_coordinator::group::{self, Groups};
use once_coordinator::ids::TopicPartition;
use once_coordinator::machine::{Millis, Waiter};
use once_coordinator::transaction::{self, Transactions};
use once_log::{AppendError, Appended, DeleteError, FileRange, PartitionLog};
use once_wire::batch::Batch;
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;

/// One visit of one request to the engine.
pub(crate) struct Context<'e> {
    pub(super) engine: &'e mut Engine,
    /// The request's version.
    pub(crate) version: i16,
    /// The request's correlation id.
    pub(crate) correlation_id: i32,
    pub(super) request: RequestInfo,
    pub(super) waiter: Waiter,
    pub(super) fences: Vec<Fence>,
    pub(super) watches: Vec<LogId>,
    pub(super) reads: Vec<ReadId>,
    pub(super) deadline: Option<Millis>,
    ids_made: u64,
}

impl<'e> Context<'e> {
    pub(super) fn new(engine: &'e mut Engine, request: RequestInfo, waiter: Waiter) -> Self {
        Self {
            engine,
            version: request.version,
            correlation_id: request.correlation_id,
            request,
            waiter,
            fences: Vec::new(),
            watches: Vec::new(),
            reads: Vec::new(),
            deadline: None,
            ids_made: 0,
        }
    }

    /// Now, in milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> Millis {
        self.engine.now
    }

    /// The broker's settings.
    pub(crate) fn config(&self) -> &Config {
        &self.engine.config
    }

    /// The node that the client is connected to.
    pub(crate) fn node(&self) -> NodeAddress {
        self.engine.identity.node.clone()
    }

    /// The cluster's id.
    pub(crate) fn cluster_id(&self) -> String {
        self.engine.identity.cluster_id.clone()
    }

    /// How many bytes the answer may take within the broker's memory budget.
    pub(crate) fn room(&self) -> usize {
        self.engine.room.saturating_sub(self.engine.asked.bytes())
    }

    /// Creates a topic that a client named, with the broker's defaults.
    ///
    /// # Errors
    /// As CreateTopics.
    pub(crate) fn auto_create_topic(&mut self, name: &str) -> Result<(), ErrorCode> {
        let id = self.fresh_uuid();
        let created = self.engine.auto_create_topic(name, id);
        self.fence(self.engine.catalog.log);
        created
    }

    /// The client's id as its request names it; empty if it names none.
    pub(crate) fn client_id(&self) -> &str {
        self.request.client_id.as_deref().unwrap_or_default()
    }

    /// The client's host as Kafka prints it in group descriptions: a slash and the address.
    pub(crate) fn client_host(&self) -> String {
        self.engine
            .sessions
            .get(self.request.connection)
            .map_or_else(String::new, |session| format!("/{}", session.peer.ip()))
    }

    /// A fresh random identity; each call of one visit gives another.
    pub(crate) fn fresh_uuid(&mut self) -> Uuid {
        self.ids_made += 1;
        fresh_uuid(self.request.entropy, self.ids_made)
    }

    /// Something the operator should know.
    pub(crate) fn warn(&mut self, text: String) {
        self.engine.warn(text);
    }

    /// The topics, their settings and the cluster's identity.
    pub(crate) fn catalog(&mut self) -> &Catalog {
        self.fence(self.engine.catalog.log);
        &self.engine.catalog.machine
    }

    /// Has the catalog decide; it always answers at once.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR: the disk has no room for what it would write.
    pub(crate) fn decide_catalog(
        &mut self,
        command: &catalog::Command,
    ) -> Result<catalog::Reply, ErrorCode> {
        let (now, waiter) = (self.engine.now, self.waiter);
        if !self.engine.has_room(Urgency::of_catalog(command), 0)
            && self.engine.catalog.would_record(now, waiter, command)
        {
            return Err(ErrorCode::KafkaStorageError);
        }
        let log = self.engine.catalog.log;
        let before = self.engine.end_of(log).end;
        let reply = self.engine.run_catalog(self.waiter, command);
        self.fence_since(log, before);
        Ok(reply.expect("the catalog parks nobody"))
    }

    /// A producer id that nobody had before.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS: the next block of them is not durable yet; ask again.
    pub(crate) fn fresh_producer_id(&mut self) -> Result<i64, ErrorCode> {
        self.engine
            .take_producer_id()
            .ok_or(ErrorCode::CoordinatorLoadInProgress)
    }

    /// The transactions of the shard that `transactional_id` belongs to.
    pub(crate) fn transactions(&mut self, transactional_id: &str) -> &Transactions {
        let shard = self.engine.transaction_shard(transactional_id);
        self.fence(self.engine.catalog.log);
        self.fence(self.engine.transactions[shard].log);
        &self.engine.transactions[shard].machine
    }

    /// Whether data of a transaction has to wait until a partition is durably a part of it. If so,
    /// this call is woken when that may have come.
    pub(crate) fn is_early(&mut self, transactional_id: &str, place: &TopicPartition) -> bool {
        let early = self.engine.is_early(transactional_id, place);
        if early {
            let shard = self.engine.transaction_shard(transactional_id);
            self.watch(self.engine.transactions[shard].log);
        }
        early
    }

    /// Has the owner of `transactional_id` decide. `None`: parked, [`crate::api::Api::resume`]
    /// gets the answer.
    ///
    /// # Errors
    /// NOT_COORDINATOR: the disk has no room for what it would write. That is what Kafka's
    /// `TransactionStateManager` makes of a storage error: clients look for the coordinator and
    /// come again.
    pub(crate) fn decide_transaction(
        &mut self,
        transactional_id: &str,
        command: &transaction::Command,
    ) -> Result<Option<transaction::Reply>, ErrorCode> {
        let shard = self.engine.transaction_shard(transactional_id);
        let (now, waiter) = (self.engine.now, self.waiter);
        if !self.engine.has_room(Urgency::of_transaction(command), 0)
            && self.engine.transactions[shard].would_record(now, waiter, command)
        {
            return Err(ErrorCode::NotCoordinator);
        }
        let log = self.engine.transactions[shard].log;
        let before = self.engine.end_of(log).end;
        let reply = self.engine.run_transactions(shard, self.waiter, command);
        self.fence(self.engine.catalog.log);
        self.fence_since(log, before);
        Ok(reply)
    }

    /// The groups of the shard that `group_id` belongs to.
    pub(crate) fn groups(&mut self, group_id: &str) -> &Groups {
        let shard = self.engine.group_shard(group_id);
        self.fence(self.engine.catalog.log);
        self.fence(self.engine.groups[shard].log);
        &self.engine.groups[shard].machine
    }

    /// All group shards, to list what is in them.
    pub(crate) fn all_groups(&mut self) -> impl Iterator<Item = &Groups> {
        for shard in 0..self.engine.groups.len() {
            self.fence(self.engine.groups[shard].log);
        }
        self.engine.groups.iter().map(|shard| &shard.machine)
    }

    /// Has the owner of `group_id` decide. `None`: parked, as with transactions.
    ///
    /// # Errors
    /// NOT_COORDINATOR: as with transactions; Kafka's group coordinator answers the same.
    /// UNKNOWN_SERVER_ERROR: its record would be larger than `max.message.bytes` of the groups' topic
    /// lets it be. That is what Kafka's `GroupCoordinatorService` makes of a record that is too large.
    pub(crate) fn decide_group(
        &mut self,
        group_id: &str,
        command: &group::Command,
    ) -> Result<Option<group::Reply>, ErrorCode> {
        let shard = self.engine.group_shard(group_id);
        self.engine.admit_group(shard, self.waiter, command)?;
        let log = self.engine.groups[shard].log;
        let before = self.engine.end_of(log).end;
        let reply = self.engine.run_groups(shard, self.waiter, command);
        self.fence(self.engine.catalog.log);
        self.fence_since(log, before);
        Ok(reply)
    }

    /// Makes sure that `__transaction_state` exists.
    pub(crate) fn ensure_transaction_topic(&mut self) {
        self.engine.ensure_transaction_topic();
        self.fence(self.engine.catalog.log);
    }

    /// Makes sure that `__consumer_offsets` exists.
    pub(crate) fn ensure_offsets_topic(&mut self) {
        self.engine.ensure_offsets_topic();
        self.fence(self.engine.catalog.log);
    }

    /// The partition of `__consumer_offsets` that a group's offsets live in.
    pub(crate) fn offsets_partition(&mut self, group_id: &str) -> i32 {
        i32::try_from(self.engine.group_shard(group_id)).expect("partitions are counted in i32")
    }

    /// The log of a partition, if it exists. The catalog's own log is nobody's topic: a record that
    /// a client could write there would be a decision of the catalog.
    pub(crate) fn find_log(&mut self, topic: &str, partition: i32) -> Option<LogId> {
        self.fence(self.engine.catalog.log);
        if topic == METADATA_TOPIC {
            return None;
        }
        self.engine.logs.find(topic, partition)
    }

    /// A partition that [`Context::find_log`] found in this visit or an earlier one.
    pub(crate) fn partition(&self, log: LogId) -> Option<&Partition> {
        self.engine.logs.get(log)
    }

    /// Whether a log is there and has the segment that a range is of. A file read that was asked for
    /// before the segment left or was compacted may find nothing.
    pub(crate) fn has_segment(&self, log: LogId, range: &FileRange) -> bool {
        let partition = self.engine.logs.get(log);
        partition.is_some_and(|partition| partition.log.has_segment(range))
    }

    /// Whether the disk has room for a client's batch. One that the log has already needs none.
    ///
    /// # Errors
    /// See [`Engine::room_for`].
    pub(crate) fn room_for(&mut self, log: LogId, batch: &Batch) -> Result<(), ErrorCode> {
        let there = self.engine.logs.get(log);
        if there.is_some_and(|partition| partition.log.holds(batch)) {
            return Ok(());
        }
        self.engine.room_for(log, batch)
    }

    /// Appends to a log found in this visit; the answer waits until it is flushed.
    ///
    /// # Errors
    /// What the log refused.
    pub(crate) fn append(
        &mut self,
        log: LogId,
        append: impl FnOnce(&mut PartitionLog) -> Result<Appended, AppendError>,
    ) -> Result<Appended, AppendError> {
        let outputs = &mut self.engine.outputs;
        let appended = self.engine.logs.append(outputs, log, append);
        if appended.is_err() {
            self.fence(log);
        }
        let appended = appended?;
        if appended.duplicate && self.engine.config.breaks(Mutant::AnswerRetryBeforeFlush) {
            return Ok(appended);
        }
        self.fences.push(Fence {
            log,
            end: appended.last_offset + 1,
        });
        Ok(appended)
    }

    /// Deletes records of a log found in this visit; says where the log starts once they are gone,
    /// which moves it.
    ///
    /// # Errors
    /// What the log refused.
    pub(crate) fn delete_records(&mut self, log: LogId, offset: i64) -> Result<i64, DeleteError> {
        self.engine.delete_records(log, offset)
    }

    /// Whether so many logs more may be watched. An incremental fetch names none and watches thousands;
    /// what its wait holds is bounded by this.
    pub(crate) fn may_watch(&self, logs: usize) -> bool {
        self.engine.waiting.may_watch(logs)
    }

    /// Wakes this call when `log`'s start, high watermark or last stable offset moves.
    pub(crate) fn watch(&mut self, log: LogId) {
        self.watches.push(log);
    }

    /// Wakes this call at `deadline`.
    pub(crate) fn wait_until(&mut self, deadline: Millis) {
        self.deadline = Some(deadline);
    }

    /// Looks into a log's files; the call, if it is parked until then, is woken with the result.
    pub(crate) fn read_file(&mut self, log: LogId, look: Look) -> ReadId {
        let read = self.engine.ask_read(log, look);
        self.reads.push(read);
        read
    }

    /// The incremental fetch sessions.
    pub(crate) fn fetch_sessions(&mut self) -> &mut super::FetchSessions {
        &mut self.engine.fetch_sessions
    }

    /// As [`Context::fence`], of a log that ended at `before` when this visit's decision was asked
    /// for: what it appended is its own.
    fn fence_since(&mut self, log: LogId, before: i64) {
        if self.engine.end_of(log).end == before {
            self.fence(log);
        } else {
            self.fence_all(log);
        }
    }

    /// The answer rests on all that `log` holds now.
    fn fence(&mut self, log: LogId) {
        if !self.engine.config.breaks(Mutant::ForgetReads) {
            self.fence_all(log);
        }
    }

    /// One look after another at the same log makes one fence: a request may look thousands of times.
    fn fence_all(&mut self, log: LogId) {
        if let Some(partition) = self.engine.logs.get(log) {
            let end = partition.log.end_offset();
            let fence = Fence { log, end };
            if self.fences.last() != Some(&fence) {
                self.fences.push(fence);
            }
        }
    }
}

/// The `nth` identity made from a request's entropy. It spreads the bits rather than hides them:
/// identities must be distinct, not secret.
pub(crate) fn fresh_uuid(entropy: u128, nth: u64) -> Uuid {
    let mixed = (entropy ^ (u128::from(nth) << 64))
        .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        ^ u128::from(nth);
    let mut bytes = mixed.to_be_bytes();
    // A version-4 identity, as Kafka makes them.
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    // Kafka refuses to make identities whose text begins with a dash.
    if bytes[0] >> 2 == 62 {
        bytes[0] ^= 0x80;
    }
    Uuid(bytes)
}
