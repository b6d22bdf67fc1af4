//! Where the acts are played: the cluster, its topics of this run, and the listener.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use once_client::{
    Admin, Confluent, Engine, Isolation, NewRecord, NewTopic, Producer, ProducerConfig,
    TopicPartition, reach,
};

use super::claim::{Claim, Report};
use super::{DemoOptions, Sabotage};
use crate::error::Error;
use crate::reader::Reader;

/// The producers' `transaction.timeout.ms`. Longer than any act, so that no transaction ends but
/// by what the act does.
pub(super) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// What is told while the demo runs.
#[derive(Debug, Clone)]
pub enum Telling<'a> {
    /// An act begins.
    Act {
        /// From 1.
        number: u8,
        /// Its title.
        title: &'a str,
    },
    /// Something happened or is about to.
    Line(&'a str),
    /// A claim was checked.
    Checked(&'a Claim),
}

/// The cluster as the acts use it.
pub(super) struct Stage<'a> {
    pub(super) options: DemoOptions,
    pub(super) reader: Reader,
    admin: <Confluent as Engine>::Admin,
    run: String,
    topics: Vec<String>,
    act: u8,
    report: Report,
    tell: &'a mut (dyn FnMut(Telling) + Send),
}

/// How many records each kind of reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) committed: u64,
    pub(super) uncommitted: u64,
}

impl<'a> Stage<'a> {
    pub(super) async fn open(
        options: DemoOptions,
        tell: &'a mut (dyn FnMut(Telling) + Send),
    ) -> Result<Self, Error> {
        reach(&options.bootstrap).await?;
        let reader = Reader::new(&options.bootstrap)?;
        let admin = Confluent.admin(&options.bootstrap)?;
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let run = format!(
            "once-demo-{:x}-{:x}",
            since_1970.as_micros(),
            std::process::id()
        );
        let report = Report::default();
        Ok(Self {
            options,
            reader,
            admin,
            run,
            topics: Vec::new(),
            act: 0,
            report,
            tell,
        })
    }

    pub(super) fn act(&mut self, title: &str) {
        self.act += 1;
        (self.tell)(Telling::Act {
            number: self.act,
            title,
        });
    }

    pub(super) fn say(&mut self, line: impl AsRef<str>) {
        (self.tell)(Telling::Line(line.as_ref()));
    }

    /// Records a claim: it holds if both sides read the same.
    pub(super) fn claim(&mut self, what: &str, expected: impl Display, found: impl Display) {
        let claim = Claim {
            act: self.act,
            what: what.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        };
        (self.tell)(Telling::Checked(&claim));
        self.report.claims.push(claim);
    }

    pub(super) fn is_sabotaged(&self, sabotage: Sabotage) -> bool {
        self.options.sabotage == Some(sabotage)
    }

    /// A name that no other run uses.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.run)
    }

    /// Makes a topic of this run and waits until it can be written.
    pub(super) async fn topic(&mut self, what: &str, partitions: i32) -> Result<String, Error> {
        let name = self.name(what);
        self.admin
            .create_topic(&NewTopic::new(&name).partitions(partitions))
            .await?;
        self.topics.push(name.clone());
        let all: Vec<_> = (0..partitions)
            .map(|p| TopicPartition::new(&name, p))
            .collect();
        self.admin
            .await_leaders(&all, Duration::from_secs(30))
            .await?;
        Ok(name)
    }

    /// A transactional producer that owns its id.
    pub(super) async fn transactional(
        &self,
        id: &str,
    ) -> Result<<Confluent as Engine>::Producer, Error> {
        let config = ProducerConfig::new(&self.options.bootstrap).transactional(id);
        let producer = Confluent.producer(&config.transaction_timeout(TRANSACTION_TIMEOUT))?;
        producer.init_transactions().await?;
        Ok(producer)
    }

    /// What both kinds of reader see of some topics now.
    pub(super) async fn seen(&self, topics: &[&String]) -> Result<Seen, Error> {
        let mut seen = Seen {
            committed: 0,
            uncommitted: 0,
        };
        for topic in topics {
            seen.committed += self.reader.count(topic, Isolation::ReadCommitted).await?;
            seen.uncommitted += self.reader.count(topic, Isolation::ReadUncommitted).await?;
        }
        Ok(seen)
    }

    /// The same once no transaction is open in them.
    pub(super) async fn settled(&self, topics: &[&String]) -> Result<Seen, Error> {
        for topic in topics {
            self.reader.settle(topic).await?;
        }
        self.seen(topics).await
    }

    /// Removes the topics of a run that went well; those of another stay, to be looked at.
    pub(super) async fn close(mut self) -> Report {
        if self.report.holds() {
            for topic in std::mem::take(&mut self.topics) {
                if let Err(error) = self.admin.delete_topic(&topic).await {
                    tracing::debug!(%error, "after the demo");
                }
            }
        } else {
            let line = format!(
                "The topics of this run are left to be looked at: {}-*",
                self.run
            );
            self.say(line);
        }
        self.report
    }
}

/// Sends records and waits until all are acknowledged.
pub(super) async fn send_all(
    producer: &impl Producer,
    records: impl IntoIterator<Item = NewRecord>,
) -> Result<u64, Error> {
    let mut acks = Vec::new();
    for record in records {
        acks.push(producer.send(record).await?);
    }
    producer.flush().await?;
    let sent = acks.len() as u64;
    for ack in acks {
        ack.await?;
    }
    Ok(sent)
}

/// Closes a producer that has done its part.
pub(super) async fn close(producer: &impl Producer) {
    if let Err(error) = producer.close(Duration::from_secs(2)).await {
        tracing::debug!(%error, "closing a producer of the demo");
    }
}
