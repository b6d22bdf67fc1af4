//! A producer's moves: identity, sequences, and what belongs to its transaction.

use crate::conversation::{Answer, Ask, Party};
use crate::member::kind;
use once_wire::batch::Batch;
use once_wire::error::ErrorCode;
use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::add_partitions_to_txn_request::AddPartitionsToTxnRequest;
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::produce_request::ProduceRequest;
use once_wire::message::txn_offset_commit_request::TxnOffsetCommitRequest;
use std::collections::{BTreeMap, BTreeSet};

type Partition = (String, i32);

/// Batches in flight at most (`max.in.flight.requests.per.connection`).
const IN_FLIGHT: usize = 5;

#[derive(Default)]
pub(crate) struct Producer {
    identity: Option<(i64, i16)>,
    fenced: bool,
    /// Partitions of the transaction, and those that are being made so.
    added: BTreeSet<Partition>,
    adding: BTreeSet<Partition>,
    /// The transaction has a group's offsets, and has data.
    group: bool,
    wrote: bool,
    sequences: BTreeMap<Partition, Sequences>,
    flying: usize,
}

#[derive(Default)]
struct Sequences {
    next: i32,
    /// First sequences of batches that have to be sent again, and how many records they have.
    again: BTreeMap<i32, i32>,
}

/// A batch of a request.
struct Sent {
    partition: Partition,
    batch: Batch,
}

impl Party for Producer {
    fn asks(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let moves = None
            .or_else(|| self.init(ask))
            .or_else(|| self.addition(ask))
            .or_else(|| self.offsets(ask))
            .or_else(|| self.commit(ask))
            .or_else(|| self.end(ask))
            .or_else(|| self.data(ask))?;
        let beside: Vec<&str> = ask
            .beside
            .iter()
            .copied()
            .filter(|api| is_own(api))
            .collect();
        let tell = |text: String| {
            let beside = match beside.is_empty() {
                true => String::new(),
                false => format!(", beside {}", beside.join(" and ")),
            };
            let fenced = if self.fenced {
                ", after it was fenced"
            } else {
                ""
            };
            format!("{text}{beside}{fenced}")
        };
        Some(moves.into_iter().map(tell).collect())
    }

    fn hears(&mut self, ask: &Ask<'_>, answer: Option<&Answer>) {
        if ask.of::<ProduceRequest>().is_some() {
            self.heard_of_data(ask, answer);
            return;
        }
        let Some(answer) = answer else {
            return;
        };
        if ask.of::<InitProducerIdRequest>().is_some() {
            let said = answer.to::<InitProducerIdRequest>();
            if said.error_code == 0 {
                *self = Self::default();
                self.identity = Some((said.producer_id, said.producer_epoch));
            }
        }
        if let Some(request) = ask.of::<AddPartitionsToTxnRequest>() {
            let asked = partitions(&request);
            self.adding.retain(|partition| !asked.contains(partition));
            let said = answer.to::<AddPartitionsToTxnRequest>();
            for topic in &said.results_by_topic_v3_and_below {
                for part in &topic.results_by_partition {
                    let partition = (topic.name.clone(), part.partition_index);
                    self.code(part.partition_error_code);
                    if part.partition_error_code == 0 {
                        self.added.insert(partition);
                    }
                }
            }
        }
        if ask.of::<AddOffsetsToTxnRequest>().is_some() {
            let code = answer.to::<AddOffsetsToTxnRequest>().error_code;
            self.group |= code == 0;
            self.code(code);
        }
        if ask.of::<EndTxnRequest>().is_some() {
            let code = answer.to::<EndTxnRequest>().error_code;
            self.code(code);
            if code == 0 {
                self.added.clear();
                self.adding.clear();
                self.group = false;
                self.wrote = false;
            }
        }
    }
}

