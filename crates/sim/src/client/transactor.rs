//! The transactional producer, as Java's and librdkafka's do it below transaction version 2.
//!
//! Partitions are added before data goes to them; all data is answered before the end is asked
//! for; a lost answer is asked for again until there is one; an identity that is fenced is given
//! up, and a restarted application asks for a new one.

use super::flight::{Flight, Refused};
use super::producer::{init, payloads, random_partition};
use super::reader::Consumer;
use super::setup::PATIENCE;
use super::{KEYED, Port, TOPICS};
use crate::plan::Plan;
use once_check::history::{Begin, End, Isolation, Kind, Name, Op, Partition};
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::end_txn_request::EndTxnRequest;
use std::collections::BTreeSet;

/// One transactional producer.
pub(crate) struct Transactor {
    pub(crate) port: Port,
    pub(crate) id: Name,
    pub(crate) flight: Flight,
    pub(crate) txn: u64,
    /// The transaction that comes then.
    pub(crate) next_txn: u64,
    /// Partitions that are part of the transaction.
    added: BTreeSet<Partition>,
}

impl Transactor {
    /// Starts, and fences everyone before it. `None`: fenced itself, or there is no end of it.
    pub(crate) async fn start(port: Port, id: Name, timeout_ms: i32) -> Option<Self> {
        let identity = match init(&port, Some(&id), timeout_ms, None).await {
            Ok(identity) => identity,
            Err(code) => {
                port.say(format!("init of {id}: {code}"));
                return None;
            }
        };
        let mut flight = Flight::new(port.clone(), identity, Some(id.clone()));
        flight.losses_max = 30;
        Some(Self {
            next_txn: port.fresh_txn(),
            port,
            id,
            flight,
            txn: 0,
            added: BTreeSet::new(),
        })
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self) {
        self.txn = std::mem::replace(&mut self.next_txn, self.port.fresh_txn());
        self.added.clear();
        let begin = Begin {
            txn: self.txn,
            producer: self.flight.producer(),
        };
        self.port.note(Kind::Ok, Op::Begin(begin));
    }

