//! Act 4: consume-process-produce over many records, with a SIGKILL where it hurts most.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use once_client::{
    Compression, Confluent, Consumer, ConsumerConfig, Engine, NewRecord, ProducerConfig,
    TopicPartition,
};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::child::{ProcessorArgs, Step};
use super::stage::{self, Seen, Stage, send_all};
use super::{ProcessorCommand, Sabotage};
use crate::cpp::{InputTag, judge};
use crate::error::Error;

/// Partitions of input and output.
const PARTITIONS: i32 = 4;
/// How many transactions the processing takes, at the least.
const TRANSACTIONS: u64 = 10;
/// The transaction in which the processor is killed.
const KILLED_IN: u64 = 4;
/// How long a processor may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    let input = stage.topic("events", PARTITIONS).await?;
    let output = stage.topic("processed", PARTITIONS).await?;
    let acknowledged = fill(stage, &input).await?;
    let args = ProcessorArgs {
        bootstrap: stage.options.bootstrap.clone(),
        input: input.clone(),
        output: output.clone(),
        group: stage.name("processors"),
        transactional_id: stage.name("processor"),
        batch: usize::try_from(stage.options.records.div_ceil(TRANSACTIONS)).unwrap_or(usize::MAX),
        hold: KILLED_IN,
        commit_offsets: !stage.is_sabotaged(Sabotage::Offsets),
    };
    let held = kill_in_the_middle(stage, &args, &output).await?;
    stage.say("The same processor is started again, with nothing but the log to go by.");
    finish(
        stage,
        &ProcessorArgs {
            hold: 0,
            ..args.clone()
        },
    )
    .await?;
    check(stage, &args, &acknowledged, held).await
}

/// Writes the inputs and returns their numbers.
async fn fill(stage: &mut Stage<'_>, input: &str) -> Result<BTreeSet<u64>, Error> {
    let count = stage.options.records;
    let config = ProducerConfig::new(&stage.options.bootstrap).compression(Compression::Lz4);
    let producer = Confluent.producer(&config)?;
    let records = (0..count).map(|sequence| {
        let record =
            NewRecord::new(input, format!("event-{sequence}")).key(format!("key-{sequence}"));
        InputTag { sequence }.write(record)
    });
    let sent = send_all(&producer, records).await?;
    stage::close(&producer).await;
    stage.say(format!(
        "{sent} records wait in a topic of {PARTITIONS} partitions."
    ));
    Ok((0..count).collect())
}

/// Runs a processor into its hold, kills it there, and returns how many outputs it left undecided.
async fn kill_in_the_middle(
    stage: &mut Stage<'_>,
    args: &ProcessorArgs,
    output: &String,
) -> Result<u64, Error> {
    let mut running = Running::start(&stage.options.processor, args)?;
    stage.say(
        "A processor in a process of its own turns them into records of another topic, a batch and",
    );
    stage.say("its offsets in each transaction.");
    let held = loop {
        match running.next().await? {
            Some(Step::Committed {
                transaction,
                records,
            }) => {
                stage.say(format!(
                    "  transaction {transaction}: {records} records, committed"
                ));
            }
            Some(Step::Holding {
                transaction,
                records,
            }) => {
                stage.say(format!(
                    "  transaction {transaction}: {records} records, acknowledged, not committed yet"
                ));
                break records;
            }
            Some(Step::Done) | None => {
                return Err(Error::Processor(
                    "ended before it could be killed".to_owned(),
                ));
            }
        }
    };
    let status = running.kill().await?;
    let signal = status
        .signal()
        .map_or_else(|| "none".to_owned(), |signal| signal.to_string());
    stage.say(format!("  killed, before EndTxn: signal {signal}"));
    stage.claim("the processor was ended by signal", 9, signal);
    let Seen {
        committed,
        uncommitted,
    } = stage.seen(&[output]).await?;
    stage.claim(
        "killed: outputs stored and undecided",
        held,
        uncommitted - committed,
    );
    Ok(held)
}

/// Runs a processor to its end.
async fn finish(stage: &mut Stage<'_>, args: &ProcessorArgs) -> Result<(), Error> {
    let mut running = Running::start(&stage.options.processor, args)?;
    let (mut transactions, mut total) = (0, 0);
    while let Some(step) = running.next().await? {
        match step {
            Step::Committed { records, .. } => {
                transactions += 1;
                total += records;
            }
            Step::Done => {
                stage.say(format!(
                    "  it committed {total} records in {transactions} transactions, and is done"
                ));
                return Ok(());
            }
            Step::Holding { .. } => {
                return Err(Error::Processor("held without being told to".to_owned()));
            }
        }
    }
    Err(Error::Processor("ended before its input did".to_owned()))
}

/// Counts everything back.
async fn check(
    stage: &mut Stage<'_>,
    args: &ProcessorArgs,
    acknowledged: &BTreeSet<u64>,
    held: u64,
) -> Result<(), Error> {
    let count = stage.options.records;
    let outputs = [args.output.clone()];
    let found = judge(&args.bootstrap, &args.input, &outputs, acknowledged).await?;
    stage.claim(
        "inputs that are in the output exactly once",
        count,
        found.exactly_once,
    );
    stage.claim(
        "inputs lost, or there more than once",
        "0, 0",
        format!("{}, {}", found.lost, found.duplicated),
    );
    let others = format!("{}, {}, {}", found.torn, found.alien, found.altered);
    stage.claim(
        "transactions seen in part, outputs of nothing, wrong outputs",
        "0, 0, 0",
        others,
    );
    let Seen { uncommitted, .. } = stage.seen(&[&args.output]).await?;
    stage.claim(
        "read_uncommitted also sees what the kill left behind",
        count + held,
        uncommitted,
    );
    stage.claim(
        "inputs the group has committed as read",
        count,
        committed(args).await?,
    );
    Ok(())
}

/// How many inputs the group's committed offsets cover.
async fn committed(args: &ProcessorArgs) -> Result<i64, Error> {
    let config = ConsumerConfig::new(&args.bootstrap).group(&args.group);
    let mut consumer = Confluent.consumer(&config)?;
    let partitions: Vec<_> = (0..PARTITIONS)
        .map(|p| TopicPartition::new(&args.input, p))
        .collect();
    let committed = consumer.committed(&partitions).await?;
    consumer.close().await?;
    Ok(committed.values().sum())
}

/// A processor's process.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &ProcessorCommand, args: &ProcessorArgs) -> Result<Self, Error> {
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .args(args.args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(format!("start {}", command.program.display())))?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| Error::Processor("has no output".to_owned()))?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// The next thing it says; `None` when it ends.
    async fn next(&mut self) -> Result<Option<Step>, Error> {
        let late = |_| Error::Late {
            what: "a word of the processor".to_owned(),
            waited: PATIENCE,
        };
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .map_err(late)?;
        line.map_err(Error::io("listen to the processor"))?
            .map(|line| line.parse())
            .transpose()
    }

    /// Ends it by SIGKILL.
    async fn kill(mut self) -> Result<ExitStatus, Error> {
        self.child
            .start_kill()
            .map_err(Error::io("kill the processor"))?;
        self.child
            .wait()
            .await
            .map_err(Error::io("wait for the processor"))
    }
}
