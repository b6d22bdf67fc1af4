//! `once produce`: records from standard input, a line each.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::thread;
use std::time::Duration;

use clap::Args;
use once_client::{
    Ack, Confluent, Engine, Error as ClientError, NewRecord, Producer, ProducerConfig,
};
use tokio::sync::mpsc;

use super::Cluster;
use crate::failure::Failure;

/// Records under way before the oldest is waited for.
const IN_FLIGHT_MAX: usize = 10_000;

/// Write records to a topic, one for each line of the standard input
#[derive(Debug, Args)]
#[command(after_help = "The producer is idempotent: its retries never store a record twice.")]
pub(crate) struct Produce {
    /// The topic
    topic: String,
    /// What separates key and value in a line; without it lines are values
    #[arg(long, value_name = "SEPARATOR", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key_separator: Option<String>,
    /// Write all lines in one transaction under this id: all of them become visible, or none
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    transactional_id: Option<String>,
    #[command(flatten)]
    cluster: Cluster,
}

impl Produce {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        // A record for a topic that is not there waits this long for it to appear.
        let config =
            ProducerConfig::new(self.cluster.reached().await?).set("max.block.ms", "10000");
        let transactional = self.transactional_id.is_some();
        let config = match &self.transactional_id {
            Some(id) => config.transactional(id),
            None => config,
        };
        let producer = Confluent.producer(&config)?;
        if transactional {
            producer.init_transactions().await?;
            producer.begin_transaction()?;
        }
        let outcome = match self.send_lines(&producer).await {
            Ok(count) if transactional => commit(&producer).await.map(|()| count),
            Err(failure) if transactional => {
                let aborted = producer.abort_transaction().await;
                Err(with_abort(&failure, aborted))
            }
            other => other,
        };
        let closed = producer.close(Duration::from_secs(10)).await;
        let count = outcome?;
        closed?;
        eprintln!("{count} records written to {}", self.topic);
        Ok(())
    }

    async fn send_lines(&self, producer: &impl Producer) -> Result<u64, Failure> {
        let mut lines = stdin_lines();
        let mut under_way: VecDeque<Ack> = VecDeque::new();
        let mut count = 0;
        while let Some(line) = lines.recv().await {
            let line = line?;
            count += 1;
            if under_way.len() >= IN_FLIGHT_MAX
                && let Some(oldest) = under_way.pop_front()
            {
                oldest.await?;
            }
            under_way.push_back(producer.send(self.record(&line, count)?).await?);
        }
        producer.flush().await?;
        for ack in under_way {
            ack.await?;
        }
        Ok(count)
    }

    /// The record of a line, whose bytes need not be text.
    fn record(&self, line: &[u8], number: u64) -> Result<NewRecord, Failure> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(separator) = &self.key_separator else {
            return Ok(NewRecord::new(&self.topic, line.to_vec()));
        };
        let at = line
            .windows(separator.len())
            .position(|part| part == separator.as_bytes());
        let at = at.ok_or_else(|| {
            Failure::Failed(format!(
                "line {number} has no key: there is no {separator:?} in it"
            ))
        })?;
        let (key, value) = (line[..at].to_vec(), line[at + separator.len()..].to_vec());
        Ok(NewRecord::new(&self.topic, value).key(key))
    }
}

/// Lines of the standard input. A thread reads them, for a read of a terminal cannot be given up;
/// it ends with the process.
fn stdin_lines() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(1024);
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Commits, and asks again while the outcome is open: only the same call may settle it.
async fn commit(producer: &impl Producer) -> Result<(), Failure> {
    for _ in 0..5 {
        match producer.commit_transaction().await {
            Err(error) if error.is_retry() => {}
            outcome => return Ok(outcome?),
        }
    }
    Err(Failure::Failed(
        "commit the transaction: no answer; whether it is committed is open until the broker answers"
            .to_owned(),
    ))
}

/// Says, with what went wrong, what became of the lines before it.
fn with_abort(failure: &Failure, aborted: Result<(), ClientError>) -> Failure {
    let fate = match aborted {
        Ok(()) => "the transaction is aborted, nothing was written".to_owned(),
        Err(error) => format!("{error}; the broker aborts the transaction when its time is up"),
    };
    Failure::Failed(format!("{failure}\n  {fate}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn produce(key_separator: Option<&str>) -> Produce {
        Produce {
            topic: "t".to_owned(),
            key_separator: key_separator.map(str::to_owned),
            transactional_id: None,
            cluster: Cluster {
                bootstrap: "localhost:9092".to_owned(),
            },
        }
    }

    #[test]
    fn a_line_is_split_at_the_first_separator() {
        let record = produce(Some("::"))
            .record(b"k::v::w\r", 1)
            .expect("a record");
        assert_eq!(record, NewRecord::new("t", "v::w").key("k"));
        let error = produce(Some(":")).record(b"plain", 3).expect_err("no key");
        assert_eq!(
            error.to_string(),
            "line 3 has no key: there is no \":\" in it"
        );
    }

    #[test]
    fn without_a_separator_a_line_is_a_value_whatever_its_bytes() {
        let record = produce(None).record(b"a:\xff", 1).expect("a record");
        assert_eq!(record, NewRecord::new("t", b"a:\xff".to_vec()));
    }
}
