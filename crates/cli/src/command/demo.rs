//! `once demo`: exactly-once in five acts, checked.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use once_broker::Broker;
use once_verify::demo::{self, DemoOptions, ProcessorCommand, Sabotage};

use super::addresses;
use crate::failure::Failure;
use crate::output;

/// See exactly-once in five acts, each claim checked against the log
#[derive(Debug, Args)]
#[command(after_help = "Exits with 1 if any claim fails.")]
pub(crate) struct Demo {
    /// The cluster to play on, any Kafka from 4.0 [default: a broker of its own]
    #[arg(long, visible_alias = "bootstrap-server", value_name = "HOST:PORT", value_parser = addresses)]
    bootstrap: Option<String>,
    /// How many records the processor of the fourth act gets
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..))]
    records: u64,
    /// Break one act on purpose, to see that its claims fail
    #[arg(long, value_name = "WHAT", hide = true)]
    sabotage: Option<Sabotage>,
}

/// The fourth act's processor, as the demo starts it
#[derive(Debug, Args)]
pub(crate) struct DemoProcessor {
    #[arg(allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        // Stopped, and its data removed, when the demo is over.
        let (bootstrap, _broker) = match self.bootstrap {
            Some(bootstrap) => (bootstrap, None),
            None => {
                let broker = Broker::builder().ephemeral().start().map_err(|error| {
                    Failure::Failed(format!("start a broker for the demo: {error}"))
                })?;
                (broker.address().to_string(), Some(broker))
            }
        };
        let options = DemoOptions {
            bootstrap,
            processor: ProcessorCommand {
                program: this_program()?,
                args: vec!["demo-processor".into()],
            },
            records: self.records,
            sabotage: self.sabotage,
        };
        let mut broken = None;
        let mut tell = |telling: demo::Telling| {
            if let Err(error) = output::telling(&mut io::stdout().lock(), &telling) {
                broken.get_or_insert(error);
            }
        };
        let report = demo::run(options, &mut tell).await?;
        output::report(&mut io::stdout().lock(), &report)?;
        match broken {
            Some(error) => Err(error.into()),
            None if report.holds() => Ok(ExitCode::SUCCESS),
            None => Ok(ExitCode::FAILURE),
        }
    }
}

impl DemoProcessor {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        Ok(demo::run_processor(&self.args).await?)
    }
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("find my own program: {error}")))
}