    fn addition(&self, partition: &Partition) -> AddPartitionsToTxnRequest {
        AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: self.id.to_string(),
            v3_and_below_producer_id: self.flight.identity.0,
            v3_and_below_producer_epoch: self.flight.identity.1,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: partition.topic.to_string(),
                partitions: vec![partition.index],
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    /// Makes a partition a part of the transaction.
    pub(crate) async fn add(&mut self, partition: &Partition) -> Result<(), Refused> {
        if self.added.contains(partition) {
            return Ok(());
        }
        let request = self.addition(partition);
        let version = *self.port.random().pick(&[0, 3]);
        for _ in 0..200 {
            let link = self.flight.link().await;
            let Ok(response) = self.port.call(link, version, &request, PATIENCE).await else {
                self.flight.drop_link();
                continue;
            };
            let results = response.results_by_topic_v3_and_below.first();
            let result = results.and_then(|topic| topic.results_by_partition.first());
            let code = result.map_or(-1, |result| result.partition_error_code);
            match ErrorCode::from_code(code).unwrap_or_default() {
                ErrorCode::None => {
                    self.added.insert(partition.clone());
                    return Ok(());
                }
                retriable if retriable.is_retriable() => self.port.sleep(5_000).await,
                code => return Err(Refused(code)),
            }
        }
        Err(Refused(ErrorCode::RequestTimedOut))
    }

    /// Sends records to a partition of the transaction. Now and then they leave before the answer
    /// to AddPartitionsToTxn is there, as no client should do it; nothing may hang by it.
    pub(crate) async fn send_some(
        &mut self,
        partition: &Partition,
        eager: u64,
    ) -> Result<(), Refused> {
        if self.port.random().below(eager) == 0 {
            let request = self.addition(partition);
            let link = self.flight.link().await;
            self.port.send(link, 3, &request);
        } else {
            self.add(partition).await?;
        }
        let batches = self.port.random().between(1, 3);
        for _ in 0..batches {
            let records = payloads(&self.port, 3);
            self.flight.push(partition, records, Some(self.txn));
        }
        Ok(())
    }

    /// Ends the transaction, asking until there is an answer.
    pub(crate) async fn end(&mut self, commit: bool) -> Result<(), Refused> {
        let end = End {
            txn: self.txn,
            producer: self.flight.producer(),
        };
        let op = if commit {
            Op::Commit(end)
        } else {
            Op::Abort(end)
        };
        let invoked = self.port.invoke(op);
        let request = EndTxnRequest {
            transactional_id: self.id.to_string(),
            producer_id: self.flight.identity.0,
            producer_epoch: self.flight.identity.1,
            committed: commit,
            ..Default::default()
        };
        let version = *self.port.random().pick(&[0, 1, 3, 4]);
        let mut unanswered = false;
        for _ in 0..200 {
            let link = self.flight.link().await;
            let Ok(response) = self.port.call(link, version, &request, PATIENCE).await else {
                unanswered = true;
                self.flight.drop_link();
                continue;
            };
            match ErrorCode::from_code(response.error_code).unwrap_or_default() {
                ErrorCode::None => {
                    self.port.complete(invoked, Kind::Ok, None);
                    return Ok(());
                }
                retriable if retriable.is_retriable() => self.port.sleep(5_000).await,
                code => {
                    self.port
                        .say(format!("end of {} ({commit}): {code}", self.txn));
                    if unanswered && code == ErrorCode::InvalidTxnState && !self.added.is_empty() {
                        self.port
                            .found(format!("I8: end of {} ({commit}) again: {code}", self.txn));
                    }
                    let kind = if unanswered { Kind::Info } else { Kind::Fail };
                    self.port.complete(invoked, kind, None);
                    return Err(Refused(code));
                }
            }
        }
        self.port.complete(invoked, Kind::Info, None);
        Err(Refused(ErrorCode::RequestTimedOut))
    }

    /// One transaction: some records to some partitions, and its end. An application may read in it.
    async fn transaction(
        &mut self,
        plan: &Plan,
        timeout_ms: i32,
        reads: Option<&mut Consumer>,
    ) -> Result<(), Refused> {
        self.begin();
        if let Some(consumer) = reads {
            consumer.txn = Some(self.txn);
            let link = self.flight.link().await;
            if consumer.poll(link, 0).await.is_none() {
                self.flight.drop_link();
            }
        }
        // Some are so long that segments roll within them, and are compacted around them.
        let is_long = self.port.random().below(8) == 0;
        let (least, most) = if is_long { (8, 16) } else { (1, 3) };
        let parts = self.port.random().between(least, most);
        for _ in 0..parts {
            let topic = match is_long {
                true => KEYED,
                false => *self.port.random().pick(&TOPICS),
            };
            if is_long {
                let pause = self.port.random().below(60_000);
                self.port.sleep(pause).await;
            }
            let partition = random_partition(&self.port, topic, plan.partitions);
            self.send_some(&partition, plan.eager).await?;
            self.flight.fly(|_| false).await?;
            self.add(&partition).await?;
        }
        if self.port.random().below(12) == 0 {
            // A long pause: the coordinator may end the transaction meanwhile.
            let most = u64::from(timeout_ms.unsigned_abs()) * 2_000;
            let pause = self.port.random().below(most.min(20_000_000));
            self.port.sleep(pause).await;
        }
        let commit = self.port.random().below(4) != 0;
        self.end(commit).await
    }
}

/// Runs so many transactions, as one application that is started again whenever it fails.
pub(crate) async fn transactional(port: Port, id: Name, plan: Plan) {
    let timeout_ms = *port.random().pick(&[300, 3_000, 60_000]);
    let mut left = plan.operations / 2;
    let reads = port.random().coin();
    let of_all =
        || Consumer::of_everything(port.clone(), Isolation::ReadCommitted, plan.partitions);
    let mut reads = reads.then(of_all);
    while left > 0 && !port.is_ending() {
        let Some(mut own) = Transactor::start(port.clone(), id.clone(), timeout_ms).await else {
            left -= 1;
            continue;
        };
        while left > 0 && !port.is_ending() {
            left -= 1;
            if let Err(Refused(code)) = own.transaction(&plan, timeout_ms, reads.as_mut()).await {
                own.flight.give_up();
                let fenced = matches!(
                    code,
                    ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch
                );
                // The coordinator ended it, or a crash took what was added and not answered.
                let timed_out = matches!(
                    code,
                    ErrorCode::InvalidTxnState | ErrorCode::TransactionAbortable
                );
                if !fenced && !timed_out && code != ErrorCode::RequestTimedOut {
                    port.found(format!(
                        "transaction {} of {id} was refused: {code}",
                        own.txn
                    ));
                }
                break;
            }
        }
        own.flight.drop_link();
        let pause = port.random().below(200_000);
        port.sleep(pause).await;
    }
}
