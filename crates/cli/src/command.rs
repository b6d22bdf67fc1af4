//! The command line: one file per command, this one only lists them.

mod broker;
mod consume;
mod demo;
mod produce;
mod topics;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;

/// Exactly-once on Kafka: a broker, its clients' tools, and the proof.
#[derive(Debug, Parser)]
#[command(name = "once", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Broker(broker::BrokerCommand),
    Topics(topics::Topics),
    Produce(produce::Produce),
    Consume(consume::Consume),
    Demo(demo::Demo),
    #[command(hide = true)]
    DemoProcessor(demo::DemoProcessor),
}

/// Which cluster.
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    /// The cluster's address; any Kafka will do
    #[arg(
        long,
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT",
        default_value = "localhost:9092",
        value_parser = addresses
    )]
    bootstrap: String,
}

/// Runs what was asked for.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Broker(broker) => broker.run().await?,
        Command::Topics(topics) => topics.run().await?,
        Command::Produce(produce) => produce.run().await?,
        Command::Consume(consume) => consume.run().await?,
        Command::Demo(demo) => return demo.run().await,
        Command::DemoProcessor(processor) => processor.run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Cluster {
    /// The address, once somebody listens there.
    async fn reached(&self) -> Result<&str, Failure> {
        once_client::reach(&self.bootstrap).await?;
        Ok(&self.bootstrap)
    }
}

/// `HOST:PORT`, or several with commas between them.
fn addresses(text: &str) -> Result<String, String> {
    let named = |address: &str| {
        address
            .trim()
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if text.split(',').all(named) {
        Ok(text.to_owned())
    } else {
        Err("write HOST:PORT".to_owned())
    }
}
