//! Sending batches as the producers of Java and librdkafka do: up to five in flight on one
//! connection, answers in order, everything unanswered sent again, in order and under the same
//! sequences, when the connection is lost.

use super::records::{Payload, batch};
use super::{KEYED, Port};
use crate::net::LinkId;
use once_check::history::{Invoked, Kind, Name, Op, Partition, Producer, SendRecord};
use once_wire::error::ErrorCode;
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use std::collections::{BTreeMap, VecDeque};

/// Keys of the topic that is compacted: so few that most records are superseded.
const KEYS: u64 = 5;
/// Batches in flight at most (`max.in.flight.requests.per.connection`).
const IN_FLIGHT: usize = 5;

/// A batch and what the history knows of its records.
pub(crate) struct Outgoing {
    partition: Partition,
    sequence: i32,
    records: Vec<Payload>,
    sends: Vec<(Invoked, SendRecord)>,
}

/// A refusal that no retry heals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refused(pub(crate) ErrorCode);

/// One producer's identity, sequences, and batches under way.
pub(crate) struct Flight {
    port: Port,
    pub(crate) identity: (i64, i16),
    pub(crate) transactional_id: Option<Name>,
    version: i16,
    sequences: BTreeMap<Partition, i32>,
    waiting: VecDeque<Outgoing>,
    pub(crate) link: Option<LinkId>,
    /// Gives up a batch after so many losses in a row; 0: never.
    pub(crate) losses_max: u32,
}

impl Flight {
    /// A producer that has its identity.
    pub(crate) fn new(port: Port, identity: (i64, i16), transactional_id: Option<Name>) -> Self {
        let version = *port.random().pick(&[3, 7, 8, 9, 10, 11]);
        Self {
            port,
            identity,
            transactional_id,
            version,
            sequences: BTreeMap::new(),
            waiting: VecDeque::new(),
            link: None,
            losses_max: 0,
        }
    }

    /// Who sends, for the history.
    pub(crate) fn producer(&self) -> Producer {
        Producer {
            transactional_id: self.transactional_id.clone(),
            producer_id: Some(self.identity.0),
            epoch: Some(self.identity.1),
        }
    }

    /// Queues one batch.
    pub(crate) fn push(&mut self, partition: &Partition, records: Vec<Payload>, txn: Option<u64>) {
        let mut records = records;
        if *partition.topic == *KEYED {
            for record in &mut records {
                let mut random = self.port.random();
                record.key = u8::try_from(random.below(KEYS)).ok();
                record.tombstone = random.below(6) == 0;
            }
        }
        let next = self.sequences.entry(partition.clone()).or_insert(0);
        let sequence = *next;
        *next += i32::try_from(records.len()).expect("a few");
        let mut sends = Vec::with_capacity(records.len());
        for record in &records {
            let send = SendRecord {
                partition: partition.clone(),
                value: record.value.into(),
                offset: None,
                txn,
                producer: Some(self.producer()),
                input: record.input.clone(),
                key: record.key.map(|key| u64::from(key).into()),
                tombstone: record.tombstone,
            };
            sends.push((self.port.invoke(send.clone()), send));
        }
        self.waiting.push_back(Outgoing {
            partition: partition.clone(),
            sequence,
            records,
            sends,
        });
    }

    /// The connection, made anew if it is lost.
    pub(crate) async fn link(&mut self) -> LinkId {
        if let Some(link) = self.link.filter(|link| self.port.is_open(*link)) {
            return link;
        }
        let link = self.port.connect().await;
        self.link = Some(link);
        link
    }

    /// Drops the connection: closes it, or leaves it to itself with what is still under way on it.
    pub(crate) fn drop_link(&mut self) {
        let Some(link) = self.link.take() else {
            return;
        };
        let closes = self.port.random().coin();
        match closes {
            true => self.port.close(link),
            false => self.port.abandon(link),
        }
    }