impl Producer {
    fn identity(&self, id: i64, epoch: i16) -> &'static str {
        match self.identity {
            Some(own) if own == (id, epoch) => "its identity",
            Some(_) => "another identity",
            None => "an identity from nowhere",
        }
    }

    fn code(&mut self, code: i16) {
        let code = ErrorCode::from_code(code).unwrap_or_default();
        self.fenced |= matches!(
            code,
            ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch
        );
    }

    fn init(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<InitProducerIdRequest>()?;
        let kind = match request.transactional_id {
            Some(_) => "transactional",
            None => "idempotent",
        };
        let current = (request.producer_id, request.producer_epoch);
        if current == (-1, -1) {
            // An application that begins.
            *self = Self::default();
            return Some(vec![format!("{kind}, anew")]);
        }
        let identity = self.identity(current.0, current.1);
        Some(vec![format!("{kind}, to go on from {identity}")])
    }

    fn addition(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<AddPartitionsToTxnRequest>()?;
        let asked = partitions(&request);
        let identity = self.identity(
            request.v3_and_below_producer_id,
            request.v3_and_below_producer_epoch,
        );
        let known = asked
            .iter()
            .filter(|partition| self.added.contains(*partition));
        let new = match known.count() {
            0 => "of new partitions",
            _ => "of partitions that are in",
        };
        self.adding.extend(asked);
        Some(vec![format!("{identity}, {new}")])
    }

    fn offsets(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<AddOffsetsToTxnRequest>()?;
        let identity = self.identity(request.producer_id, request.producer_epoch);
        let first = match (self.group, self.added.is_empty()) {
            (true, _) => "of a group that is in",
            (false, true) => "before partitions",
            (false, false) => "after partitions",
        };
        Some(vec![format!("{identity}, {first}")])
    }

    fn commit(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<TxnOffsetCommitRequest>()?;
        let identity = self.identity(request.producer_id, request.producer_epoch);
        let group = if self.group {
            "group is in"
        } else {
            "group is not in"
        };
        let member = match (request.member_id.is_empty(), request.generation_id) {
            (true, -1) => "of no member",
            (false, 0..) => "of a member and its generation",
            _ => "of half a member",
        };
        let data = if self.wrote {
            "after data"
        } else {
            "before data"
        };
        let kind = kind(request.group_instance_id.as_deref());
        Some(vec![format!(
            "{identity}, {group}, {member}, {kind}, {data}"
        )])
    }

    fn end(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<EndTxnRequest>()?;
        let identity = self.identity(request.producer_id, request.producer_epoch);
        let end = if request.committed { "commit" } else { "abort" };
        let what = match (self.added.is_empty(), self.group) {
            (true, true) => "of offsets",
            (true, false) => "of nothing",
            (false, true) => "of data and offsets",
            (false, false) => "of data",
        };
        Some(vec![format!("{end}, {identity}, {what}")])
    }

    fn data(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        let request = ask.of::<ProduceRequest>()?;
        let transactional = request.transactional_id.is_some();
        self.flying += 1;
        self.wrote = true;
        let many = if self.flying > IN_FLIGHT {
            ", one too many"
        } else {
            ""
        };
        let mut moves = Vec::new();
        for sent in batches(ask, &request) {
            let Sent { partition, batch } = sent;
            if batch.producer_id() == -1 {
                moves.push(format!("by no producer, acks {}", request.acks));
                continue;
            }
            let kind = match (transactional, batch.is_transactional()) {
                (true, true) => "transactional",
                (false, false) => "idempotent",
                _ => "half transactional",
            };
            let identity = self.identity(batch.producer_id(), batch.producer_epoch());
            let place = match (transactional, self.added.contains(&partition)) {
                (false, _) => "",
                (true, true) => ", partition is in",
                (true, false) if self.adding.contains(&partition) => ", partition is being added",
                (true, false) => ", partition is not in",
            };
            let sequences = self.sequences.entry(partition).or_default();
            let sequence = sequences.sent(batch.base_sequence(), batch.records_count());
            let acks = request.acks;
            moves.push(format!(
                "{kind}, {identity}, {sequence}, acks {acks}{place}{many}"
            ));
        }
        Some(moves)
    }

    fn heard_of_data(&mut self, ask: &Ask<'_>, answer: Option<&Answer>) {
        self.flying = self.flying.saturating_sub(1);
        let Some(request) = ask.of::<ProduceRequest>() else {
            return;
        };
        let mut codes = BTreeMap::new();
        if let Some(answer) = answer {
            for topic in answer.to::<ProduceRequest>().responses {
                let name = ask.topic(&topic.name, topic.topic_id);
                for part in topic.partition_responses {
                    self.code(part.error_code);
                    codes.insert((name.clone(), part.index), part.error_code);
                }
            }
        }
        for Sent { partition, batch } in batches(ask, &request) {
            if codes.get(&partition) != Some(&0)
                && let Some(sequences) = self.sequences.get_mut(&partition)
            {
                sequences
                    .again
                    .insert(batch.base_sequence(), batch.records_count());
            }
        }
    }
}

impl Sequences {
    fn sent(&mut self, base: i32, count: i32) -> &'static str {
        match self.again.remove(&base) {
            Some(before) if before == count => return "a sequence again",
            Some(_) => return "a sequence again of another batch",
            None => {}
        }
        if base != self.next {
            return "a sequence out of order";
        }
        self.next += count;
        if base == 0 {
            "the first sequence"
        } else {
            "the next sequence"
        }
    }
}

fn is_own(api: &str) -> bool {
    matches!(
        api,
        "Produce"
            | "AddPartitionsToTxn"
            | "AddOffsetsToTxn"
            | "TxnOffsetCommit"
            | "EndTxn"
            | "InitProducerId"
    )
}

fn partitions(request: &AddPartitionsToTxnRequest) -> Vec<Partition> {
    let topics = request.v3_and_below_topics.iter();
    let of =
        |topic: &once_wire::message::add_partitions_to_txn_request::AddPartitionsToTxnTopic| {
            let name = topic.name.clone();
            let own = topic.partitions.clone().into_iter();
            own.map(move |index| (name.clone(), index))
                .collect::<Vec<_>>()
        };
    topics.flat_map(of).collect()
}

fn batches(ask: &Ask<'_>, request: &ProduceRequest) -> Vec<Sent> {
    let mut sent = Vec::new();
    for topic in &request.topic_data {
        let name = ask.topic(&topic.name, topic.topic_id);
        for part in &topic.partition_data {
            let mut records = part.records.clone().unwrap_or_default();
            while !records.is_empty() {
                let batch = Batch::split_first(&mut records).expect("a batch");
                let partition = (name.clone(), part.index);
                sent.push(Sent { partition, batch });
            }
        }
    }
    sent
}
