//! Act 4's processor, as it runs in a process of its own.
//!
//! It speaks to its parent through lines on its standard output: [`Step`]. Told to hold, it stops
//! for ever after the brokers have acknowledged a transaction's records and before EndTxn: the
//! place where a kill hurts most.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use once_client::{Isolation, Offsets, TopicPartition};

use super::stage::TRANSACTION_TIMEOUT;
use crate::cpp::{Processor, ProcessorConfig, Source};
use crate::error::Error;
use crate::reader::Reader;

/// What the processor is to do. Written and read here, so that both processes agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorArgs {
    pub(super) bootstrap: String,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) group: String,
    pub(super) transactional_id: String,
    /// The most records of a transaction.
    pub(super) batch: usize,
    /// The transaction to stop in, from 1; 0 for none.
    pub(super) hold: u64,
    /// False is sabotage.
    pub(super) commit_offsets: bool,
}

/// What a processor tells its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A transaction, from 1, was committed with so many records.
    Committed { transaction: u64, records: u64 },
    /// A transaction's records are acknowledged, and now it stands still.
    Holding { transaction: u64, records: u64 },
    /// Every input is committed.
    Done,
}

/// Runs the processor until it has committed all that its input held when it started.
pub async fn run_processor(args: &[String]) -> Result<(), Error> {
    let args = ProcessorArgs::parse(args)?;
    let reader = Reader::new(&args.bootstrap)?;
    let ends = reader.ends(&args.input, Isolation::ReadCommitted).await?;
    let mut processor = Processor::start(config(&args, ends.keys().cloned().collect())).await?;
    let mut transaction = 0;
    let mut left = left(&mut processor, &ends).await?;
    while left > 0 {
        let batch = processor.poll(Duration::from_millis(200)).await?;
        if batch.is_empty() {
            continue;
        }
        transaction += 1;
        let records = processor.produce(&batch).await?;
        if transaction == args.hold {
            tell(Step::Holding {
                transaction,
                records,
            })?;
            std::future::pending::<()>().await;
        }
        processor.commit().await?;
        tell(Step::Committed {
            transaction,
            records,
        })?;
        left = left.saturating_sub(records);
    }
    processor.close().await;
    tell(Step::Done)
}

/// How many inputs the group has not committed yet.
async fn left(processor: &mut Processor, ends: &Offsets) -> Result<u64, Error> {
    let partitions: Vec<TopicPartition> = ends.keys().cloned().collect();
    let committed = processor.committed(&partitions).await?;
    let left = ends
        .iter()
        .map(|(p, end)| end - committed.get(p).copied().unwrap_or(0));
    Ok(left.sum::<i64>().try_into().unwrap_or(0))
}

fn config(args: &ProcessorArgs, partitions: Vec<TopicPartition>) -> ProcessorConfig {
    ProcessorConfig {
        bootstrap: args.bootstrap.clone(),
        source: Source::Assigned(partitions),
        outputs: vec![args.output.clone()],
        group: args.group.clone(),
        transactional_id: args.transactional_id.clone(),
        batch: args.batch,
        transaction_timeout: TRANSACTION_TIMEOUT,
        commit_offsets: args.commit_offsets,
    }
}

/// The channel to the parent, not a print for a person.
fn tell(step: Step) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "{step}").and_then(|()| out.flush());
    told.map_err(Error::io("tell the parent process"))
}

impl ProcessorArgs {
    /// As command line arguments.
    pub(super) fn args(&self) -> [String; 8] {
        [
            self.bootstrap.clone(),
            self.input.clone(),
            self.output.clone(),
            self.group.clone(),
            self.transactional_id.clone(),
            self.batch.to_string(),
            self.hold.to_string(),
            self.commit_offsets.to_string(),
        ]
    }

    /// The inverse of [`ProcessorArgs::args`].
    fn parse(args: &[String]) -> Result<Self, Error> {
        let wrong = || Error::Usage("the processor is started by the demo, not by hand".to_owned());
        let [
            bootstrap,
            input,
            output,
            group,
            transactional_id,
            batch,
            hold,
            commit_offsets,
        ] = args
        else {
            return Err(wrong());
        };
        Ok(Self {
            bootstrap: bootstrap.clone(),
            input: input.clone(),
            output: output.clone(),
            group: group.clone(),
            transactional_id: transactional_id.clone(),
            batch: batch.parse().map_err(|_| wrong())?,
            hold: hold.parse().map_err(|_| wrong())?,
            commit_offsets: commit_offsets.parse().map_err(|_| wrong())?,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Committed {
                transaction,
                records,
            } => write!(f, "committed {transaction} {records}"),
            Step::Holding {
                transaction,
                records,
            } => write!(f, "holding {transaction} {records}"),
            Step::Done => write!(f, "done"),
        }
    }
}

impl FromStr for Step {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let wrong = || Error::Processor(format!("said {line:?}, which means nothing"));
        let number = |word: &str| word.parse::<u64>().map_err(|_| wrong());
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["committed", transaction, records] => Ok(Step::Committed {
                transaction: number(transaction)?,
                records: number(records)?,
            }),
            ["holding", transaction, records] => Ok(Step::Holding {
                transaction: number(transaction)?,
                records: number(records)?,
            }),
            ["done"] => Ok(Step::Done),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parent_writes_the_processor_reads() {
        let args = ProcessorArgs {
            bootstrap: "127.0.0.1:9092".into(),
            input: "in".into(),
            output: "out".into(),
            group: "g".into(),
            transactional_id: "t".into(),
            batch: 7,
            hold: 3,
            commit_offsets: true,
        };
        assert_eq!(ProcessorArgs::parse(&args.args()).expect("the same"), args);
        assert!(ProcessorArgs::parse(&args.args()[1..]).is_err());
    }

    #[test]
    fn what_the_processor_says_the_parent_understands() {
        for step in [
            Step::Committed {
                transaction: 1,
                records: 2,
            },
            Step::Holding {
                transaction: 3,
                records: 4,
            },
            Step::Done,
        ] {
            assert_eq!(step.to_string().parse::<Step>().expect("understood"), step);
        }
        assert!("committed x 1".parse::<Step>().is_err());
    }
}