    /// Sends everything that is queued, and what `more` gives meanwhile, until all is answered.
    ///
    /// # Errors
    /// A refusal. What is not answered then stays queued; [`Flight::give_up`] ends it.
    pub(crate) async fn fly(
        &mut self,
        mut more: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Refused> {
        let mut flying = VecDeque::new();
        // Refused for now: sent again, in order, when all that is under way is answered.
        let mut again: Vec<Outgoing> = Vec::new();
        let (mut losses, mut refusals) = (0, 0);
        loop {
            let link = self.link().await;
            while again.is_empty() && flying.len() < IN_FLIGHT {
                if self.waiting.is_empty() && !more(self) {
                    break;
                }
                let Some(outgoing) = self.waiting.pop_front() else {
                    break;
                };
                let pending = self.port.send(link, self.version, &self.request(&outgoing));
                flying.push_back((outgoing, pending));
            }
            let Some((outgoing, pending)) = flying.pop_front() else {
                if again.is_empty() {
                    return Ok(());
                }
                again
                    .drain(..)
                    .rev()
                    .for_each(|o| self.waiting.push_front(o));
                // A full disk refuses for long.
                refusals = 100.min(refusals + 1);
                self.port.sleep(5_000 * refusals).await;
                continue;
            };
            let patience = self.port.random().between(200_000, 2_000_000);
            let Ok(response) = self.port.answer(pending, patience).await else {
                let unanswered = flying.drain(..).map(|(outgoing, _)| outgoing);
                self.back(again.drain(..).chain([outgoing]).chain(unanswered));
                losses += 1;
                if self.losses_max > 0 && losses >= self.losses_max {
                    return Err(Refused(ErrorCode::RequestTimedOut));
                }
                continue;
            };
            losses = 0;
            let part = response.responses.first();
            let Some(part) = part.and_then(|topic| topic.partition_responses.first()) else {
                self.port
                    .found("a produce answer without its partition".to_owned());
                return Err(Refused(ErrorCode::UnknownServerError));
            };
            let code = ErrorCode::from_code(part.error_code).unwrap_or_default();
            let follows = again.iter().any(|o| o.partition == outgoing.partition);
            if code == ErrorCode::None {
                refusals = 0;
                self.acknowledged(outgoing, part.base_offset);
            } else if code.is_retriable()
                || (follows && code == ErrorCode::OutOfOrderSequenceNumber)
            {
                again.push(outgoing);
            } else {
                let (partition, sequence) = (&outgoing.partition, outgoing.sequence);
                self.port
                    .say(format!("{partition} sequence {sequence}: {code}"));
                let rest = flying.drain(..).map(|(outgoing, _)| outgoing);
                self.back(again.drain(..).chain([outgoing]).chain(rest));
                return Err(Refused(code));
            }
        }
    }

    /// The connection is given up; what was under way on it is sent before anything else.
    fn back(&mut self, outgoing: impl Iterator<Item = Outgoing>) {
        let outgoing: Vec<Outgoing> = outgoing.collect();
        for outgoing in outgoing.into_iter().rev() {
            self.waiting.push_front(outgoing);
        }
        self.drop_link();
    }

    /// What is still queued will not be sent again: nobody knows what became of it.
    pub(crate) fn give_up(&mut self) {
        for outgoing in std::mem::take(&mut self.waiting) {
            for (invoked, _) in outgoing.sends {
                self.port.complete(invoked, Kind::Info, None);
            }
        }
    }

    fn acknowledged(&self, outgoing: Outgoing, base: i64) {
        for ((invoked, send), offset) in outgoing.sends.into_iter().zip(base..) {
            let op = Op::Send(SendRecord {
                offset: Some(offset),
                ..send
            });
            self.port.complete(invoked, Kind::Ok, Some(op));
        }
    }

    fn request(&self, outgoing: &Outgoing) -> ProduceRequest {
        let transactional = self.transactional_id.is_some();
        let records = batch(
            &outgoing.records,
            self.port.now_ms(),
            self.identity,
            outgoing.sequence,
            transactional,
        );
        ProduceRequest {
            transactional_id: self.transactional_id.as_deref().map(str::to_owned),
            acks: -1,
            timeout_ms: 1_000,
            topic_data: vec![TopicProduceData {
                name: outgoing.partition.topic.to_string(),
                partition_data: vec![PartitionProduceData {
                    index: outgoing.partition.index,
                    records: Some(records.as_bytes().clone()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }
    }
}
